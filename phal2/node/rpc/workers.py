"""Threads for methods that take long: calls, estimates, log searches, proofs."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, ParamSpec, TypeVar

from phal2.node.rpc.errors import SERVER_ERROR, RpcError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

MAXIMUM_WAITING: Final = 2_048


class Workers:
    """A few threads. They end with the process, so that no long call delays its end.

    Calls beyond a bounded number of waiting ones are refused. A call whose caller is cancelled before it starts is not
    made.
    """

    def __init__(self, count: int = 4) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._count = count
        self._unfinished = 0
        for number in range(count):
            threading.Thread(target=self._work, name=f"rpc-worker-{number}", daemon=True).start()

    async def run(
        self, function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
    ) -> Result:
        """Run `function` on a worker thread; raise `RpcError` where too many calls wait already."""
        if self._unfinished >= MAXIMUM_WAITING:
            raise RpcError(SERVER_ERROR, "the server is busy: too many requests wait for execution; try again later")
        self._unfinished += 1
        try:
            future: Future[Result] = Future()
            self._jobs.put((future, lambda: function(*arguments, **keywords)))
            return await asyncio.wrap_future(future)
        finally:
            self._unfinished -= 1

    def close(self) -> None:
        """Let the threads end once they have done what waits."""
        for _ in range(self._count):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # whatever it is belongs to the caller, and the thread goes on
                future.set_exception(error)
            else:
                future.set_result(result)
