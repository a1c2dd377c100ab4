"""Checks DCAP quotes in a process of its own, so that a hostile quote cannot hold up the event loop."""

import asyncio
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Final

from phal2.node.attestation.dcap import QuoteVerdict, check_quote
from phal2.node.sequencer.mempool import PoolRefusal

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
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def check(self, quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
        """Return what `check_quote` says of the arguments.

        Raises `QuoteNotChecked` where the worker fails, or where too many wait for it.
        """
        if self._waiting >= _MOST_WAITING:
            raise QuoteNotChecked(f"{self._waiting} others wait already")
        self._waiting += 1
        try:
            # The time that a quote may take begins with its turn, so that a crowd makes none of them late.
            async with self._turn:
                return await self._check_now(quote, collateral, root_der, timestamp)
        finally:
            self._waiting -= 1

    async def _check_now(self, quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteVerdict:
        if self._pool is None:
            # A fork of a process with threads can inherit a lock that is held; a spawned one starts clean.
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_prepare_worker)
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


def _prepare_worker() -> None:
    """Tie the worker's life to its parent's.

    Ctrl-C reaches the whole process group, but the parent decides when this process ends; and where the parent is
    killed, nobody else would.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
