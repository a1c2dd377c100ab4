"""The sequencer under development: blocks on demand, automine, time that takes L1 along, and what it refuses."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from driven_rollup import RECEIVER, DrivenRollup, transfer, until

from phal2.devnet.development.chain import NotOnThisChain, StateEditsRefused, TooManyBlocks
from phal2.devnet.development.embedded_controls import EmbeddedL1Controls
from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.development.l2_chain import L2Development, NotYetUp
from phal2.devnet.development.state_edits import balance_edit
from phal2.devnet.l1 import EmbeddedL1
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.errors import INVALID_PARAMS, RpcError

MINUTE = 60
DRIFT = 1_800


@dataclass(slots=True)
class Rig:
    rollup: DrivenRollup
    sequencer: RollupNode
    development: L2Development

    def number(self) -> int:
        return self.sequencer.heads.unsafe.number

    def sequenced(self, first: int, last: int) -> list[int]:
        """How many pooled transactions each block has."""
        return [len(block.transactions) - 1 for block in self.rollup.blocks(self.sequencer, range(first, last + 1))]


def controls_of(l1: EmbeddedL1) -> EmbeddedL1Controls:
    return EmbeddedL1Controls(l1, L1Development(l1))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as parts:
        rollup = await DrivenRollup.running(tmp_path, parts, l2_block_time=MINUTE)
        await rollup.l1.start()
        sequencer = await rollup.node("sequencer", is_sequencer=True)
        yield Rig(rollup, sequencer, L2Development(sequencer, controls_of(rollup.l1), rollup.clock))


async def test_blocks_are_mined_at_their_times(rig: Rig) -> None:
    start = rig.sequencer.heads.unsafe.timestamp

    await rig.development.mine(5)

    assert rig.number() == 5
    assert rig.sequencer.heads.unsafe.timestamp == start + 5 * MINUTE


async def test_calls_at_once_each_get_their_blocks(rig: Rig) -> None:
    await asyncio.gather(*(rig.development.mine() for _ in range(8)))

    assert rig.number() == 8


async def test_automine_seals_a_block_for_each_transaction_as_l1_goes_along(rig: Rig) -> None:
    rig.development.set_automine(is_on=True)
    count = 3 * DRIFT // MINUTE

    for nonce in range(count):
        await rig.sequencer.submit_transaction(transfer(nonce))

    assert rig.sequenced(1, count) == [1] * count
    l1_head = rig.rollup.l1.store.header(rig.rollup.l1.head_id().hash)
    assert l1_head is not None
    assert 0 <= rig.sequencer.heads.unsafe.timestamp - l1_head.timestamp <= MINUTE


async def test_automine_waits_where_a_transaction_waits_for_another(rig: Rig) -> None:
    rig.development.set_automine(is_on=True)

    await rig.sequencer.submit_transaction(transfer(1))
    assert rig.number() == 0
    await rig.sequencer.submit_transaction(transfer(0))

    assert rig.sequenced(1, 1) == [2]
    rig.development.set_automine(is_on=False)
    await rig.sequencer.submit_transaction(transfer(2))
    assert rig.number() == 1


async def test_in_a_long_advance_l1_goes_along_so_that_blocks_may_hold_transactions(rig: Rig) -> None:
    await rig.development.increase_time(200 * MINUTE)

    assert rig.number() >= 199
    for block in rig.rollup.blocks(rig.sequencer, range(1, 200)):
        origin = rig.rollup.l1.store.header(rig.sequencer.chain.ref(block.hash).l1_origin.hash)
        assert origin is not None
        assert 0 <= block.header.timestamp - origin.timestamp <= DRIFT


async def test_a_block_on_demand_has_what_came_while_another_was_built(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, held, begun = rig.sequencer.chain, threading.Event(), asyncio.Event()
    run = chain.run
    holding = asyncio.create_task(run(held.wait))

    def noted(step: Callable[[], Any]) -> Awaitable[Any]:
        if "_build_next" in step.__qualname__:
            begun.set()
        return run(step)

    monkeypatch.setattr(chain, "run", noted)
    rig.rollup.clock.advance(MINUTE)
    await begun.wait()
    transaction_hash = await rig.sequencer.submit_transaction(transfer(nonce=0))

    mining = asyncio.create_task(rig.development.mine())
    held.set()
    await asyncio.gather(holding, mining)

    assert rig.sequenced(1, 2) == [0, 1]
    assert rig.sequencer.store.find_transaction(transaction_hash) is not None


async def test_blocks_on_demand_alone_come_only_then(rig: Rig) -> None:
    await rig.development.set_interval(0)
    rig.rollup.clock.advance(10 * MINUTE)
    for _ in range(50):
        await asyncio.sleep(0)
    assert (rig.number(), rig.development.interval) == (0, None)

    await rig.development.mine(3)
    assert rig.number() == 3
    await rig.development.increase_time(2 * MINUTE)
    assert rig.number() == 5

    await rig.development.set_interval(MINUTE)
    await until(lambda: rig.number() >= 12)


async def test_the_next_block_has_one_possible_time(rig: Rig) -> None:
    start = rig.sequencer.heads.unsafe.timestamp

    rig.development.set_next_timestamp(start + MINUTE)

    for other in (start, start + 2 * MINUTE):
        with pytest.raises(RpcError, match="and no other: the block number fixes it; use evm_increaseTime") as refused:
            rig.development.set_next_timestamp(other)
        assert refused.value.code == INVALID_PARAMS
    assert rig.number() == 0


async def test_a_block_is_mined_at_a_later_time(rig: Rig) -> None:
    start = rig.sequencer.heads.unsafe.timestamp

    await rig.development.mine(timestamp=start + 4 * MINUTE)

    assert (rig.number(), rig.sequencer.heads.unsafe.timestamp) == (4, start + 4 * MINUTE)


async def test_blocks_on_demand_alone_come_up_to_the_time_that_is_asked_for(rig: Rig) -> None:
    start = rig.sequencer.heads.unsafe.timestamp
    await rig.development.set_interval(0)

    await rig.development.mine(timestamp=start + 3 * MINUTE)

    assert (rig.number(), rig.sequencer.heads.unsafe.timestamp) == (3, start + 3 * MINUTE)


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [
        (0, "timestamps must rise, and it has {0} at the earliest"),
        (MINUTE + 1, "they are 60 s apart, as the block number fixes their time; use {0} or {1}"),
        (3_602 * MINUTE, "advance at most 216000 s a call"),
    ],
)
async def test_a_time_that_no_block_soon_has_is_refused(rig: Rig, ahead: int, reason: str) -> None:
    head = rig.sequencer.heads.unsafe.timestamp

    with pytest.raises(RpcError, match=reason.format(head + MINUTE, head + 2 * MINUTE)) as refused:
        await rig.development.mine(timestamp=head + ahead)

    assert refused.value.code == INVALID_PARAMS
    assert rig.number() == 0


async def test_what_a_rollup_cannot_do_is_refused(rig: Rig) -> None:
    with pytest.raises(NotOnThisChain, match="60 s apart"):
        await rig.development.set_interval(5)
    with pytest.raises(NotOnThisChain, match="use 60"):
        await rig.development.mine(2, interval=5)
    with pytest.raises(TooManyBlocks):
        await rig.development.mine(3_601)
    with pytest.raises(RpcError, match="advance at most 216000 s a call"):
        await rig.development.increase_time(3_600 * MINUTE + 1)
    with pytest.raises(StateEditsRefused, match="--allow-state-edits"):
        await rig.development.edit_state(balance_edit(RECEIVER, 5))
    with pytest.raises(NotYetUp):
        await rig.development.snapshot()


async def test_edits_that_are_allowed_hold_from_the_head_on(rig: Rig) -> None:
    development = L2Development(rig.sequencer, controls_of(rig.rollup.l1), rig.rollup.clock, allow_state_edits=True)
    await development.mine()

    await development.edit_state(balance_edit(RECEIVER, 5))
    assert rig.sequencer.chain.state_at_head().balance(RECEIVER) == 5
    await rig.sequencer.submit_transaction(transfer(0, value=7))
    await development.mine()

    assert rig.sequencer.chain.state_at_head().balance(RECEIVER) == 12


async def test_on_an_l1_that_it_does_not_control_there_are_blocks_on_demand_but_no_time_and_no_snapshots(
    rig: Rig,
) -> None:
    development = L2Development(rig.sequencer, None, rig.rollup.clock)

    await development.mine(2)
    assert rig.number() == 2
    later = rig.sequencer.heads.unsafe.timestamp + 2 * MINUTE
    for attempt in (
        development.increase_time(60),
        development.mine(timestamp=later),
        development.snapshot(),
        development.revert(1),
        development.reset(),
    ):
        with pytest.raises(NotOnThisChain, match="an L1 that this devnet does not control; start the devnet with"):
            await attempt
