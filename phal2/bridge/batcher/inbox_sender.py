"""Sends payloads to the batch inbox, in order, and sees to it that every transaction is mined.

A payload is queued first, which fixes its nonce and therefore its place on L1; `send_due` sends, and sends again with
higher fees; `collect_mined` reports what was mined. A failing endpoint loses nothing: the next call goes on.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from phal2.bridge.batcher.data_availability import L1Prices
from phal2.bridge.batcher.errors import BlobsNotPossible, NonceLost, NonceTaken, TransactionCancelled
from phal2.bridge.batcher.inbox import Inbox
from phal2.bridge.batcher.inbox_transactions import QueuedTransaction, SignedForm, signed_form, with_next_fees
from phal2.bridge.batcher.payloads import Payload
from phal2.bridge.batcher.settings import BatcherSettings, DataAvailability
from phal2.bridge.chain_access.pool_refusals import PoolRefusal, pool_refusal
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.blobs import BLOB_SIZE
from phal2.node.protocol.signatures import address_of_private_key

_LOGGER = logging.getLogger("phal2.batcher")

_EMPTY_BLOB: Final = bytes(BLOB_SIZE)


@dataclass(frozen=True, slots=True)
class MinedInboxTransaction:
    """A queued transaction that L1 has mined."""

    nonce: int
    hash: bytes
    l1_block: int
    gas_used: int


class InboxSender:
    """The queue of one account's transactions to the inbox."""

    def __init__(
        self,
        l1: L1Client,
        inbox: Inbox,
        private_key: bytes,
        settings: BatcherSettings,
        kzg: KzgWorker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address_of_private_key(private_key)
        self._l1 = l1
        self._chain_id = inbox.l1_chain_id
        self._inbox = inbox.batch_inbox_address
        self._private_key = private_key
        self._settings = settings
        self._kzg = kzg
        self._clock = clock
        self._queue: dict[int, QueuedTransaction] = {}
        self._next_nonce = 0
        self._settling_since: float | None = None
        self._behind_since: float | None = None
        self._reserved_since: float | None = None

    @property
    def in_flight(self) -> int:
        """How many transactions are queued and not mined."""
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Tell whether more may be queued."""
        return (
            len(self._queue) < self._settings.transactions_in_flight
            and sum(queued.payload.size for queued in self._queue.values()) < self._settings.bytes_in_flight
        )

    async def prices(self) -> L1Prices:
        """Return what L1 charges now. Raises `BlobsNotPossible`, beside the endpoint's errors."""
        fees = await self._l1.gas_fees()
        blob_base_fee = None
        asked_for = self._settings.data_availability
        if asked_for is not DataAvailability.CALLDATA or any(queued.payload.blobs for queued in self._queue.values()):
            blob_base_fee = await self._l1.blob_base_fee()
        if asked_for is DataAvailability.BLOBS and blob_base_fee is None:
            raise BlobsNotPossible
        return L1Prices(fees.base_fee_per_gas, fees.max_priority_fee_per_gas, blob_base_fee)

    async def settle(self) -> bool:
        """Forget the queue and take the nonce from L1; False while transactions of an earlier run may still be mined.

        Those that L1 does not mine are replaced after a while: the next payloads take their nonces.
        """
        latest = await self._l1.transaction_count(self.address, "latest")
        pending = await self._l1.transaction_count(self.address, "pending")
        now = self._clock()
        self._queue.clear()
        self._behind_since = self._reserved_since = None
        if pending > latest:
            if self._settling_since is None:
                _LOGGER.info("waiting for %d earlier transactions to be mined", pending - latest)
                self._settling_since = now
            if now - self._settling_since < self._settings.settle_seconds:
                return False
            _LOGGER.warning("replacing %d transactions that L1 does not mine", pending - latest)
        self._settling_since = None
        self._next_nonce = latest
        return True

    def enqueue(self, payload: Payload) -> int:
        """Queue a payload behind all that is queued, and return the nonce it will have."""
        nonce = self._next_nonce
        self._queue[nonce] = QueuedTransaction(nonce, self._inbox, payload)
        self._next_nonce += 1
        return nonce

    async def collect_mined(self) -> list[MinedInboxTransaction]:
        """Return what has been mined since the last call, by nonce.

        Raises `NonceTaken` or `NonceLost` where L1 contradicts the queue, and `TransactionCancelled` where the account
        had to be freed, beside the endpoint's errors.
        """
        account_nonce = await self._l1.transaction_count(self.address, "latest")
        self._check_not_behind(account_nonce)
        mined = [await self._find_mined(nonce) for nonce in sorted(self._queue) if nonce < account_nonce]
        for transaction in mined:
            if self._queue.pop(transaction.nonce).cancels:
                raise TransactionCancelled(transaction.nonce)
        return mined

    async def send_due(self) -> None:
        """Send what is unsent or stuck. Raises the endpoint's errors, `KzgUnavailable`, or `BlobsNotPossible`."""
        now = self._clock()
        due = [queued for queued in self._sendable() if self._is_due(queued, now)]
        if due:
            prices = await self.prices()
            for queued in due:
                await self._submit(queued, prices)

    def _sendable(self) -> list[QueuedTransaction]:
        """Return the first transactions of one kind: L1's pools do not hold both kinds of one account's."""
        queue = [queued for _, queued in sorted(self._queue.items())]
        other = (index for index, queued in enumerate(queue) if queued.payload.is_blobs != queue[0].payload.is_blobs)
        return queue[: next(other, len(queue))]

    def _check_not_behind(self, account_nonce: int) -> None:
        """Raise `NonceLost` at a lasting gap only: an endpoint behind a load balancer may be a block late."""
        expected = min(self._queue, default=self._next_nonce)
        if account_nonce >= expected:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._clock()
        elif self._clock() - self._behind_since > self._settings.resubmission_seconds:
            raise NonceLost(expected, account_nonce)

    async def _find_mined(self, nonce: int) -> MinedInboxTransaction:
        queued = self._queue[nonce]
        for transaction_hash in reversed(queued.hashes):
            receipt = await self._l1.transaction_receipt(transaction_hash)
            if receipt is not None:
                return MinedInboxTransaction(nonce, transaction_hash, receipt.block_number, receipt.gas_used)
        raise NonceTaken(nonce)

    def _is_due(self, queued: QueuedTransaction, now: float) -> bool:
        return not queued.accepted or now - queued.sent_at >= self._settings.resubmission_seconds

    async def _submit(self, queued: QueuedTransaction, prices: L1Prices) -> None:
        attempt = with_next_fees(queued, prices, self._settings)
        if attempt.payload.blobs and not attempt.sidecars:
            attempt = replace(attempt, sidecars=await self._kzg.commit(attempt.payload.blobs))
        signed = signed_form(attempt, self._chain_id, self._private_key)
        hashes = attempt.hashes if signed.hash in attempt.hashes else (*attempt.hashes, signed.hash)
        # Noted before it is sent: the endpoint may take a transaction and fail to answer.
        attempt = replace(attempt, hashes=hashes)
        self._queue[queued.nonce] = attempt
        if await self._is_taken(attempt, signed):
            self._reserved_since = None
            self._queue[queued.nonce] = replace(attempt, accepted=True, sent_at=self._clock())

    async def _is_taken(self, attempt: QueuedTransaction, signed: SignedForm) -> bool:
        """Send an attempt; tell whether L1 has it in its pool. Raises the endpoint's errors."""
        try:
            await self._l1.send_raw_transaction(signed.raw)
        except EndpointRefused as error:
            refusal = pool_refusal(error)
            if refusal is PoolRefusal.KNOWN:
                return True
            # Mined meanwhile: the next look at the account's nonce finds it.
            if refusal is PoolRefusal.NONCE_USED:
                return False
            if refusal is PoolRefusal.TOO_CHEAP:
                self._queue[attempt.nonce] = replace(attempt, accepted=True, sent_at=float("-inf"))
            elif refusal is PoolRefusal.OTHER_KIND:
                self._cancel_where_lasting(attempt)
            raise
        return True

    def _cancel_where_lasting(self, attempt: QueuedTransaction) -> None:
        """Note that the pool has the account's transactions of the other kind; in the end, cancel the one in the way.

        They are none that this batcher would wait for, so they are stuck; and only one of their own kind, with higher
        fees, can take the place of one.
        """
        now = self._clock()
        if self._reserved_since is None:
            self._reserved_since = now
        if attempt.cancels:
            raise TransactionCancelled(attempt.nonce)
        if now - self._reserved_since < self._settings.resubmission_seconds:
            return
        _LOGGER.warning(
            "nonce %d is held by a stuck %s transaction: cancelling it",
            attempt.nonce,
            "ordinary" if attempt.payload.is_blobs else "blob",
        )
        empty = Payload() if attempt.payload.is_blobs else Payload(blobs=(_EMPTY_BLOB,))
        self._queue[attempt.nonce] = QueuedTransaction(attempt.nonce, self.address, empty, cancels=True)
