"""Attempts that fail for a while: how long to wait before the next one, and what the log says meanwhile."""

import logging
import time
from collections.abc import Callable
from typing import Final

from phal2.node.l1.backoff import Backoff
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.errors import Phal2Error

_LONGEST_SILENCE_SECONDS: Final = 60.0


class Retries:
    """One activity that is tried again until it succeeds.

    The pauses double from `first_seconds` up to `longest_seconds`. The first failure is logged, further ones after
    silences that double up to a minute, and so is the success after them.
    """

    def __init__(
        self,
        activity: str,
        log: logging.Logger,
        first_seconds: float = 0.25,
        longest_seconds: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`activity` begins the lines of the log; `clock` gives seconds."""
        self._activity = activity
        self._log = log
        self._clock = clock
        self._backoff = Backoff(first_seconds, longest_seconds)
        self._failing_since: float | None = None
        self._next_line = float("-inf")
        self._silence = 0.0

    @property
    def failing_seconds(self) -> float:
        """For how long every attempt has failed, 0 where the last one succeeded."""
        return 0.0 if self._failing_since is None else self._clock() - self._failing_since

    def failed(self, error: Phal2Error) -> float:
        """Note a failure and return the seconds to wait before the next attempt."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        if now >= self._next_line:
            self._log.warning("%s waits: %s", self._activity, error)
            self._silence = min(_LONGEST_SILENCE_SECONDS, max(1.0, 2 * self._silence))
            self._next_line = now + self._silence
        return self._backoff.next_delay(error if isinstance(error, EndpointError) else None)

    def succeeded(self) -> None:
        """Note a success, which ends a run of failures."""
        if self._failing_since is None:
            return
        now = self._clock()
        if now - self._failing_since >= 1.0:
            self._log.warning("%s goes on after %.0f s", self._activity, now - self._failing_since)
            self._silence = 0.0
        self._failing_since = None
        self._backoff.reset()
