"""What the development methods of L2 need of the L1 below it."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class L1Snapshot(Protocol):
    """A noted state of L1 and of the devnet's clock.

    What the devnet's own parts had in L1's pool is not in it: they send that anew.
    """

    def require_kept(self) -> None:
        """Raise a `Phal2Error` where L1 is known not to be able to return there."""
        ...

    async def return_to(self) -> None:
        """Make it L1's present state and its time the clock's; it can be returned to again.

        Raises a `Phal2Error` where L1 cannot; then nothing has changed.
        """
        ...


class L1Controls(Protocol):
    """An L1 that goes along when the devnet's time moves forward, and goes back when the devnet does."""

    async def interval(self) -> int | None:
        """Return the seconds between two L1 blocks that come by themselves, None where none do."""
        ...

    async def head_time(self) -> int:
        """Return the timestamp of the newest block, in Unix seconds."""
        ...

    async def mine(self, timestamp: int) -> None:
        """Seal a block with this timestamp, which becomes L1's present time; one that came meanwhile will do."""
        ...

    async def take_snapshot(self) -> L1Snapshot:
        """Note the present state."""
        ...

    def surround(
        self, first_block: int, reorganised: Callable[[], Awaitable[None]], reset: Callable[[], Awaitable[None]]
    ) -> None:
        """Learn of the L2 above: the L1 block that it begins on, whom to tell of a reorganisation, how to reset all."""
        ...
