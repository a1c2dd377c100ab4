"""eth methods that take and show transactions, and show receipts."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.protocol.sender_recovery import LONGEST_REMEMBERED, recover_all
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.block_reference import Block, BlockNumber, find_block_hash
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Boolean, Data, Hash, Quantity
from phal2.node.rpc.pool_parts import pool_parts
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import DATA, HASH, RECEIPT, TRANSACTION, list_of, optional
from phal2.node.rpc.workers import Workers

LONGEST_INLINE_ENVELOPE: Final = 2_048
"""Bytes of the longest transaction whose L1 fee, which takes compressing it, is computed on the event loop."""


class TransactionMethods:
    """Sending transactions, finding them and their receipts, and the subscription newPendingTransactions."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers
        self._listeners: list[Callable[[bytes], None]] = []

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods and the subscription."""
        registry.add("eth_sendRawTransaction", self.send_raw_transaction, prepare=self.recover_senders, result=HASH)
        registry.add("eth_getTransactionByHash", self.transaction_by_hash, result=optional(TRANSACTION))
        registry.add(
            "eth_getTransactionByBlockHashAndIndex", self.transaction_by_block_hash, result=optional(TRANSACTION)
        )
        registry.add(
            "eth_getTransactionByBlockNumberAndIndex", self.transaction_by_block_number, result=optional(TRANSACTION)
        )
        registry.add("eth_getRawTransactionByHash", self.raw_transaction_by_hash, result=optional(DATA))
        registry.add(
            "eth_getRawTransactionByBlockHashAndIndex", self.raw_transaction_by_block_hash, result=optional(DATA)
        )
        registry.add(
            "eth_getRawTransactionByBlockNumberAndIndex", self.raw_transaction_by_block_number, result=optional(DATA)
        )
        registry.add("eth_getTransactionReceipt", self.transaction_receipt, result=optional(RECEIPT))
        registry.add("eth_getBlockReceipts", self.block_receipts, result=optional(list_of(RECEIPT)))
        registry.add_subscription("newPendingTransactions", self.subscribe_new_pending_transactions)

    def recover_senders(self, calls: Sequence[Any]) -> None:
        """Recover the senders of a batch of eth_sendRawTransaction, on all cores and off the event loop.

        What is wrong with a transaction is left for its own call to find.
        """
        envelopes = []
        for parameters in calls:
            encoded = parameters[0] if isinstance(parameters, list) and parameters else None
            if isinstance(encoded, str) and len(encoded) <= 2 + 2 * LONGEST_REMEMBERED:
                with suppress(ValueError):
                    envelopes.append(bytes.fromhex(encoded.removeprefix("0x")))
        with suppress(InvalidEncoding, InvalidTransaction):
            recover_all(envelopes, self._chain.sender_crew)

    async def send_raw_transaction(self, raw_transaction: Data) -> str:
        """Admit a signed transaction to the pool and return its hash."""
        transaction_hash = await self._chain.submit_transaction(raw_transaction)
        self.announce(transaction_hash)
        return data(transaction_hash)

    def announce(self, transaction_hash: bytes) -> None:
        """Tell the subscribers of a transaction that the pool has taken."""
        for listener in list(self._listeners):
            listener(transaction_hash)

    def transaction_by_hash(self, transaction_hash: Hash) -> Any:
        """Return a transaction of the chain or the pool, null where there is none."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is not None:
            return self._views.transaction(location.block_hash, location.index)
        pending = self._chain.pending_transaction(transaction_hash)
        return None if pending is None else format_transaction(pending, None)

    def transaction_by_block_hash(self, block_hash: Hash, index: Quantity) -> Any:
        """Return the transaction at an index of a block, null where there is none."""
        return self._views.transaction(block_hash, index)

    def transaction_by_block_number(self, block: BlockNumber, index: Quantity) -> Any:
        """Return the transaction at an index of a block, null where there is none."""
        if block.tag == "pending":
            pending = self._pending_at(index)
            return None if pending is None else format_transaction(pending, None)
        block_hash = find_block_hash(self._chain, block)
        return None if block_hash is None else self._views.transaction(block_hash, index)

    def raw_transaction_by_hash(self, transaction_hash: Hash) -> str | None:
        """Return the envelope of a transaction of the chain or the pool, null where there is none."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is not None:
            return _shown(self._views.raw_transaction(location.block_hash, location.index))
        pending = self._chain.pending_transaction(transaction_hash)
        return None if pending is None else data(pending.raw)

    def raw_transaction_by_block_hash(self, block_hash: Hash, index: Quantity) -> str | None:
        """Return the envelope at an index of a block, null where there is none."""
        return _shown(self._views.raw_transaction(block_hash, index))

    def raw_transaction_by_block_number(self, block: BlockNumber, index: Quantity) -> str | None:
        """Return the envelope at an index of a block, null where there is none."""
        if block.tag == "pending":
            pending = self._pending_at(index)
            return None if pending is None else data(pending.raw)
        block_hash = find_block_hash(self._chain, block)
        return None if block_hash is None else _shown(self._views.raw_transaction(block_hash, index))

    def transaction_receipt(self, transaction_hash: Hash) -> Any:
        """Return the receipt of a transaction of the chain, null where there is none."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is None:
            return None
        cached = self._views.cached_receipt(location.block_hash, location.index)
        if cached is not None:
            return cached
        envelope = self._views.raw_transaction(location.block_hash, location.index) or b""
        if len(envelope) <= LONGEST_INLINE_ENVELOPE:
            return self._views.receipt(location.block_hash, location.index)
        return self._workers.run(self._views.receipt, location.block_hash, location.index)

    def block_receipts(self, block: Block) -> Any:
        """Return all receipts of a block, null where there is none."""
        if block.tag == "pending":
            # It is not executed, so it has none; and those of another block would mislead.
            raise RpcError(SERVER_ERROR, "pending receipts is not available")
        block_hash = find_block_hash(self._chain, block)
        if block_hash is None:
            return None
        cached = self._views.cached_receipts(block_hash)
        return self._workers.run(self._views.receipts, block_hash) if cached is None else cached

    def subscribe_new_pending_transactions(
        self, push: Callable[[Any], None], full_transactions: Boolean = False
    ) -> Callable[[], None]:
        """Push the hash (or the object) of every transaction that this server admits to the pool."""

        def announce(transaction_hash: bytes) -> None:
            # Where each transaction is sealed at once, a block has it by now.
            found = self.transaction_by_hash(transaction_hash) if full_transactions else None
            push(data(transaction_hash) if found is None else found)

        self._listeners.append(announce)
        return lambda: self._listeners.remove(announce)

    def _pending_at(self, index: int) -> RecoveredTransaction | None:
        """Return the transaction at an index of the block that the tag "pending" shows."""
        transactions = pool_parts(self._chain)[0]
        return transactions[index] if index < len(transactions) else None


def _shown(envelope: bytes | None) -> str | None:
    return None if envelope is None else data(envelope)
