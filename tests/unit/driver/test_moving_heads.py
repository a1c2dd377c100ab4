"""What one who moves a node's heads relies on: a held derivation, a bound on sequencing, and a clock that goes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from driven_rollup import SENDER, DrivenRollup, transfer, until

from phal2.node.driver.clock import Clock
from phal2.node.protocol.transaction_codec import recover_transaction


@pytest.fixture
async def rollup(tmp_path: Path) -> AsyncIterator[DrivenRollup]:
    async with AsyncExitStack() as parts:
        yield await DrivenRollup.running(tmp_path, parts)


async def test_a_clock_goes_back_and_on_from_there() -> None:
    clock = Clock()
    moment = clock.now()
    clock.advance(1_000)
    waiting = asyncio.create_task(clock.wait_until(moment + 1_500))
    await asyncio.sleep(0)

    clock.go_to(moment)

    assert moment <= clock.now() < moment + 100
    assert not waiting.done()
    clock.advance(1_501)
    await asyncio.wait_for(waiting, timeout=60)


async def test_no_block_is_built_above_the_bound(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    assert sequencer.sequencing is not None
    sequencer.sequencing.build_up_to(3)
    rollup.clock.advance(10)
    await until(lambda: sequencer.heads.unsafe.number == 3)
    for _ in range(50):
        await asyncio.sleep(0)
    assert sequencer.heads.unsafe.number == 3

    sequencer.sequencing.build_up_to(None)

    await until(lambda: sequencer.heads.unsafe.number == 10)


async def test_what_is_derived_again_after_the_heads_went_back_is_the_same(rollup: DrivenRollup) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    start = follower.heads
    await rollup.grow(sequencer, 5)
    await rollup.post(rollup.blocks(sequencer, range(1, 6)))
    await until(lambda: follower.heads.safe.number == 5)
    reached = follower.heads

    async with follower.derivation.held():
        await follower.chain.run(lambda: follower.chain.go_back(start))
        assert follower.heads == start
        assert follower.current_l1 is not None

    assert follower.current_l1 is None
    await until(lambda: follower.heads.safe == reached.safe)


async def test_what_is_not_safe_any_more_is_not_finalized(rollup: DrivenRollup) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    start = follower.heads
    await rollup.grow(sequencer, 3)
    await rollup.post(rollup.blocks(sequencer, range(1, 4)))
    await until(lambda: follower.heads.safe.number == 3)
    safe = follower.heads.safe

    async with follower.derivation.held():
        await follower.chain.run(lambda: follower.chain.go_back(start))
        await follower.chain.run(lambda: follower.chain.set_finalized(safe))
        assert follower.heads == start


async def test_a_transaction_whose_sender_is_known_is_admitted_and_told_of(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    told: list[bytes] = []

    async def note(transaction_hash: bytes) -> None:
        told.append(transaction_hash)

    sequencer.after_submission = note
    transaction = recover_transaction(transfer(0))

    assert await sequencer.admit(transaction) == transaction.hash
    assert await sequencer.submit_transaction(transfer(1)) == told[-1]
    assert told[0] == transaction.hash
    assert sequencer.pending_nonce(SENDER) == 2
