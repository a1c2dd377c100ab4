"""A block's RLP as peers exchange it (Yellow Paper 4.3.

EIP-4895), which debug_getRawBlock and a block's size speak of.
"""

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import Block, encode_header

_EMPTY_LIST = b"\xc0"


def encode_block(block: Block) -> bytes:
    """Return the RLP of header, transactions, no ommers and, from Shanghai on, no withdrawals."""
    transactions = [envelope if envelope[0] >= 0xC0 else rlp.encode_bytes(envelope) for envelope in block.transactions]
    parts = [encode_header(block.header), rlp.encode_list(transactions), _EMPTY_LIST]
    if block.header.withdrawals_root is not None:
        parts.append(_EMPTY_LIST)
    return rlp.encode_list(parts)
