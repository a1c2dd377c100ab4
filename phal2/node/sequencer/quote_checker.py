"""Checks DCAP quotes in a process of its own, so that a hostile quote cannot hold up the event loop."""

from typing import Final

from phal2.node.attestation.dcap import QuoteVerdict, check_quote
from phal2.node.sequencer.mempool import PoolRefusal
from phal2.node.state.worker_process import WorkerFailed, WorkerProcess

_LONGEST_CHECK_SECONDS: Final = 10.0
_MOST_WAITING: Final = 1_000
"""Quotes that may wait for the worker; it takes a few milliseconds for each."""


class QuoteNotChecked(PoolRefusal):
    """The worker process did not answer; nothing is known of the quote."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the quote could not be checked: {reason}; try again")


class QuoteChecker:
    """One worker process, started with the first quote, that checks one quote after the other.

    Use it on the event loop.
    """

    def __init__(self) -> None:
        self._worker = WorkerProcess(_MOST_WAITING)

    @property
    def process_id(self) -> int | None:
        """The id of the worker process, None where there is none."""
        return self._worker.process_id

    async def check(self, quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
        """Return what `check_quote` says of the arguments.

        Raises `QuoteNotChecked` where the worker fails, or where too many wait for it.
        """
        try:
            return await self._worker.run(_LONGEST_CHECK_SECONDS, check_quote, quote, collateral, root_der, timestamp)
        except WorkerFailed as error:
            raise QuoteNotChecked(str(error)) from None

    async def close(self) -> None:
        """End the worker process and wait for it."""
        await self._worker.close()
