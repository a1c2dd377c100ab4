"""An L1 that makes no block for long: L2 goes on as far as the sequencer may drift, waits, and goes on when L1 does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from driven_rollup import DrivenRollup, transfer, until

from phal2.node.driver.rollup_node import RollupNode
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import MAXIMUM_SEQUENCER_DRIFT_FJORD as DRIFT

BLOCK_TIME = 100
STALL = 2 * DRIFT + 7


@pytest.fixture
async def slow_rollup(tmp_path: Path) -> AsyncIterator[DrivenRollup]:
    async with AsyncExitStack() as parts:
        yield await DrivenRollup.running(tmp_path, parts, l2_block_time=BLOCK_TIME)


async def post_all(rollup: DrivenRollup, sequencer: RollupNode, follower: RollupNode) -> None:
    """Post what is not safe, and wait until both nodes have it as it is."""
    head, safe = sequencer.heads.unsafe, sequencer.heads.safe.number
    await rollup.post(rollup.blocks(sequencer, range(safe + 1, head.number + 1)))
    await until(lambda: min(node.heads.safe.number for node in (sequencer, follower)) >= head.number)
    assert follower.store.block_hash(head.number) == sequencer.store.block_hash(head.number) == head.hash


@pytest.mark.parametrize("restarts", [False, True])
async def test_l2_waits_at_the_drift_and_goes_on_with_l1(slow_rollup: DrivenRollup, restarts: bool) -> None:
    rollup = slow_rollup
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.l1.mine()
    await rollup.grow(sequencer, 3 * BLOCK_TIME)
    await post_all(rollup, sequencer, follower)

    rollup.clock.advance(STALL)
    await until(lambda: sequencer.sequencing and sequencer.sequencing.retries.failing_seconds > 0)
    waiting = sequencer.heads.unsafe
    last_l1 = rollup.l1.head_id()
    assert waiting.l1_origin == last_l1
    origin = sequencer.l1_tracker.head
    assert origin is not None
    assert origin.timestamp + DRIFT - BLOCK_TIME < waiting.timestamp <= origin.timestamp + DRIFT
    if restarts:
        await sequencer.stop()
        await follower.stop()
        sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
        await until(lambda: sequencer.sequencing and sequencer.sequencing.retries.failing_seconds > 0)
        assert sequencer.heads.unsafe == waiting
    await sequencer.submit_transaction(transfer(0))

    back = await rollup.l1.mine(int(rollup.clock.now()))
    rollup.clock.advance(BLOCK_TIME)
    await until(lambda: sequencer.heads.unsafe.l1_origin == back)

    included = sequencer.store.find_transaction(keccak256(transfer(0)))
    assert included is not None
    for block in rollup.blocks(sequencer, range(waiting.number + 1, sequencer.heads.unsafe.number)):
        assert len(block.transactions) == 1, "past the drift blocks are empty"
    await post_all(rollup, sequencer, follower)
