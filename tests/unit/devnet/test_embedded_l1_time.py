"""The embedded L1 and time: its pace, its timestamps, and blocks on demand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from embedded_l1_rig import GENESIS_TIME, StoppedClock, dynamic_fee, open_l1

from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.embedded_l1 import LONGEST_ADVANCE, AdvanceTooLong, InvalidBlockTime


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(GENESIS_TIME + 100)


@pytest.fixture
async def l1(tmp_path: Path, clock: StoppedClock) -> AsyncIterator[EmbeddedL1]:
    l1 = open_l1(tmp_path / "l1", clock)
    yield l1
    await l1.stop()


def head_time(l1: EmbeddedL1) -> int:
    header = l1.store.header(l1.head_id().hash)
    assert header is not None
    return header.timestamp


async def next_head(l1: EmbeddedL1) -> None:
    sealed = asyncio.Event()
    end = l1.on_new_head(lambda _: sealed.set())
    async with asyncio.timeout(60):
        await sealed.wait()
    end()


async def sealed_meanwhile(l1: EmbeddedL1) -> None:
    """Return when a block that is due by now is sealed."""
    for _ in range(20):
        await asyncio.sleep(0)
    # Whoever seals holds the head meanwhile.
    await l1.at_head(lambda _: None)


async def test_a_block_has_the_time_of_the_clock(l1: EmbeddedL1) -> None:
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 100


async def test_blocks_of_one_moment_have_rising_timestamps(l1: EmbeddedL1) -> None:
    times = []
    for _ in range(3):
        await l1.mine()
        times.append(head_time(l1))
    assert times == [GENESIS_TIME + 100, GENESIS_TIME + 101, GENESIS_TIME + 102]


async def test_a_block_can_be_given_any_later_time(l1: EmbeddedL1) -> None:
    await l1.mine(GENESIS_TIME + 7)
    assert head_time(l1) == GENESIS_TIME + 7
    with pytest.raises(InvalidBlockTime, match="timestamps must rise"):
        await l1.mine(GENESIS_TIME + 7)


async def test_after_a_pause_one_block_brings_the_chain_to_the_present(l1: EmbeddedL1, clock: StoppedClock) -> None:
    await l1.start()
    await next_head(l1)
    assert (l1.head_id().number, head_time(l1)) == (1, GENESIS_TIME + 100)

    clock.advance(1_000)
    await next_head(l1)
    assert (l1.head_id().number, head_time(l1)) == (2, GENESIS_TIME + 1_100)


async def test_a_block_is_sealed_each_block_time(l1: EmbeddedL1, clock: StoppedClock) -> None:
    await l1.start()
    await next_head(l1)
    times = [head_time(l1)]
    for _ in range(3):
        clock.advance(2)
        await next_head(l1)
        times.append(head_time(l1))
    assert times == [GENESIS_TIME + 100 + 2 * number for number in range(4)]


async def test_blocks_on_demand_take_the_clock_along(l1: EmbeddedL1, clock: StoppedClock) -> None:
    for _ in range(10):
        await l1.mine()
    assert (head_time(l1), clock.now()) == (GENESIS_TIME + 109, GENESIS_TIME + 109)
    await l1.start()

    clock.advance(2)
    await next_head(l1)

    assert head_time(l1) == GENESIS_TIME + 111


async def test_a_block_at_a_later_time_takes_the_clock_along(l1: EmbeddedL1, clock: StoppedClock) -> None:
    await l1.mine(GENESIS_TIME + 700)
    assert clock.now() == GENESIS_TIME + 700


async def test_a_clock_that_is_behind_the_chain_begins_at_its_head(tmp_path: Path, clock: StoppedClock) -> None:
    l1 = open_l1(tmp_path / "l1", clock)
    await l1.advance_time(5_000)
    await l1.stop()

    later = StoppedClock(GENESIS_TIME + 200)
    again = open_l1(tmp_path / "l1", later)

    assert later.now() == GENESIS_TIME + 5_100
    await again.stop()


async def test_advancing_time_seals_a_block_at_the_new_time(l1: EmbeddedL1) -> None:
    await l1.mine()
    await l1.advance_time(50)
    assert head_time(l1) == GENESIS_TIME + 150
    with pytest.raises(AdvanceTooLong, match="at most 315360000 s at once, got 315360001"):
        await l1.advance_time(LONGEST_ADVANCE + 1)


async def test_the_next_timestamp_can_be_set_and_moves_the_clock(l1: EmbeddedL1, clock: StoppedClock) -> None:
    l1.set_next_timestamp(GENESIS_TIME + 500)
    assert l1.pending_environment().timestamp == GENESIS_TIME + 500
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 500
    assert clock.offset == 400
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 501


async def test_a_next_timestamp_makes_no_block_due_before_the_next_interval(
    l1: EmbeddedL1, clock: StoppedClock
) -> None:
    await l1.start()
    await next_head(l1)

    l1.set_next_timestamp(GENESIS_TIME + 500)
    clock.advance(1)
    await sealed_meanwhile(l1)
    assert l1.head_id().number == 1
    await l1.submit_transaction(dynamic_fee(0))
    clock.advance(1)
    await next_head(l1)

    assert head_time(l1) == GENESIS_TIME + 500
    block = l1.store.block_by_number(2)
    assert block is not None
    assert block.transactions == (dynamic_fee(0),)


async def test_a_next_timestamp_behind_the_clock_is_for_one_block(l1: EmbeddedL1, clock: StoppedClock) -> None:
    l1.set_next_timestamp(GENESIS_TIME + 50)
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 50
    assert clock.offset == 0
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 100


@pytest.mark.parametrize("timestamp", [0, GENESIS_TIME, 1 << 64])
async def test_an_impossible_next_timestamp_is_refused(l1: EmbeddedL1, timestamp: int) -> None:
    with pytest.raises((InvalidBlockTime, AdvanceTooLong)):
        l1.set_next_timestamp(timestamp)
    with pytest.raises((InvalidBlockTime, AdvanceTooLong)):
        await l1.mine(timestamp)
    await l1.mine()
    assert head_time(l1) == GENESIS_TIME + 100


async def test_blocks_come_at_their_times_after_a_next_timestamp_was_refused(
    l1: EmbeddedL1, clock: StoppedClock
) -> None:
    await l1.start()
    await next_head(l1)

    with pytest.raises(AdvanceTooLong):
        l1.set_next_timestamp(1 << 64)
    clock.advance(2)
    await next_head(l1)

    assert head_time(l1) == GENESIS_TIME + 102


async def test_a_next_timestamp_that_is_set_while_a_block_is_sealed_makes_none_due_at_once(
    l1: EmbeddedL1, clock: StoppedClock
) -> None:
    await l1.start()
    await next_head(l1)

    sealing = asyncio.ensure_future(l1.mine(GENESIS_TIME + 150))
    await asyncio.sleep(0)
    l1.set_next_timestamp(GENESIS_TIME + 500)
    await sealing
    await sealed_meanwhile(l1)
    assert l1.head_id().number == 2
    clock.advance(2)
    await next_head(l1)

    assert head_time(l1) == GENESIS_TIME + 500


async def test_blocks_asked_for_at_once_are_sealed_one_after_the_other(l1: EmbeddedL1) -> None:
    blocks = await asyncio.gather(*(l1.mine() for _ in range(5)))
    assert [block.number for block in blocks] == [1, 2, 3, 4, 5]


async def test_sealing_on_demand_and_at_intervals_take_turns(l1: EmbeddedL1, clock: StoppedClock) -> None:
    mining = asyncio.gather(*(l1.mine() for _ in range(5)))
    await asyncio.sleep(0)
    await l1.start()
    async with asyncio.timeout(60):
        await mining
    assert head_time(l1) == GENESIS_TIME + 104
    clock.advance(20)
    await next_head(l1)
    assert head_time(l1) == GENESIS_TIME + 124


async def test_stopping_while_blocks_are_sealed_leaves_a_whole_chain(tmp_path: Path) -> None:
    l1 = open_l1(tmp_path / "l1")
    await l1.start()
    mining = asyncio.gather(*(l1.mine() for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    await l1.stop()
    await mining

    again = open_l1(tmp_path / "l1")
    head = again.head_id()
    for number in range(head.number, 0, -1):
        assert again.store.block_by_number(number) is not None
    await again.stop()
