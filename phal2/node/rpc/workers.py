"""Threads for methods that take long: calls, estimates, log searches, proofs."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from phal2.node.rpc.errors import SERVER_ERROR, RpcError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

MAXIMUM_WAITING: Final = 2_048


@dataclass(slots=True)
class _Job:
    """A call that was asked for on the event loop, and its result or error once it is made."""

    future: "asyncio.Future[Any]"
    call: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None


class Workers:
    """A few threads that work for one event loop. They end with the process, so that no long call delays its end.

    Calls beyond a bounded number of waiting ones are refused. A call whose caller is cancelled before it starts is not
    made. Results go back to the loop together: waking it for each would cost more than a short call takes.
    """

    def __init__(self, count: int = 4) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._made: deque[_Job] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_waking = False
        self._count = count
        self._lock = threading.Lock()
        self._unfinished = 0
        self._running = 0
        for number in range(count):
            threading.Thread(target=self._work, name=f"rpc-worker-{number}", daemon=True).start()

    @property
    def running(self) -> int:
        """How many calls are being made now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many calls are asked for and not answered."""
        return self._unfinished

    def submit(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
    ) -> "asyncio.Future[Result]":
        """Have `function` run on a worker thread; raise `RpcError` where too many calls wait already."""
        if self._unfinished >= MAXIMUM_WAITING:
            raise RpcError(SERVER_ERROR, "the server is busy: too many requests wait for execution; try again later")
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._is_waking = loop, False
            self._made.clear()
        future: asyncio.Future[Result] = loop.create_future()
        self._unfinished += 1
        future.add_done_callback(self._count_down)
        self._jobs.put(_Job(future, partial(function, *arguments, **keywords)))
        return future

    async def run(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
    ) -> Result:
        """Run `function` on a worker thread; raise `RpcError` where too many calls wait already."""
        return await self.submit(function, *arguments, **keywords)

    def close(self) -> None:
        """Let the threads end once they have done what waits."""
        for _ in range(self._count):
            self._jobs.put(None)

    def _count_down(self, _: "asyncio.Future[Any]") -> None:
        self._unfinished -= 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.future.cancelled():
                continue
            with self._lock:
                self._running += 1
            try:
                job.result = job.call()
            except BaseException as error:  # whatever it is belongs to the caller, and the thread goes on
                job.error = error
            finally:
                with self._lock:
                    self._running -= 1
            self._made.append(job)
            self._wake()

    def _wake(self) -> None:
        loop = self._loop
        if self._is_waking or loop is None:
            return
        self._is_waking = True
        # A loop that has been closed has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        # First, so that what is made from now on wakes the loop again.
        self._is_waking = False
        while self._made:
            job = self._made.popleft()
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            elif isinstance(job.error, StopIteration):
                job.future.set_exception(RuntimeError("the call raised StopIteration"))
            else:
                job.future.set_exception(job.error)
