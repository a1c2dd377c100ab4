"""A process of its own for what computes long or holds the interpreter's lock, so that the event loop goes on."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from phal2.node.protocol.errors import Phal2Error

Result = TypeVar("Result")


class WorkerFailed(Phal2Error):
    """The worker process gave no answer. Nothing is known of what was asked; ask again."""


class WorkerProcess:
    """One worker process, started with the first call, that makes one call after the other. Use it on an event loop."""

    def __init__(self, most_waiting: int) -> None:
        """At most `most_waiting` calls may wait or run at a time."""
        self._most_waiting = most_waiting
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    @property
    def process_id(self) -> int | None:
        """The id of the process, None where there is none."""
        return None if self._pool is None else next(iter(self._pool._processes or ()), None)

    async def run(self, longest_seconds: float, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what `function`, one of a module, returns of the arguments; what it raises is raised here.

        Raises `WorkerFailed` where the process cannot be started or ends, does not answer within `longest_seconds` of
        the call's turn (it is killed then, and the next call starts another), or where too many calls wait.
        """
        if self._waiting >= self._most_waiting:
            raise WorkerFailed(f"{self._waiting} others wait already")
        self._waiting += 1
        try:
            # The time that a call may take begins with its turn, so that a crowd makes none of them late.
            async with self._turn:
                return await self._run_now(longest_seconds, function, arguments)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process, whatever it does, and wait for it."""
        pool, self._pool = self._pool, None
        if pool is not None:
            _kill(pool)
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _run_now(
        self, longest_seconds: float, function: Callable[..., Result], arguments: tuple[Any, ...]
    ) -> Result:
        pool = self._pool
        try:
            if pool is None:
                # A fork of a process with threads can inherit a lock that is held; a spawned one starts clean.
                pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_prepare_worker)
                self._pool = pool
            async with asyncio.timeout(longest_seconds):
                return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
        except BrokenProcessPool:
            self._drop(pool)
            raise WorkerFailed("the worker process ended") from None
        except TimeoutError:
            self._drop(pool)
            raise WorkerFailed(f"no answer within {longest_seconds:.0f} s") from None
        except OSError as error:
            # On a busy machine there may be no process, file or memory left for it.
            self._drop(pool)
            raise WorkerFailed(f"the worker process cannot be started: {error}") from None

    def _drop(self, pool: ProcessPoolExecutor | None) -> None:
        """Give up a pool that does not answer; the next call starts another."""
        if pool is None:
            return
        if self._pool is pool:
            self._pool = None
        _kill(pool)
        pool.shutdown(wait=False, cancel_futures=True)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool's process at once: it has nothing that could be lost."""
    for process in list((pool._processes or {}).values()):
        process.kill()


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
