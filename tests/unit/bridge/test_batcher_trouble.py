"""The batcher against scripted chains: every L2 block becomes safe in the end, whatever goes wrong."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest
from batcher_rig import SETTINGS, Rig, incompressible, running, typed_transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_chains import Refusal

from phal2.bridge.batcher import BatcherSettings, DataAvailability
from phal2.bridge.batcher.errors import BatcherError
from phal2.node.l1.errors import EndpointError

# Trouble on L1.


async def test_a_stuck_transaction_is_sent_again_with_higher_fees(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.mine(include=False)
    await rig.step()
    assert len(rig.l1.sent) == 1

    rig.now += SETTINGS.resubmission_seconds
    await rig.step()

    first, second = (sent.transaction for sent in rig.l1.sent)
    assert (second.nonce, second.data) == (first.nonce, first.data)
    assert second.max_fee_per_gas * 10 >= first.max_fee_per_gas * 11
    assert second.max_priority_fee_per_gas * 10 >= first.max_priority_fee_per_gas * 11
    rig.l1.mine()
    rig.l2.derive()
    await rig.turn(2)
    assert rig.l2.safe == 1
    assert len(rig.l1.sent) == 2


async def test_fees_never_rise_above_the_limit() -> None:
    async with running(replace(SETTINGS, fee_limit=3_200_000_000)) as rig:
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        for _ in range(4):
            await rig.step()
            rig.now += SETTINGS.resubmission_seconds

        assert [sent.transaction.max_fee_per_gas for sent in rig.l1.sent] == [3_000_000_000]
        rig.l1.mine()
        rig.l2.derive()
        assert rig.l2.safe == 1


async def test_a_stuck_transaction_gets_what_the_limit_allows_where_the_market_asks_for_more() -> None:
    async with running(replace(SETTINGS, fee_limit=10 * 10**9)) as rig:
        # given: a transaction of 3 gwei, and a base fee of which twice as much is beyond the limit
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        await rig.step()
        rig.l1.base_fee = 6 * 10**9
        rig.l1.mine(include=False)
        # when
        rig.now += SETTINGS.resubmission_seconds
        await rig.step()
        # then
        assert [sent.transaction.max_fee_per_gas for sent in rig.l1.sent] == [3 * 10**9, 10 * 10**9]
        rig.l1.mine()
        rig.l2.derive()
        assert rig.l2.safe == 1


async def test_an_endpoint_that_suggests_absurd_tips_does_not_empty_the_account() -> None:
    async with running(replace(SETTINGS, priority_fee_limit=2 * 10**9)) as rig:
        rig.l1.priority_fee = 10**15
        rig.l2.add_block()
        await rig.turn(3)

        assert [sent.transaction.max_priority_fee_per_gas for sent in rig.l1.sent] == [2 * 10**9]
        assert rig.l2.safe == 1


async def test_a_refused_transaction_is_sent_again_as_it_was(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    rig.l1.refuse_send = Refusal(-32000, "insufficient funds for gas * price + value")
    for _ in range(2):
        with pytest.raises(EndpointError, match="insufficient funds"):
            await rig.step()

    rig.l1.refuse_send = None
    await rig.turn()

    assert rig.l2.safe == 1
    assert len(rig.l1.sent) == 1


async def test_a_transaction_that_l1_already_knows_counts_as_sent(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    rig.l1.refuse_send = Refusal(-32000, "already known")

    await rig.step(2)

    assert len(rig.l1.sent) == 0


@pytest.mark.parametrize("failures", range(1, 6))
async def test_an_endpoint_that_fails_between_two_requests_loses_nothing(rig: Rig, failures: int) -> None:
    for number in range(6):
        rig.l2.add_block()
        if number % 2:
            rig.l1.failures = failures
        for _ in range(failures + 1):
            try:
                await rig.turn()
            except EndpointError:
                continue

    await rig.turn(4)
    assert rig.l2.safe == 6


async def test_a_foreign_transaction_with_the_same_nonce_makes_it_begin_again(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.pool.clear()
    rig.l1.nonce += 1

    await rig.turn(5)

    assert rig.l2.safe == 1
    assert rig.l1.sent[-1].transaction.nonce == 1


async def test_transactions_that_a_reorg_of_l1_removed_are_posted_again(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.drop_blocks(1)

    rig.l1.mine()
    await rig.step()
    rig.now += SETTINGS.resubmission_seconds + 1
    rig.l2.derive()
    await rig.turn(5)

    assert rig.l2.safe == 1


async def test_a_channel_that_derivation_did_not_take_is_posted_again(rig: Rig) -> None:
    rig.l2.add_block()
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.mine()
    rig.l2.ignored_l1.add(rig.l1.head.number)

    await rig.turn(SETTINGS.lost_channel_blocks + 4)

    assert rig.l2.safe == 2
    assert len(rig.l1.sent) == 2


# Trouble on L2.


async def test_a_reorg_of_unsafe_blocks_is_followed(rig: Rig) -> None:
    for _ in range(4):
        rig.l2.add_block()
    await rig.step()
    rig.l2.drop_unsafe(2)
    rig.l2.add_block(fork=b"other")
    rig.l2.add_block(fork=b"other")
    rig.l2.add_block(fork=b"other")

    await rig.turn(5)

    assert rig.l2.safe == 5


async def test_an_l2_head_that_went_back_is_followed(rig: Rig) -> None:
    for _ in range(4):
        rig.l2.add_block()
    await rig.step()
    rig.l2.drop_unsafe(3)

    await rig.turn(4)
    rig.l2.add_block(fork=b"other")
    await rig.turn(3)

    assert rig.l2.safe == 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("bbbbtmdsrlLRf"), max_size=40))
def test_whatever_happens_all_blocks_become_safe_in_the_end(moves: list[str]) -> None:
    play(moves, replace(SETTINGS, transaction_bytes=1_000))


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from("bbbtttmdsprlLRRf"), max_size=24))
def test_so_they_do_while_prices_make_it_change_between_blobs_and_call_data(moves: list[str]) -> None:
    play(moves, replace(SETTINGS, data_availability=DataAvailability.AUTO))


def play(moves: list[str], batcher_settings: BatcherSettings) -> None:
    """Make the moves, and let everything go its way until all blocks are safe."""

    async def play_now() -> None:
        async with running(batcher_settings) as rig:
            for index, move in enumerate(moves):
                await make_move(rig, move, index)
            rig.l1.failures = rig.l2.failures = 0
            for _ in range(6):
                rig.now += SETTINGS.settle_seconds
                await settle(rig)
            assert rig.l2.safe == len(rig.l2.blocks) - 1

    asyncio.run(play_now())


async def make_move(rig: Rig, move: str, index: int) -> None:
    if move == "b":
        rig.l2.add_block((typed_transaction(incompressible(300 * (index % 5), index)),), fork=bytes([index]))
    elif move == "t":
        await settle(rig, range(2))
    elif move == "m":
        rig.l1.mine()
    elif move == "d":
        rig.l2.derive()
    elif move == "s":
        rig.now += SETTINGS.resubmission_seconds
        await settle(rig, range(1), mine=False)
    elif move == "p":
        rig.l1.blob_base_fee = 1 if rig.l1.blob_base_fee != 1 else 10**15
    elif move == "r":
        rig.l2.drop_unsafe(2)
    elif move == "R":
        rig.restart()
    elif move == "f":
        rig.l1.failures = rig.l2.failures = 1
    else:
        rig.l1.mine(include=False)
        rig.l2.ignored_l1.add(rig.l1.head.number + (move == "L"))


async def settle(rig: Rig, steps: Iterable[int] = range(30), mine: bool = True) -> None:
    """Let everything go its way, for some steps or until all blocks are safe."""
    for _ in steps:
        if rig.l2.safe == len(rig.l2.blocks) - 1:
            return
        try:
            await rig.step()
        except EndpointError:
            continue
        if mine:
            rig.l1.mine()
            rig.l2.derive()


# The loop.


async def test_run_goes_on_after_failures_and_ends_when_cancelled(rig: Rig) -> None:
    rig.l2.add_block()
    rig.l1.failures = rig.l2.failures = 2
    task = asyncio.create_task(rig.batcher.run())
    async with asyncio.timeout(60):
        while rig.l2.safe < 1:
            rig.l1.mine()
            rig.l2.derive()
            await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "wrong",
    [
        {"poll_interval_seconds": 0},
        {"channel_duration": 0},
        {"transactions_in_flight": 0},
        {"transaction_bytes": 131_073},
        {"channel_bytes": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BatcherError):
        BatcherSettings(**wrong)
