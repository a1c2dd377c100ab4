"""The clock that sequencing and sealing follow. It never decides validity."""

import asyncio
import math
import time


class Clock:
    """Wall time plus an offset that a development chain may advance.

    Whoever waits for a time is woken when the offset changes. Use it on one event loop.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._changed = asyncio.Event()

    @property
    def offset(self) -> int:
        """By how many seconds this clock is ahead of wall time (behind it where negative)."""
        return round(self._offset)

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        return time.time() + self._offset

    def advance(self, seconds: int) -> None:
        """Move the time forward by whole `seconds` (at least 0) for everyone who follows this clock."""
        if seconds < 0:
            raise ValueError(f"time cannot go back, got {seconds} s")
        self._shift(seconds)

    def go_to(self, moment: float) -> None:
        """Make `moment`, in Unix seconds, the present: for a chain that returns to an earlier state, also back."""
        self._shift(moment - self.now())

    def reach(self, timestamp: int) -> None:
        """Move the time forward to `timestamp`; where it is there or later already, do nothing."""
        if (missing := timestamp - self.now()) > 0:
            self.advance(math.ceil(missing))

    async def wait_until(self, timestamp: float) -> None:
        """Return once `now()` has reached `timestamp`; at once where it is in the past."""
        while (remaining := timestamp - self.now()) > 0:
            try:
                async with asyncio.timeout(remaining):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _shift(self, seconds: float) -> None:
        self._offset += seconds
        self._changed.set()
        self._changed = asyncio.Event()
