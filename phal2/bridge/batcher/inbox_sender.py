"""Sends call data to the batch inbox, in order, and sees to it that every transaction is mined.

Call data is queued first, which fixes its nonce and therefore its place on L1; `send_due` sends, and sends again with
higher fees; `collect_mined` reports what was mined. A failing endpoint loses nothing: the next call goes on.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from phal2.bridge.batcher.errors import NonceLost, NonceTaken
from phal2.bridge.batcher.settings import BatcherSettings
from phal2.node.l1.client import GasFees, L1Client
from phal2.node.l1.errors import EndpointRefused
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

_LOGGER = logging.getLogger("phal2.batcher")

_TRANSACTION_GAS = 21_000
_FLOOR_GAS_PER_TOKEN = 10


@dataclass(frozen=True, slots=True)
class QueuedTransaction:
    """Call data with its nonce. `hashes` are of all versions sent, `sent_at` is when the last was, on the clock."""

    nonce: int
    call_data: bytes
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    hashes: tuple[bytes, ...] = ()
    sent_at: float = 0.0
    accepted: bool = False


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
        chain_id: int,
        inbox: bytes,
        private_key: bytes,
        settings: BatcherSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address_of_private_key(private_key)
        self._l1 = l1
        self._chain_id = chain_id
        self._inbox = inbox
        self._private_key = private_key
        self._settings = settings
        self._clock = clock
        self._queue: dict[int, QueuedTransaction] = {}
        self._next_nonce = 0
        self._settling_since: float | None = None
        self._behind_since: float | None = None

    @property
    def in_flight(self) -> int:
        """How many transactions are queued and not mined."""
        return len(self._queue)

    async def settle(self) -> bool:
        """Forget the queue and take the nonce from L1; False while transactions of an earlier run may still be mined.

        After the settle time they are taken for stuck, and the next ones replace them.
        """
        latest = await self._l1.transaction_count(self.address, "latest")
        pending = await self._l1.transaction_count(self.address, "pending")
        now = self._clock()
        self._queue.clear()
        self._behind_since = None
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

    def enqueue(self, call_data: bytes) -> int:
        """Queue call data behind all that is queued, and return the nonce it will have."""
        nonce = self._next_nonce
        self._queue[nonce] = QueuedTransaction(nonce, call_data)
        self._next_nonce += 1
        return nonce

    async def collect_mined(self) -> list[MinedInboxTransaction]:
        """Return what has been mined since the last call, by nonce.

        Raises `NonceTaken` or `NonceLost` where L1 contradicts the queue, beside the endpoint's errors.
        """
        account_nonce = await self._l1.transaction_count(self.address, "latest")
        self._check_not_behind(account_nonce)
        mined = [await self._find_mined(nonce) for nonce in sorted(self._queue) if nonce < account_nonce]
        for transaction in mined:
            del self._queue[transaction.nonce]
        return mined

    async def send_due(self) -> None:
        """Send what is unsent or stuck. Raises the endpoint's errors."""
        now = self._clock()
        due = [queued for _, queued in sorted(self._queue.items()) if self._is_due(queued, now)]
        if due:
            fees = await self._l1.gas_fees()
            for queued in due:
                await self._submit(queued, fees)

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

    async def _submit(self, queued: QueuedTransaction, fees: GasFees) -> None:
        attempt = self._with_fees(queued, fees)
        raw, transaction_hash = self._signed(attempt)
        hashes = attempt.hashes if transaction_hash in attempt.hashes else (*attempt.hashes, transaction_hash)
        # Noted before it is sent: the endpoint may take a transaction and fail to answer.
        attempt = replace(attempt, hashes=hashes)
        self._queue[queued.nonce] = attempt
        try:
            await self._l1.send_raw_transaction(raw)
        except EndpointRefused as error:
            reason = error.message.lower()
            if "already known" not in reason and "already imported" not in reason:
                # Mined meanwhile: the next look at the account's nonce finds it.
                if "nonce too low" in reason:
                    return
                if "underpriced" in reason or "base fee" in reason:
                    self._queue[queued.nonce] = replace(attempt, accepted=True, sent_at=float("-inf"))
                raise
        self._queue[queued.nonce] = replace(attempt, accepted=True, sent_at=self._clock())

    def _with_fees(self, queued: QueuedTransaction, fees: GasFees) -> QueuedTransaction:
        """Return the next attempt: with the market's fees at first, then at least an eighth higher than before."""
        if queued.hashes and not queued.accepted:
            return queued
        priority_fee = max(fees.max_priority_fee_per_gas, self._settings.least_priority_fee)
        fee = 2 * fees.base_fee_per_gas + priority_fee
        if queued.accepted:
            priority_fee = max(priority_fee, queued.max_priority_fee_per_gas * 9 // 8 + 1)
            fee = max(fee, queued.max_fee_per_gas * 9 // 8 + 1)
        if fee > self._settings.fee_limit:
            _LOGGER.warning(
                "transaction with nonce %d needs a fee cap of %d wei per gas, above the limit of %d: held there",
                queued.nonce,
                fee,
                self._settings.fee_limit,
            )
            if queued.accepted:
                return queued
            fee = self._settings.fee_limit
        elif queued.accepted:
            _LOGGER.warning("transaction with nonce %d is stuck: fee cap now %d wei per gas", queued.nonce, fee)
        return replace(queued, max_fee_per_gas=fee, max_priority_fee_per_gas=min(priority_fee, fee))

    def _signed(self, queued: QueuedTransaction) -> tuple[bytes, bytes]:
        unsigned = DynamicFeeTransaction(
            chain_id=self._chain_id,
            nonce=queued.nonce,
            max_priority_fee_per_gas=queued.max_priority_fee_per_gas,
            max_fee_per_gas=queued.max_fee_per_gas,
            gas_limit=call_data_gas(queued.call_data),
            to=self._inbox,
            value=0,
            data=queued.call_data,
            access_list=(),
            y_parity=0,
            r=0,
            s=0,
        )
        y_parity, r, s = sign(signing_hash(unsigned), self._private_key)
        raw = encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
        return raw, keccak256(raw)


def call_data_gas(call_data: bytes) -> int:
    """Return the gas of a transaction that carries `call_data` to an account without code (EIP-7623: the floor)."""
    zeros = call_data.count(0)
    return _TRANSACTION_GAS + _FLOOR_GAS_PER_TOKEN * (zeros + 4 * (len(call_data) - zeros))
