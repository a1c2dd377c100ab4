"""How long to wait before the next attempt: doubled after every failure, up to a limit."""

from phal2.node.l1.errors import EndpointError, EndpointUnavailable


class Backoff:
    """Delays in seconds that double from `first_seconds` up to `maximum_seconds`, until `reset`."""

    def __init__(self, first_seconds: float = 0.25, maximum_seconds: float = 15.0) -> None:
        self._first_seconds = first_seconds
        self._maximum_seconds = maximum_seconds
        self._next_seconds = first_seconds

    def next_delay(self, error: EndpointError | None = None) -> float:
        """Return the delay before the next attempt: at least what the endpoint asked for, where it asked."""
        delay = self._next_seconds
        self._next_seconds = min(self._maximum_seconds, self._next_seconds * 2)
        if isinstance(error, EndpointUnavailable) and error.retry_after_seconds is not None:
            return min(max(delay, error.retry_after_seconds), self._maximum_seconds)
        return delay

    def reset(self) -> None:
        """Begin with the first delay again, after a success."""
        self._next_seconds = self._first_seconds
