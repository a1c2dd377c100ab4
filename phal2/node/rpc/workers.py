"""Threads for methods that take long: calls, estimates, log searches, proofs.

A few calls are made at a time, as threads share one interpreter. One that has run for a while gives way, at a point
of its own choice (`give_way`), to new ones, which may be short: it stops in the middle. Long calls then end one after
the other in the order in which they came; if they went on in turns, many would reach their time limit together.
"""

import asyncio
import queue
import threading
import time
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
MAXIMUM_STOPPED: Final = 128
"""Calls that may have stopped in the middle; beyond them those that run keep their threads until they end."""

_LONGEST_TURN: Final = 0.02
"""So many seconds a call runs before it is a long one, and looks whether new ones wait."""

_NEW_BEFORE_STOPPED: Final = 4
"""So many new calls are begun before one that has stopped goes on."""


@dataclass(slots=True)
class _Job:
    """A call that was asked for on the event loop, and its result or error once it is made."""

    future: "asyncio.Future[Any]"
    call: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None


class _Turn:
    """A thread's turn to run: `wait` for it, and `begin` it from another thread. A long call had turns before."""

    __slots__ = ("_waiting", "end", "is_long")

    def __init__(self) -> None:
        self._waiting = threading.Semaphore(0)
        self.end = 0.0
        self.is_long = False

    def wait(self) -> None:
        """Stop until the turn begins."""
        self._waiting.acquire()
        self.extend()

    def begin(self) -> None:
        """Let the thread go on."""
        self._waiting.release()

    def extend(self) -> None:
        """Have the turn end so much later."""
        self.end = time.monotonic() + _LONGEST_TURN


class _Here(threading.local):
    """The worker thread that runs: who gives it work, and its turn; None on all other threads."""

    workers: "Workers | None" = None
    turn: _Turn = _Turn()


_here: Final = _Here()


def give_way(now: float) -> None:
    """Let new calls have this worker thread's turn where it is over at `now` (of time.monotonic) and some wait.

    To be called where no lock is held. On other threads nothing happens.
    """
    workers = _here.workers
    if workers is not None and now > _here.turn.end:
        workers.stop_for_others(_here.turn)


class Workers:
    """Threads that work for one event loop. They end with the process, so that no long call delays its end.

    Calls beyond a bounded number of waiting ones are refused. A call whose caller is cancelled before it starts is not
    made. Results go back to the loop together: waking it for each would cost more than a short call takes.
    """

    def __init__(self, count: int = 4, maximum_stopped: int = MAXIMUM_STOPPED) -> None:
        """`count` calls run at a time; as many more as `maximum_stopped` may have stopped in the middle."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._made: deque[_Job] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_waking = False
        self._lock = threading.Lock()
        self._unfinished = 0
        self._running = 0
        self._maximum_stopped = maximum_stopped
        self._threads = 0
        self._stopped: deque[_Turn] = deque()
        self._spare: list[_Turn] = []
        self._begun_since_stopped = 0
        self._is_closed = False
        for _ in range(count):
            self._start_thread()

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
        with self._lock:
            self._is_closed = True
            for turn in (*self._stopped, *self._spare):
                turn.begin()
            self._stopped.clear()
            self._spare.clear()
            threads = self._threads
        for _ in range(threads):
            self._jobs.put(None)

    def stop_for_others(self, turn: _Turn) -> None:
        """Have another call go on instead of the one that runs in `turn`, until it is its turn again."""
        with self._lock:
            if self._is_closed or not self._pass_on(turn):
                turn.extend()
                return
            self._running -= 1
        turn.wait()
        with self._lock:
            self._running += 1

    def _pass_on(self, turn: _Turn) -> bool:
        """Let another thread go on where it should; tell whether it does."""
        was_long, turn.is_long = turn.is_long, True
        if not self._jobs.empty() and len(self._stopped) < self._maximum_stopped:
            if was_long:
                self._stopped.appendleft(turn)
            else:
                self._stopped.append(turn)
            if self._spare:
                self._spare.pop().begin()
            else:
                self._start_thread()
            return True
        if not was_long and self._stopped:
            # Those that became long before are to end before.
            self._stopped.append(turn)
            self._stopped.popleft().begin()
            return True
        return False

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=f"rpc-worker-{self._threads}", daemon=True).start()

    def _next_job(self, turn: _Turn) -> _Job | None:
        """Return the next call to begin, once there is one and it is this thread's turn; None for the end."""
        while self._stopped:
            with self._lock:
                is_for_stopped = self._jobs.empty() or self._begun_since_stopped >= _NEW_BEFORE_STOPPED
                if is_for_stopped and self._stopped:
                    self._begun_since_stopped = 0
                    self._spare.append(turn)
                    self._stopped.popleft().begin()
                else:
                    is_for_stopped = False
            if is_for_stopped:
                turn.wait()
                continue
            with suppress(queue.Empty):
                job = self._jobs.get_nowait()
                self._begun_since_stopped += 1
                return job
        return self._jobs.get()

    def _count_down(self, _: "asyncio.Future[Any]") -> None:
        self._unfinished -= 1

    def _work(self) -> None:
        _here.workers, _here.turn = self, _Turn()
        turn = _here.turn
        while (job := self._next_job(turn)) is not None:
            if job.future.cancelled():
                continue
            turn.is_long = False
            turn.extend()
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
