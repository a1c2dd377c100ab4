import asyncio
import time

import pytest

from phal2.node.driver.clock import Clock


async def test_a_time_in_the_past_is_waited_for_at_once() -> None:
    clock = Clock()

    await asyncio.wait_for(clock.wait_until(clock.now() - 1), timeout=60)


async def test_advancing_the_clock_wakes_who_waits() -> None:
    clock = Clock()
    waiting = asyncio.create_task(clock.wait_until(clock.now() + 3600))
    await asyncio.sleep(0)

    clock.advance(3601)

    await asyncio.wait_for(waiting, timeout=60)


async def test_an_advanced_clock_stays_ahead_of_wall_time() -> None:
    clock = Clock()

    clock.advance(100)

    assert clock.offset == 100
    before = time.time()
    assert before + 100 <= clock.now() <= time.time() + 100


async def test_the_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().advance(-1)


async def test_a_clock_reaches_a_time_and_stays_where_it_is_later() -> None:
    clock = Clock()
    before = clock.now()
    target = int(before) + 100

    clock.reach(target)
    offset = clock.offset
    after = clock.now() - offset
    clock.reach(target - 50)

    assert clock.now() >= target
    assert clock.offset == offset
    assert target - after <= offset < target - before + 1
