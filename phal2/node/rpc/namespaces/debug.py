"""The namespace debug: blocks, headers, transactions and receipts as the bytes that consensus speaks of."""

from typing import Any

from phal2.node.protocol.headers import encode_header
from phal2.node.protocol.receipts import encode_receipt
from phal2.node.rpc.block_reference import Block, BlockReference, find_block_hash
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.formats.raw_block import encode_block
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import DATA
from phal2.node.rpc.trace_schemas import NOTHING, RAW_ITEMS


class DebugMethods:
    """Raw encodings of what is stored."""

    def __init__(self, chain: ChainService, views: BlockViews) -> None:
        self._chain = chain
        self._views = views

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("debug_getRawHeader", self.raw_header, in_worker=True, result=DATA)
        registry.add("debug_getRawBlock", self.raw_block, in_worker=True, result=DATA)
        registry.add("debug_getRawReceipts", self.raw_receipts, in_worker=True, result=RAW_ITEMS)
        registry.add("debug_getRawTransaction", self.raw_transaction, result=DATA)
        registry.add("debug_getBadBlocks", self.bad_blocks, result=NOTHING)

    def raw_header(self, block: Block) -> str:
        """Return the RLP of a header."""
        header = self._chain.store.header(require_stored_block(self._chain, block))
        if header is None:
            raise block_not_found(block)
        return data(encode_header(header))

    def raw_block(self, block: Block) -> str:
        """Return the RLP of a block."""
        found = self._chain.store.block(require_stored_block(self._chain, block))
        if found is None:
            raise block_not_found(block)
        return data(encode_block(found))

    def raw_receipts(self, block: Block) -> list[str]:
        """Return the consensus bytes of a block's receipts."""
        receipts = self._chain.store.receipts(require_stored_block(self._chain, block))
        if receipts is None:
            raise block_not_found(block)
        return [data(encode_receipt(receipt)) for receipt in receipts]

    def raw_transaction(self, transaction_hash: Hash) -> str:
        """Return the envelope of a transaction of the chain or the pool; 0x where there is none, as geth does."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is not None:
            return data(self._views.raw_transaction(location.block_hash, location.index) or b"")
        pending = self._chain.pending_transaction(transaction_hash)
        return data(b"" if pending is None else pending.raw)

    def bad_blocks(self) -> list[Any]:
        """Return nothing: blocks that are not valid are not kept."""
        return []


def require_stored_block(chain: ChainService, block: BlockReference) -> bytes:
    """Return the hash of the stored block that is meant; raise `RpcError` in the words of the namespace debug.

    The pending block is not executed, so there is nothing of it to encode or trace.
    """
    if block.tag == "pending":
        raise RpcError(SERVER_ERROR, "pending block is not available")
    block_hash = find_block_hash(chain, block)
    if block_hash is None:
        raise block_not_found(block)
    return block_hash


def block_not_found(block: BlockReference) -> RpcError:
    """Return the error for a block that is not there, in the words of the namespace debug."""
    if block.hash is not None:
        return RpcError(SERVER_ERROR, f"block {data(block.hash)} not found")
    return RpcError(SERVER_ERROR, f"block #{block.number} not found" if block.tag is None else "block not found")
