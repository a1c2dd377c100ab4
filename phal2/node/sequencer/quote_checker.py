"""Checks DCAP quotes in a process of its own, so that a hostile quote cannot hold up the event loop."""

import asyncio
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final

from phal2.node.attestation.dcap import QuoteVerdict, check_quote
from phal2.node.sequencer.mempool import PoolRefusal

_LONGEST_CHECK_SECONDS: Final = 10.0


class QuoteNotChecked(PoolRefusal):
    """The worker process did not answer; nothing is known of the quote."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the quote could not be checked: {reason}; try again")


class QuoteChecker:
    """One worker process, started with the first quote. Use it on the event loop."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def check(self, quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
        """Return what `check_quote` says of the arguments; raise `QuoteNotChecked` where the worker fails."""
        if self._pool is None:
            # A fork of a process with threads can inherit a lock that is held; a spawned one starts clean.
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_ignore_interrupt)
        pool = self._pool
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LONGEST_CHECK_SECONDS):
                return await loop.run_in_executor(pool, check_quote, quote, collateral, root_der, timestamp)
        except BrokenProcessPool:
            self._drop(pool)
            raise QuoteNotChecked("the worker process ended") from None
        except TimeoutError:
            self._drop(pool)
            raise QuoteNotChecked(f"no verdict within {_LONGEST_CHECK_SECONDS:.0f} s") from None

    async def close(self) -> None:
        """End the worker process and wait for it."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """Give up a pool that does not answer; the next check starts another."""
        if self._pool is pool:
            self._pool = None
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _ignore_interrupt() -> None:
    """Ctrl-C reaches the whole process group; the parent decides when this process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
