"""Snapshots of chains: what is noted of one, and how a chain returns to it. They live in memory."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.sequencer.mempool import Mempool, PoolRefusal
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore

MOST_SNAPSHOTS: Final = 4_096
"""So many are kept; beyond, the oldest are forgotten."""

Noted = TypeVar("Noted")


class SnapshotPruned(Phal2Error):
    """A snapshot of a block whose state is no longer kept."""

    def __init__(self, number: int, oldest: int) -> None:
        super().__init__(
            f"the snapshot is of block {number}, but the oldest state kept is that of block {oldest}; "
            "start the devnet with a greater --state-retention"
        )
        self.number = number
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class ChainSnapshot:
    """The newest block of a chain, where its state has its root (edits move it), and the pool."""

    head: BlockId
    state_location: int
    pool: tuple[RecoveredTransaction, ...]


class Snapshots(Generic[Noted]):
    """Snapshots by number, from 1 on."""

    def __init__(self) -> None:
        self._noted: dict[int, Noted] = {}
        self._next = 1

    def add(self, noted: Noted) -> int:
        """Keep a snapshot and return its number."""
        number, self._next = self._next, self._next + 1
        self._noted[number] = noted
        if len(self._noted) > MOST_SNAPSHOTS:
            del self._noted[next(iter(self._noted))]
        return number

    def find(self, number: int) -> Noted | None:
        """Return a snapshot."""
        return self._noted.get(number)

    def use_up(self, number: int) -> None:
        """Forget a snapshot and all later ones."""
        self._noted = {known: noted for known, noted in self._noted.items() if known < number}


def chain_snapshot(store: ChainStore, head: BlockId, pool: Iterable[RecoveredTransaction]) -> ChainSnapshot:
    """Note the present state of a chain with the newest block `head`."""
    header = store.header(head.hash)
    location = None if header is None else store.state_location(header.state_root, head.hash)
    if location is None:
        raise LookupError(f"the state of the newest block, {head.number}, is not stored")
    return ChainSnapshot(head, location, tuple(pool))


def require_kept(store: ChainStore, head: BlockId) -> None:
    """Raise `SnapshotPruned` where a chain cannot return to `head`."""
    if head.number < (oldest := store.oldest_state()):
        raise SnapshotPruned(head.number, oldest)


def refill(pool: Mempool, transactions: Iterable[RecoveredTransaction], state: WorldState) -> None:
    """Have the pool hold `transactions` and nothing else, as far as they can still be in a block on `state`."""
    for present in list(pool):
        pool.remove(present.hash)
    put_back(pool, transactions, state)


def put_back(pool: Mempool, transactions: Iterable[RecoveredTransaction], state: WorldState) -> None:
    """Put transactions into the pool, as far as it takes them and they can still be in a block on `state`."""
    for transaction in transactions:
        account_nonce = state.nonce(transaction.sender)
        if getattr(transaction.transaction, "nonce", 0) >= account_nonce:
            with contextlib.suppress(PoolRefusal):
                pool.add(transaction, account_nonce)
