"""How long a request may execute: a time limit, and no longer than its client waits for the answer."""

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from phal2.node.protocol.errors import Phal2Error
from phal2.node.rpc.workers import Workers, give_way

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

client_has_left: ContextVar[Callable[[], bool] | None] = ContextVar("client_has_left", default=None)
"""Tells, from any thread, whether the client of the request at hand has gone; None where nobody can know."""


class ExecutionStopped(Phal2Error):
    """An execution that reached its time limit, or whose client has left."""


class Deadline:
    """When an execution must end. `check` is for the thread that executes, `cancel` for any."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._has_left = client_has_left.get()
        self._is_cancelled = False

    def cancel(self) -> None:
        """Nobody waits for the result any more."""
        self._is_cancelled = True

    def end(self, future: "asyncio.Future[Any]") -> None:
        """The future that the execution is for is done."""
        if future.cancelled():
            self.cancel()

    def check(self, effort: int = 0) -> None:  # noqa: ARG002 - the engine's signature; time is what counts here
        """Raise `ExecutionStopped` where the execution must end; let others go on where it has run for a while."""
        now = time.monotonic()
        give_way(now)
        if now > self._end:
            raise ExecutionStopped(f"execution aborted (timeout = {self.seconds:g}s)")
        if self._is_cancelled or (self._has_left is not None and self._has_left()):
            raise ExecutionStopped("execution aborted: the client has left")


def run_bounded(
    workers: Workers,
    seconds: float,
    function: Callable[Concatenate[Deadline, Arguments], Result],
    *arguments: Arguments.args,
    **keywords: Arguments.kwargs,
) -> "asyncio.Future[Result]":
    """Run `function(deadline, …)` on a worker thread, waiting for one included, within so many seconds.

    Where the future is cancelled, the deadline is, too. At the time limit the future's error is `ExecutionStopped`.
    """
    deadline = Deadline(seconds)
    future = workers.submit(function, deadline, *arguments, **keywords)
    future.add_done_callback(deadline.end)
    return future
