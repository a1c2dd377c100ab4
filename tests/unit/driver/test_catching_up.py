"""After downtime: L1 seals one block at the present, and L2 catches up by the drift rules without waiting."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from driven_rollup import GENESIS_TIME, DrivenRollup, transfer, until

MINUTE = 60
DRIFT_BLOCKS = 30


@pytest.fixture
async def rollup(tmp_path: Path) -> AsyncIterator[DrivenRollup]:
    """With an L2 block a minute, so that hours are few blocks."""
    async with AsyncExitStack() as parts:
        yield await DrivenRollup.running(tmp_path, parts, l2_block_time=MINUTE)


async def test_blocks_beyond_the_sequencer_drift_are_empty_and_derivation_takes_them(rollup: DrivenRollup) -> None:
    rollup.clock.advance(120 * MINUTE)
    await rollup.l1.mine()
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    for nonce in range(200):
        await sequencer.submit_transaction(transfer(nonce, gas_limit=29_000_000))

    await until(lambda: sequencer.heads.unsafe.number == 120)
    await rollup.post(rollup.blocks(sequencer, range(1, 121)))
    await until(lambda: follower.heads.safe.number == 120)

    assert follower.heads.safe == sequencer.heads.unsafe
    origins = [follower.chain.ref(block.hash).l1_origin.number for block in rollup.blocks(follower, range(1, 121))]
    assert origins == [0] * 119 + [1]
    sequenced = [len(block.transactions) - 1 for block in rollup.blocks(follower, range(1, 121))]
    assert any(sequenced[:DRIFT_BLOCKS])
    assert sequenced[DRIFT_BLOCKS:119] == [0] * (119 - DRIFT_BLOCKS)


async def test_without_a_next_l1_block_l2_stops_at_the_drift(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    rollup.clock.advance(60 * MINUTE)
    await until(lambda: sequencer.heads.unsafe.number == DRIFT_BLOCKS)
    asked = rollup.link.requests
    await until(lambda: rollup.link.requests > asked + 5)
    assert sequencer.heads.unsafe.number == DRIFT_BLOCKS

    await rollup.l1.mine()

    await until(lambda: sequencer.heads.unsafe.number == 60)
    assert sequencer.heads.unsafe.l1_origin.number == 1
    assert sequencer.heads.unsafe.timestamp == GENESIS_TIME + 60 * MINUTE
