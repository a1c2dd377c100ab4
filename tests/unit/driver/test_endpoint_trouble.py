"""An L1 endpoint that is down, slow or answers with garbage: the node survives it, says so, and goes on."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from driven_rollup import DrivenRollup, until

from phal2.devnet.l1.sealing import heads_at


def unavailable() -> web.Response:
    return web.Response(status=503)


def no_json() -> web.Response:
    return web.Response(text="<html>gateway</html>")


def wrong_answer() -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "internal error"}})


def broken_block() -> web.Response:
    return web.json_response([1, 2, 3])


@pytest.mark.parametrize("fault", [unavailable, no_json, wrong_answer, broken_block])
async def test_the_chain_goes_on_after_an_outage(
    rollup: DrivenRollup, fault: Callable[[], web.Response], caplog: pytest.LogCaptureFixture
) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.grow(sequencer, 2)
    assert sequencer.sequencing is not None
    loops = [sequencer.sequencing, sequencer.derivation, sequencer.l1_tracker, follower.derivation, follower.l1_tracker]
    for loop in loops:
        # For their logs the whole outage is one moment.
        loop.retries._clock = lambda: 0.0

    rollup.link.fault = fault
    await rollup.l1.mine()
    rollup.clock.advance(3)
    asked = rollup.link.requests
    await until(lambda: rollup.link.requests > asked + 12 and "sequencing waits" in caplog.text)
    rollup.link.fault = None

    await until(lambda: sequencer.heads.unsafe.number == 5)
    await rollup.post(rollup.blocks(sequencer, range(1, 6)))
    await until(lambda: follower.heads.safe.number == 5)
    assert follower.heads.safe == sequencer.heads.unsafe
    assert not [task for node in (sequencer, follower) for task in node.tasks if task.done()]
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    # Each says that it waits, and none at every attempt.
    assert any("sequencing waits" in line for line in lines)
    assert any("following L1 waits" in line for line in lines)
    assert len([line for line in lines if " waits" in line]) <= len(loops)


async def test_a_node_starts_before_its_endpoint(rollup: DrivenRollup) -> None:
    rollup.link.fault = unavailable
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    await until(lambda: rollup.link.requests > 3)

    rollup.link.fault = None

    await rollup.grow(sequencer, 2)
    assert sequencer.heads.unsafe.number == 2


async def test_a_stopped_node_leaves_a_slow_endpoint_at_once(rollup: DrivenRollup) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def hang(_: web.BaseRequest) -> Any:
        asked.set()
        await release.wait()
        return web.Response()

    rollup.link.answer = hang
    follower = await rollup.node("follower")
    await asyncio.wait_for(asked.wait(), 60)

    # Sooner than the request would end by itself, after 20 seconds.
    async with asyncio.timeout(15):
        await follower.stop()
    release.set()


async def test_an_endpoint_of_another_chain_takes_nothing_back_that_was_final(
    rollup: DrivenRollup, caplog: pytest.LogCaptureFixture
) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.grow(sequencer, 2)
    await rollup.l1.mine()
    posted = await rollup.post(rollup.blocks(sequencer, range(1, 3)))
    while rollup.l1.finalized_id().number < posted.number:
        await rollup.l1.mine()
    # L1's blocks have taken the time along: the sequencer's head comes to rest when it has the blocks that are due.
    await rollup.grow(sequencer)
    await until(lambda: sequencer.heads.finalized.number == follower.heads.finalized.number == 2)
    before = [node.heads for node in (sequencer, follower)]

    async with AsyncExitStack() as parts:
        other = await DrivenRollup.running(rollup.path / "other", parts)
        other.clock.advance(7)
        for _ in range(20):
            await other.l1.mine()
        rollup.link.target, right = other.link.target, rollup.link.target
        await until(lambda: caplog.text.count("block 2 is finalized") >= 2)
        assert [node.heads for node in (sequencer, follower)] == before
        assert follower.derivation.retries.failing_seconds > 0
        rollup.link.target = right

    await rollup.l1.mine()
    await rollup.grow(sequencer)
    head = sequencer.heads.unsafe
    await rollup.post(rollup.blocks(sequencer, range(3, head.number + 1)))
    await until(lambda: follower.heads.safe.number >= head.number)
    assert follower.store.block_hash(head.number) == head.hash
    assert follower.derivation.retries.failing_seconds == 0


async def test_an_endpoint_that_is_behind_takes_no_block_back_from_the_sequencer(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    await rollup.l1.mine()
    await rollup.l1.mine()
    await rollup.grow(sequencer, 4)
    head = sequencer.heads.unsafe
    assert head.l1_origin.number == 2
    full = rollup.l1.head_id()

    rollup.rewind_l1(0)
    sequencer.derivation.request_reset("the test says so")
    await until(lambda: sequencer.current_l1 is not None and sequencer.current_l1.number == 0)
    assert sequencer.heads.unsafe == head

    rollup.l1.store.write_heads(heads_at(rollup.l1.store, full))
    await rollup.l1.mine()
    await rollup.grow(sequencer)
    assert sequencer.store.block_hash(head.number) == head.hash
