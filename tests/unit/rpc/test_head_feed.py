"""What followers of a chain's head are told, and that nobody has to wait for it."""

import asyncio
import time
import weakref
from collections.abc import Callable, Iterator

from served_chain import Served

from phal2.node.rpc.chain_changes import ChainChanges
from phal2.node.rpc.head_feed import HeadFeed, Tell


class Told:
    """What a follower was told, change by change."""

    def __init__(self) -> None:
        self.changes: list[ChainChanges] = []
        self.is_told = asyncio.Event()

    def tell(self, changes: ChainChanges) -> Iterator[None]:
        self.changes.append(changes)
        self.is_told.set()
        yield

    def numbers(self) -> list[int]:
        return [block.number for changes in self.changes for block in changes.entered]


async def until_told(told: Told, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while len(told.changes) < times:
            told.is_told.clear()
            await told.is_told.wait()


async def test_followers_are_told_what_comes_after_they_began(l2: Served):
    feed, early, late = HeadFeed(l2.chain), Told(), Told()
    feed.follow(early.tell)
    l2.chain.seal()
    await until_told(early)
    end = feed.follow(late.tell)
    l2.chain.seal()
    await until_told(late)
    end()
    end()
    l2.chain.seal()
    await until_told(early, 3)
    assert early.numbers() == [1, 2, 3]
    assert late.numbers() == [2]
    assert late.changes[0] is early.changes[1]


async def test_a_change_is_forgotten_once_all_were_told(l2: Served):
    feed, told, seen = HeadFeed(l2.chain), asyncio.Event(), []

    def tell(changes: ChainChanges) -> Iterator[None]:
        seen.append(weakref.ref(changes))
        if len(seen) == 2:
            told.set()
        yield

    for _ in range(2):
        feed.follow(tell)
    l2.chain.seal()
    async with asyncio.timeout(60):
        await told.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert [change() for change in seen] == [None, None]


async def test_heads_that_come_at_once_are_one_change(l2: Served):
    feed, told = HeadFeed(l2.chain), Told()
    feed.follow(told.tell)
    for _ in range(3):
        l2.chain.seal()
    await until_told(told)
    assert [len(changes.entered) for changes in told.changes] == [3]


async def test_others_have_their_turn_while_a_follower_is_told(l2: Served):
    feed, other_ran, last = HeadFeed(l2.chain), asyncio.Event(), Told()
    feed.follow(for_long(other_ran.is_set))
    feed.follow(last.tell)
    l2.chain.seal()
    asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(other_ran.set))
    await until_told(last)
    assert other_ran.is_set()


def for_long(is_over: Callable[[], bool]) -> Tell:
    """Return what tells of many things until something else has happened."""

    def tell(_: ChainChanges) -> Iterator[None]:
        end = time.monotonic() + 60
        while not is_over() and time.monotonic() < end:
            yield

    return tell


async def test_a_follower_that_ends_while_it_is_told_is_told_no_more(l2: Served):
    feed, last = HeadFeed(l2.chain), Told()
    told_of = 0

    def tell(_: ChainChanges) -> Iterator[None]:
        nonlocal told_of
        while told_of < 10_000_000:
            told_of += 1
            yield

    end = feed.follow(tell)
    feed.follow(last.tell)
    l2.chain.seal()
    asyncio.get_running_loop().call_later(0.01, end)
    await until_told(last)
    assert told_of < 10_000_000
