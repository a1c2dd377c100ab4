"""Blocks as eth_getBlockBy* and eth_simulateV1 show them (execution-apis, "Block object")."""

from collections.abc import Sequence
from typing import Any

from phal2.node.protocol.headers import Block
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.formats.raw_block import encode_block
from phal2.node.rpc.hexadecimal import quantity


def format_block(block: Block, transactions: Sequence[Any]) -> dict[str, Any]:
    """Return a block's object with `transactions`, objects or hashes. No block has uncles or withdrawals."""
    fields = format_header(block.header, block.hash)
    fields["size"] = quantity(len(encode_block(block)))
    fields["uncles"] = []
    if block.header.withdrawals_root is not None:
        fields["withdrawals"] = []
    fields["transactions"] = list(transactions)
    return fields
