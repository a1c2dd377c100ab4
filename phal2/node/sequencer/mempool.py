"""The transaction pool: per sender by nonce, bounded, with replacement by higher fees.

The pool holds transactions that admission has already found worth holding (`admission`). It knows no state: whoever
builds or sees a block tells it what that includes, and what turned out to be of no use any more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import ATTESTED, BLOB, AttestedTransaction
from phal2.node.sequencer.eviction import EvictionOrder

REPLACEMENT_BUMP_PERCENT: Final = 10
"""How much both fees must rise for a transaction to take the place of another with the same nonce (as in geth)."""

BLOB_REPLACEMENT_BUMP_PERCENT: Final = 100
"""How much all three fees of a blob transaction must rise (as in geth): spreading it anew is dear."""


class PoolRefusal(Phal2Error):
    """The pool does not take a transaction, though it may be valid."""


class AlreadyKnown(PoolRefusal):
    """The same transaction is in the pool."""

    def __init__(self) -> None:
        super().__init__("already known")


class ReplacementUnderpriced(PoolRefusal):
    """A transaction with a nonce that the pool holds, whose fees are not enough above the held one's."""

    def __init__(self, nonce: int, required_fee: int, required_tip: int, required_blob_fee: int = 0) -> None:
        blob_fee = f", and the blob fee cap to at least {required_blob_fee} wei" if required_blob_fee else ""
        super().__init__(
            f"replacement transaction underpriced: to replace nonce {nonce} set the fee cap to at least "
            f"{required_fee} wei and the tip to at least {required_tip} wei{blob_fee}"
        )
        self.nonce = nonce
        self.required_fee = required_fee
        self.required_tip = required_tip
        self.required_blob_fee = required_blob_fee


class AddressReserved(PoolRefusal):
    """A blob transaction of a sender who has others pending, or the other way round (as in geth)."""

    def __init__(self, pending: int, pending_are_blobs: bool) -> None:
        held, new = ("blob", "ordinary") if pending_are_blobs else ("ordinary", "blob")
        super().__init__(
            f"address already reserved: {pending} {held} transactions of this sender are pending, and an account "
            f"cannot have both kinds in the pool; send {new} transactions once those are mined"
        )
        self.pending = pending


class NonceGap(PoolRefusal):
    """An attested or blob transaction whose nonce does not follow its sender's last one."""

    def __init__(self, expected: int, nonce: int, kind: str = "an attested") -> None:
        super().__init__(
            f"nonce too high: {kind} transaction must follow at once, next nonce {expected}, tx nonce {nonce}"
        )
        self.expected = expected
        self.nonce = nonce


class PoolFull(PoolRefusal):
    """A bound of the pool is reached."""


class Underpriced(PoolFull):
    """A transaction that offers too little for a full pool to give up another one."""

    def __init__(self, waiting: int, required_fee: int) -> None:
        super().__init__(
            f"transaction underpriced: txpool is full: {waiting} transactions are waiting; set the fee cap to at least "
            f"{required_fee} wei, or try again later"
        )
        self.required_fee = required_fee


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of the pool, in transactions and bytes."""

    transactions: int = 50_000
    transactions_per_sender: int = 10_000
    attested_per_sender: int = 4
    blob_transactions_per_sender: int = 16
    total_bytes: int = 256 * 1024 * 1024
    sidecar_bytes: int = 128 * 1024 * 1024
    """Of blobs with their commitments and proofs, beside `total_bytes`."""
    nonce_lead: int = 10_000
    """How far a nonce may be ahead of its sender's next one."""


@dataclass(frozen=True, slots=True)
class PooledTransaction:
    """A transaction in the pool; `arrival` counts up in the order of arrival."""

    recovered: RecoveredTransaction
    arrival: int

    @property
    def nonce(self) -> int:
        """The sender's nonce."""
        nonce: int = getattr(self.recovered.transaction, "nonce", 0)
        return nonce

    @property
    def highest_cost(self) -> int:
        """What the transaction may cost at most in wei, the L2's further fees aside."""
        transaction = self.recovered.transaction
        cost = transaction.value + transaction.gas_limit * transaction.max_fee_per_gas
        if transaction.blob_versioned_hashes:
            cost += len(transaction.blob_versioned_hashes) * GAS_PER_BLOB * transaction.max_fee_per_blob_gas
        return cost

    @property
    def is_blob(self) -> bool:
        """Whether the transaction carries blobs."""
        return self.recovered.transaction.transaction_type == BLOB


class Mempool:
    """Holds transactions until they are in a block, replaced or stale. Not thread-safe: use it on the event loop."""

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self._limits = limits or PoolLimits()
        self._by_sender: dict[bytes, dict[int, PooledTransaction]] = {}
        self._by_hash: dict[bytes, PooledTransaction] = {}
        self._highest_costs: dict[bytes, int] = {}
        self._arrivals = count()
        self._bytes = 0
        self._sidecar_bytes = 0
        self._valid_until: dict[bytes, int] = {}
        self._evictions = EvictionOrder()

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, transaction_hash: bytes) -> bool:
        return transaction_hash in self._by_hash

    def __iter__(self) -> Iterator[RecoveredTransaction]:
        return (pooled.recovered for pooled in list(self._by_hash.values()))

    def get(self, transaction_hash: bytes) -> RecoveredTransaction | None:
        """Return a pooled transaction by hash."""
        pooled = self._by_hash.get(transaction_hash)
        return pooled.recovered if pooled else None

    def check_room(self, recovered: RecoveredTransaction, account_nonce: int) -> None:
        """Raise a `PoolRefusal` where `add` would; cheap, for use before costly checks."""
        queue = self._by_sender.get(recovered.sender, {})
        self._check_room(PooledTransaction(recovered, -1), queue, account_nonce)

    def _check_room(
        self, pooled: PooledTransaction, queue: Mapping[int, PooledTransaction], account_nonce: int
    ) -> PooledTransaction | None:
        """Return the transaction that this one replaces, if any; raise a `PoolRefusal` where there is no room."""
        recovered, nonce = pooled.recovered, pooled.nonce
        if recovered.hash in self._by_hash:
            raise AlreadyKnown
        held = queue.get(nonce)
        if queue and (first := next(iter(queue.values()))).is_blob != pooled.is_blob:
            raise AddressReserved(len(queue), first.is_blob)
        if held is not None:
            _check_replacement(held, pooled)
        elif nonce > account_nonce + self._limits.nonce_lead:
            raise PoolFull(
                f"nonce too high: nonce {nonce} is more than {self._limits.nonce_lead} ahead of the next nonce "
                f"{account_nonce}"
            )
        if recovered.transaction.transaction_type == ATTESTED:
            self._check_attested(queue, pooled, account_nonce)
        elif pooled.is_blob:
            self._check_blobs(queue, pooled, account_nonce)
        if held is None and len(queue) >= self._limits.transactions_per_sender:
            raise PoolFull(
                f"the pool holds {len(queue)} transactions of this sender, the limit; wait for some to be included"
            )
        if self._is_full_for(pooled, held):
            self._evictable_for(pooled, account_nonce)
        return held

    def add(self, recovered: RecoveredTransaction, account_nonce: int) -> None:
        """Take a transaction in, where the pool is full in place of others; raise a `PoolRefusal` where it is not."""
        pooled = PooledTransaction(recovered, next(self._arrivals))
        nonce = pooled.nonce
        held = self._check_room(pooled, self._by_sender.get(recovered.sender, {}), account_nonce)
        while self._is_full_for(pooled, held):
            self._evict(self._evictable_for(pooled, account_nonce))
        is_behind_gap = nonce > account_nonce and self._is_behind_gap(pooled, account_nonce)
        if held is not None:
            self._forget(held)
        queue = self._by_sender.setdefault(recovered.sender, {})
        queue[nonce] = pooled
        self._by_hash[recovered.hash] = pooled
        self._highest_costs[recovered.sender] = self._highest_costs.get(recovered.sender, 0) + pooled.highest_cost
        self._bytes += len(recovered.raw)
        self._sidecar_bytes += _sidecar_bytes(recovered)
        if isinstance(recovered.transaction, AttestedTransaction):
            self._valid_until[recovered.hash] = recovered.transaction.attestation.valid_until
        fee_cap = recovered.transaction.max_fee_per_gas
        self._evictions.add(recovered.hash, fee_cap, pooled.arrival, is_behind_gap=is_behind_gap)
        if not is_behind_gap:
            self._close_gap(queue, nonce)

    def remove(self, transaction_hash: bytes) -> None:
        """Drop a transaction, if it is there."""
        pooled = self._by_hash.get(transaction_hash)
        if pooled is not None:
            self._forget(pooled)

    def drop_expired(self, timestamp: int) -> None:
        """Drop the attested transactions whose attestation is no longer valid in a block of `timestamp`."""
        for transaction_hash in [name for name, valid_until in self._valid_until.items() if valid_until < timestamp]:
            self.remove(transaction_hash)

    def drop_used_nonces(self, sender: bytes, account_nonce: int) -> None:
        """Drop a sender's transactions with nonces below `account_nonce`, its next one."""
        for nonce, pooled in list(self._by_sender.get(sender, {}).items()):
            if nonce < account_nonce:
                self._forget(pooled)

    def next_nonce(self, sender: bytes, account_nonce: int) -> int:
        """Return the nonce after the pool's unbroken run of the sender's (the "pending" transaction count)."""
        queue = self._by_sender.get(sender)
        if queue is None:
            return account_nonce
        nonce = account_nonce
        while nonce in queue:
            nonce += 1
        return nonce

    def pending_value(self, sender: bytes, other_than_nonce: int) -> int:
        """Return what `sender`'s pooled transactions may cost at most in wei, without the one of `other_than_nonce`."""
        other = self._by_sender.get(sender, {}).get(other_than_nonce)
        return self._highest_costs.get(sender, 0) - (0 if other is None else other.highest_cost)

    def senders(self) -> list[bytes]:
        """Return the senders that have transactions in the pool."""
        return list(self._by_sender)

    def queues(self) -> dict[bytes, list[PooledTransaction]]:
        """Return a copy: each sender's transactions, in no particular order."""
        return {sender: list(queue.values()) for sender, queue in self._by_sender.items()}

    def _is_full_for(self, pooled: PooledTransaction, held: PooledTransaction | None) -> bool:
        """Tell whether a bound is in the way of a transaction, which takes the place of `held` where there is one."""
        given_back = 0 if held is None else len(held.recovered.raw)
        return (held is None and len(self._by_hash) >= self._limits.transactions) or (
            self._bytes - given_back + len(pooled.recovered.raw) > self._limits.total_bytes
        )

    def _evictable_for(self, pooled: PooledTransaction, account_nonce: int) -> PooledTransaction:
        """Return the transaction that a full pool gives up next for another one; raise `PoolFull` where it does not."""
        waiting = f"txpool is full: {len(self._by_hash)} transactions of {self._bytes} bytes are waiting"
        if self._is_behind_gap(pooled, account_nonce):
            raise PoolFull(f"{waiting}, and an earlier nonce of the sender is missing; send that first")
        if (name := self._evictions.longest_behind_gap()) is None:
            if (cheapest := self._evictions.cheapest()) is None:
                raise PoolFull(f"{waiting}; try again later")
            fee_cap, name = cheapest
            required_fee = _bumped(fee_cap, REPLACEMENT_BUMP_PERCENT)
            if pooled.recovered.transaction.max_fee_per_gas < required_fee:
                raise Underpriced(len(self._by_hash), required_fee)
        evicted = self._by_hash[name]
        if evicted.recovered.sender == pooled.recovered.sender and evicted.nonce <= pooled.nonce:
            raise PoolFull(f"{waiting}, and the sender's own nonce {evicted.nonce} would be the next to go")
        return evicted

    def _evict(self, pooled: PooledTransaction) -> None:
        was_behind_gap = self._evictions.is_behind_gap(pooled.recovered.hash)
        self._forget(pooled)
        if was_behind_gap:
            return
        queue, nonce = self._by_sender.get(pooled.recovered.sender, {}), pooled.nonce
        while (later := queue.get(nonce := nonce + 1)) and not self._evictions.is_behind_gap(later.recovered.hash):
            self._evictions.gap_opened(later.recovered.hash)

    def _is_behind_gap(self, pooled: PooledTransaction, account_nonce: int) -> bool:
        if pooled.nonce <= account_nonce:
            return False
        before = self._by_sender.get(pooled.recovered.sender, {}).get(pooled.nonce - 1)
        return before is None or self._evictions.is_behind_gap(before.recovered.hash)

    def _close_gap(self, queue: Mapping[int, PooledTransaction], nonce: int) -> None:
        """Note that those of a sender's which follow `nonce` at once wait for no other any more."""
        while (later := queue.get(nonce := nonce + 1)) and self._evictions.is_behind_gap(later.recovered.hash):
            self._evictions.gap_closed(later.recovered.hash)

    def _check_attested(
        self, queue: Mapping[int, PooledTransaction], pooled: PooledTransaction, account_nonce: int
    ) -> None:
        expected = self.next_nonce(pooled.recovered.sender, account_nonce)
        if pooled.nonce > expected:
            raise NonceGap(expected, pooled.nonce)
        attested = sum(
            held.recovered.transaction.transaction_type == ATTESTED
            for nonce, held in queue.items()
            if nonce != pooled.nonce
        )
        if attested >= self._limits.attested_per_sender:
            raise PoolFull(
                f"{attested} attested transactions of this sender are pending, the limit; wait for them to be included"
            )

    def _check_blobs(
        self, queue: Mapping[int, PooledTransaction], pooled: PooledTransaction, account_nonce: int
    ) -> None:
        expected = self.next_nonce(pooled.recovered.sender, account_nonce)
        if pooled.nonce > expected:
            raise NonceGap(expected, pooled.nonce, "a blob")
        held = queue.get(pooled.nonce)
        if held is None and len(queue) >= self._limits.blob_transactions_per_sender:
            raise PoolFull(
                f"account limit exceeded: {len(queue)} blob transactions of this sender are pending, the limit; "
                "wait for them to be included"
            )
        given_back = 0 if held is None else _sidecar_bytes(held.recovered)
        if self._sidecar_bytes - given_back + _sidecar_bytes(pooled.recovered) > self._limits.sidecar_bytes:
            raise PoolFull(f"txpool is full: {self._sidecar_bytes} bytes of blobs are waiting; try again later")

    def _forget(self, pooled: PooledTransaction) -> None:
        recovered = pooled.recovered
        del self._by_hash[recovered.hash]
        self._evictions.remove(recovered.hash)
        queue = self._by_sender[recovered.sender]
        del queue[pooled.nonce]
        self._highest_costs[recovered.sender] -= pooled.highest_cost
        if not queue:
            del self._by_sender[recovered.sender]
            del self._highest_costs[recovered.sender]
        self._bytes -= len(recovered.raw)
        self._sidecar_bytes -= _sidecar_bytes(recovered)
        self._valid_until.pop(recovered.hash, None)


def _check_replacement(held: PooledTransaction, new: PooledTransaction) -> None:
    old_transaction, new_transaction = held.recovered.transaction, new.recovered.transaction
    percent = BLOB_REPLACEMENT_BUMP_PERCENT if held.is_blob else REPLACEMENT_BUMP_PERCENT
    required_fee = _bumped(old_transaction.max_fee_per_gas, percent)
    required_tip = _bumped(old_transaction.max_priority_fee_per_gas, percent)
    required_blob_fee = _bumped(old_transaction.max_fee_per_blob_gas, percent) if held.is_blob else 0
    if (
        new_transaction.max_fee_per_gas < required_fee
        or new_transaction.max_priority_fee_per_gas < required_tip
        or new_transaction.max_fee_per_blob_gas < required_blob_fee
    ):
        raise ReplacementUnderpriced(held.nonce, required_fee, required_tip, required_blob_fee)


def _bumped(fee: int, percent: int) -> int:
    """Return the least fee that is `percent` above another, rounded down as in geth, and above it in any case."""
    return max(fee + 1, fee * (100 + percent) // 100)


def _sidecar_bytes(recovered: RecoveredTransaction) -> int:
    return sum(len(sidecar.blob) + len(sidecar.commitment) + len(sidecar.proof) for sidecar in recovered.sidecars)
