"""What derivation makes of the batches that L1 really holds."""

import asyncio
import logging
from dataclasses import replace

import pytest
from driven_rollup import KEY, PORTAL, DrivenRollup, singular_batch, transfer, until

from phal2.node.derivation.errors import Critical
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC


async def nodes(rollup: DrivenRollup) -> tuple[RollupNode, RollupNode]:
    return await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")


async def test_the_follower_has_the_sequencers_blocks(rollup: DrivenRollup) -> None:
    sequencer, follower = await nodes(rollup)
    for nonce in range(3):
        await sequencer.submit_transaction(transfer(nonce))
        await rollup.grow(sequencer)
        await rollup.l1.mine()

    await rollup.post(rollup.blocks(sequencer, range(1, 4)))

    await until(lambda: follower.heads.safe.number == 3)
    assert rollup.blocks(follower, range(4)) == rollup.blocks(sequencer, range(4))
    await until(lambda: sequencer.heads.safe.number == 3)


async def test_what_l1_says_replaces_an_unsafe_block_that_differs(
    rollup: DrivenRollup, caplog: pytest.LogCaptureFixture
) -> None:
    sequencer, follower = await nodes(rollup)
    await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer)
    (block,) = rollup.blocks(sequencer, [1])
    assert len(block.transactions) == 2
    await rollup.l1.mine()

    await rollup.post([replace(singular_batch(block), transactions=())])

    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 1)
    assert sequencer.heads.safe == follower.heads.safe
    assert sequencer.heads.safe.hash != block.hash
    assert "unsafe block 1 has another transactions than L1 says" in caplog.text
    # The transaction was not lost: it is in the next block, or where that was begun at once, in the one after it.
    await rollup.grow(sequencer, 2)
    assert sorted(len(block.transactions) for block in rollup.blocks(sequencer, [2, 3])) == [1, 2]


@pytest.mark.parametrize(
    "invalid",
    [transfer(7), transfer(0, value=10**30), transfer(0, chain_id=1), b"\x02\xc0", b"\x01"],
    ids=["nonce", "balance", "chain", "fields", "no list"],
)
async def test_an_invalid_payload_becomes_a_block_with_deposits_only(rollup: DrivenRollup, invalid: bytes) -> None:
    sequencer, follower = await nodes(rollup)
    await rollup.grow(sequencer, 2)
    first, second = rollup.blocks(sequencer, [1, 2])
    await rollup.l1.mine()

    await rollup.post([replace(singular_batch(first), transactions=(transfer(0), invalid)), second])

    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 1)
    assert sequencer.heads.safe == follower.heads.safe
    assert [len(block.transactions) for block in rollup.blocks(follower, [1])] == [1]


async def test_more_transactions_than_the_gas_allows_for_are_not_looked_at(
    rollup: DrivenRollup, caplog: pytest.LogCaptureFixture
) -> None:
    sequencer, follower = await nodes(rollup)
    await rollup.grow(sequencer)
    (first,) = rollup.blocks(sequencer, [1])
    await rollup.l1.mine()

    await rollup.post(
        [replace(singular_batch(first), transactions=(b"\x02",) * (first.header.gas_limit // 21_000 + 1))]
    )

    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 1)
    assert [len(block.transactions) for block in rollup.blocks(follower, [1])] == [1]
    assert "transactions beside the deposits, where the gas allows for" in caplog.text


async def test_l1_that_no_rule_can_read_ends_the_node_with_one_clear_line(
    rollup: DrivenRollup, caplog: pytest.LogCaptureFixture
) -> None:
    sequencer, follower = await nodes(rollup)
    await rollup.grow(sequencer)
    await rollup.send_l1(KEY, PORTAL, TRANSACTION_DEPOSITED_TOPIC)
    await rollup.l1.mine()
    rollup.clock.advance(1)

    for node in (sequencer, follower):
        ended, _ = await asyncio.wait(node.tasks, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            assert isinstance(task.exception(), Critical)
    lines = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert lines
    for line in lines:
        assert "malformed deposit in log 0 of L1 block 1" in line.getMessage()
        assert line.exc_info is None


async def test_finalized_follows_l1s_finalized_block(rollup: DrivenRollup) -> None:
    sequencer, follower = await nodes(rollup)
    await rollup.l1.mine()
    await rollup.grow(sequencer, 2)
    posted = await rollup.post(rollup.blocks(sequencer, range(1, 3)))
    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 2)
    assert follower.heads.finalized.number == 0

    while rollup.l1.finalized_id().number < posted.number:
        await rollup.l1.mine()

    await until(lambda: sequencer.heads.finalized.number == follower.heads.finalized.number == 2)


async def test_a_restart_goes_on_where_the_node_was(rollup: DrivenRollup) -> None:
    sequencer, follower = await nodes(rollup)
    await rollup.l1.mine()
    await rollup.grow(sequencer, 4)
    await rollup.post(rollup.blocks(sequencer, range(1, 3)))
    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 2)
    before, unposted = sequencer.heads.unsafe, rollup.blocks(sequencer, range(3, 5))
    for node in (sequencer, follower):
        await node.stop()

    await rollup.post(unposted)
    sequencer, follower = await nodes(rollup)

    assert sequencer.heads.unsafe == before
    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 4)
    assert sequencer.heads.safe == follower.heads.safe
