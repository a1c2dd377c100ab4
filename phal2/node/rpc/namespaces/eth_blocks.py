"""eth methods that show blocks."""

from collections.abc import Sequence
from typing import Any

import orjson

from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.block_reference import BlockNumber, BlockReference, find_block_hash
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.pending_block import format_pending_block
from phal2.node.rpc.hexadecimal import quantity
from phal2.node.rpc.parameter_types import Boolean, Hash, Quantity
from phal2.node.rpc.pool_parts import pool_parts
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BLOCK, NULL, QUANTITY, optional
from phal2.node.rpc.workers import Workers
from phal2.node.state.environment import BlockEnvironment


class BlockMethods:
    """Blocks by number and hash, how many transactions they have, and that they have no uncles."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_getBlockByNumber", self.block_by_number, result=optional(BLOCK))
        registry.add("eth_getBlockByHash", self.block_by_hash, result=optional(BLOCK))
        registry.add(
            "eth_getBlockTransactionCountByNumber", self.transaction_count_by_number, result=optional(QUANTITY)
        )
        registry.add("eth_getBlockTransactionCountByHash", self.transaction_count_by_hash, result=optional(QUANTITY))
        registry.add("eth_getUncleCountByBlockNumber", self.uncle_count_by_number, result=optional(QUANTITY))
        registry.add("eth_getUncleCountByBlockHash", self.uncle_count_by_hash, result=optional(QUANTITY))
        registry.add("eth_getUncleByBlockNumberAndIndex", self.uncle_by_number, result=NULL)
        registry.add("eth_getUncleByBlockHashAndIndex", self.uncle_by_hash, result=NULL)

    def block_by_number(self, block: BlockNumber, full_transactions: Boolean = False) -> Any:
        """Return a block with its transactions or their hashes, null where there is none."""
        if block.tag == "pending":
            environment, transactions = self._chain.pending_environment(), pool_parts(self._chain)[0]
            return self._workers.run(_serialised_pending_block, environment, transactions, full_transactions)
        block_hash = find_block_hash(self._chain, block)
        return None if block_hash is None else self.block_by_hash(block_hash, full_transactions)

    def block_by_hash(self, block_hash: Hash, full_transactions: Boolean = False) -> Any:
        """Return a block with its transactions or their hashes, null where there is none."""
        cached = self._views.cached_block(block_hash, full_transactions)
        if cached is not None:
            return cached
        return self._workers.run(self._views.block, block_hash, full_transactions)

    def transaction_count_by_number(self, block: BlockNumber) -> str | None:
        """Return how many transactions a block has, null where there is none."""
        if block.tag == "pending":
            return quantity(len(pool_parts(self._chain)[0]))
        return self._transaction_count(block)

    def transaction_count_by_hash(self, block_hash: Hash) -> str | None:
        """Return how many transactions a block has, null where there is none."""
        return self._transaction_count(BlockReference(hash=block_hash))

    def uncle_count_by_number(self, block: BlockNumber) -> str | None:
        """Return 0 for a block that there is: it has no uncles."""
        return None if find_block_hash(self._chain, block) is None else "0x0"

    def uncle_count_by_hash(self, block_hash: Hash) -> str | None:
        """Return 0 for a block that there is: it has no uncles."""
        return "0x0" if self._chain.store.has_block(block_hash) else None

    def uncle_by_number(self, block: BlockNumber, index: Quantity) -> None:
        """Return null: no block has uncles."""

    def uncle_by_hash(self, block_hash: Hash, index: Quantity) -> None:
        """Return null: no block has uncles."""

    def _transaction_count(self, reference: BlockReference) -> str | None:
        block_hash = find_block_hash(self._chain, reference)
        block = None if block_hash is None else self._chain.store.block(block_hash)
        return None if block is None else quantity(len(block.transactions))


def _serialised_pending_block(
    environment: BlockEnvironment, transactions: Sequence[RecoveredTransaction], full: bool
) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(format_pending_block(environment, transactions, full)))
