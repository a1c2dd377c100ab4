"""Calls on worker threads: how many at a time, and who goes first."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from phal2.node.rpc.cancellation import Deadline, ExecutionStopped, run_bounded
from phal2.node.rpc.workers import Workers


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


class LongCall:
    """A call that goes on until a test lets it end."""

    def __init__(self, name: int = 0, ended: list[int] | None = None) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self._name = name
        self._ended = [] if ended is None else ended

    def run(self, deadline: Deadline) -> int:
        self.began.set()
        while not self.may_end.is_set():
            deadline.check()
        self._ended.append(self._name)
        return self._name


async def has_begun(call: LongCall) -> None:
    assert await asyncio.to_thread(call.began.wait, 60)


def worker_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("rpc-worker-")}


async def test_short_calls_do_not_wait_for_long_ones(workers: Workers):
    calls = [LongCall(number) for number in range(10)]
    running = [run_bounded(workers, 600, call.run) for call in calls]
    for call in calls:
        await has_begun(call)
    short = [workers.submit(pow, 2, number) for number in range(100)]
    assert await asyncio.wait_for(asyncio.gather(*short), 60) == [2**number for number in range(100)]
    for call in calls:
        call.may_end.set()
    assert await asyncio.wait_for(asyncio.gather(*running), 60) == list(range(10))


async def test_long_calls_end_in_the_order_in_which_they_came():
    workers = Workers(1)
    ended: list[int] = []
    calls = [LongCall(number, ended) for number in range(6)]
    running = []
    for call in calls:
        running.append(run_bounded(workers, 600, call.run))
        await has_begun(call)
        assert await workers.submit(pow, 2, 3) == 8
    for call in reversed(calls):
        call.may_end.set()
    await asyncio.wait_for(asyncio.gather(*running), 60)
    assert ended == list(range(6))
    workers.close()


async def test_long_calls_go_on_under_a_flood_of_short_ones(workers: Workers):
    call = LongCall(7)
    running = run_bounded(workers, 600, call.run)
    await has_begun(call)
    is_over = False

    async def ask() -> None:
        while not is_over:
            await workers.submit(time.sleep, 0.001)

    asking = [asyncio.create_task(ask()) for _ in range(20)]
    await asyncio.sleep(0.1)  # the flood has stopped the long call
    call.may_end.set()
    assert await asyncio.wait_for(running, 60) == 7
    is_over = True
    await asyncio.gather(*asking)


async def test_a_stopped_call_ends_at_its_time_limit(workers: Workers):
    calls = [LongCall() for _ in range(8)]
    running = [run_bounded(workers, 0.2, call.run) for call in calls]
    ended = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 60)
    assert [type(error) for error in ended] == [ExecutionStopped] * 8


async def test_no_more_calls_stop_than_may():
    workers = Workers(1, maximum_stopped=2)
    calls = [LongCall(number) for number in range(3)]
    running = [run_bounded(workers, 600, call.run) for call in calls]
    for call in calls:
        await has_begun(call)
    late = workers.submit(pow, 2, 3)
    await asyncio.wait((late,), timeout=0.1)
    assert not late.done()
    for call in calls:
        call.may_end.set()
    assert await asyncio.wait_for(late, 60) == 8
    await asyncio.gather(*running)
    workers.close()


async def test_closed_workers_finish_what_they_have_and_their_threads_end():
    before = worker_threads()
    workers = Workers(2)
    calls = [LongCall(number) for number in range(6)]
    running = [run_bounded(workers, 600, call.run) for call in calls]
    for call in calls:
        await has_begun(call)
    workers.close()
    for call in calls:
        call.may_end.set()
    assert await asyncio.wait_for(asyncio.gather(*running), 60) == list(range(6))
    async with asyncio.timeout(60):
        while worker_threads() - before:  # noqa: ASYNC110 - threads tell of their end by no event
            await asyncio.sleep(0.01)
