"""The embedded L1 as L2's development methods see it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from phal2.devnet.development.l1_chain import L1Development, Surroundings
from phal2.devnet.development.snapshots import ChainSnapshot, require_kept
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.embedded_l1 import InvalidBlockTime


class EmbeddedL1Controls:
    """The embedded L1 as `L1Controls`. Its time is the devnet's clock."""

    def __init__(self, chain: EmbeddedL1, development: L1Development, senders: Sequence[bytes] = ()) -> None:
        """`senders` are the addresses of the devnet's own parts."""
        self._chain = chain
        self._development = development
        self._senders = frozenset(senders)

    async def interval(self) -> int | None:
        """Return the seconds between two L1 blocks that come by themselves, None where none do."""
        return self._chain.interval

    async def head_time(self) -> int:
        """Return the timestamp of the newest block, in Unix seconds."""
        header = self._chain.store.header(self._chain.head_id().hash)
        return 0 if header is None else header.timestamp

    async def mine(self, timestamp: int) -> None:
        """Seal a block with this timestamp, which becomes the devnet's present time."""
        try:
            await self._chain.mine(timestamp)
        except InvalidBlockTime:
            # A block at its own time may have come in between.
            if await self.head_time() < timestamp:
                raise

    async def take_snapshot(self) -> "EmbeddedL1Snapshot":
        """Note the present state; nothing else runs in between."""
        noted = self._development.take_snapshot()
        pool = tuple(transaction for transaction in noted.pool if transaction.sender not in self._senders)
        kept = ChainSnapshot(noted.head, noted.state_location, pool)
        return EmbeddedL1Snapshot(self._chain, self._development, kept, self._chain.clock.now())

    def surround(
        self, first_block: int, reorganised: Callable[[], Awaitable[None]], reset: Callable[[], Awaitable[None]]
    ) -> None:
        """Learn of the L2 above."""
        self._development.surroundings = Surroundings(first_block, reorganised, reset)


@dataclass(frozen=True, slots=True)
class EmbeddedL1Snapshot:
    """A snapshot of the embedded L1; `time` in Unix seconds of its clock."""

    chain: EmbeddedL1
    development: L1Development
    noted: ChainSnapshot
    time: float

    def require_kept(self) -> None:
        """Raise `SnapshotPruned` where the state is no longer kept."""
        require_kept(self.chain.store, self.noted.head)

    async def return_to(self) -> None:
        """Return there. Raises `SnapshotPruned`."""
        await self.development.return_to(self.noted)
        self.chain.clock.go_to(self.time)
