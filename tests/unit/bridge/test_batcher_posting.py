"""The batcher against scripted chains: every L2 block becomes safe by what was posted, whatever goes wrong."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_chains import BATCHER_KEY, INBOX, LEGACY, Refusal, ScriptedL1, ScriptedL2

from phal2.bridge.batcher import Batcher, BatcherSettings
from phal2.bridge.batcher.errors import BatcherError
from phal2.bridge.batcher.inbox_sender import call_data_gas
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.frames import parse_batcher_data
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import DynamicFeeTransaction

SETTINGS = BatcherSettings(poll_interval_seconds=0.001, lost_channel_blocks=4)


class Rig:
    """Both chains, and a batcher whose clock stands still until a test moves it."""

    def __init__(self, batcher_settings: BatcherSettings) -> None:
        self.l1 = ScriptedL1()
        self.l2 = ScriptedL2(self.l1)
        self.settings = batcher_settings
        self.now = 0.0

    async def start(self) -> None:
        await self.l1.start()
        await self.l2.start()
        self.l1_client = L1Client(self.l1.url)
        self.l2_client = JsonRpcClient(self.l2.url)
        self.restart()

    async def stop(self) -> None:
        await self.l1_client.close()
        await self.l2_client.close()
        await self.l1.stop()
        await self.l2.stop()

    def restart(self) -> None:
        """Replace the batcher by a new one, which knows nothing."""
        self.batcher = Batcher(
            self.l1_client, self.l2_client, self.l2.config, BATCHER_KEY, self.settings, clock=lambda: self.now
        )

    async def step(self, count: int = 1) -> None:
        for _ in range(count):
            await self.batcher.step()

    async def turn(self, count: int = 1) -> None:
        """The batcher steps, L1 mines what it has, the L2 node derives."""
        for _ in range(count):
            await self.step()
            self.l1.mine()
            self.l2.derive()

    def posted_data(self) -> list[bytes]:
        return [transaction.transaction.data for transaction in self.l1.sent]


@asynccontextmanager
async def running(batcher_settings: BatcherSettings = SETTINGS) -> AsyncIterator[Rig]:
    rig = Rig(batcher_settings)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.stop()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


def typed_transaction(data: bytes) -> bytes:
    return encode_transaction(DynamicFeeTransaction(20350, 0, 1, 2, 90_000, b"\x0a" * 20, 0, data, (), 0, 1, 1))


def incompressible(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - test data


# The ordinary course.


async def test_posted_blocks_become_safe_with_their_transactions(rig: Rig) -> None:
    rig.l2.add_block()
    rig.l2.add_block((LEGACY, typed_transaction(b"\x01")))
    rig.l2.add_block((typed_transaction(b""),))

    await rig.turn(3)

    assert rig.l2.safe == 3
    assert rig.l2.batches[1].transactions == (LEGACY, typed_transaction(b"\x01"))
    assert len(rig.l1.sent) == 1


async def test_batcher_transactions_go_to_the_inbox_with_exactly_the_gas_that_they_need(rig: Rig) -> None:
    rig.l2.add_block((typed_transaction(b"\x00\x01"),))

    await rig.turn(2)

    sent = rig.l1.sent[0].transaction
    assert (sent.to, sent.value, sent.chain_id) == (INBOX, 0, 31337)
    assert sent.gas_limit == call_data_gas(sent.data)
    assert sent.max_fee_per_gas == 3 * 10**9


@pytest.mark.parametrize(
    ("data", "gas"), [(b"", 21_000), (b"\x00", 21_010), (b"\x01", 21_040), (b"\x00\x05" * 3, 21_150)]
)
def test_gas_of_call_data_is_the_floor(data: bytes, gas: int) -> None:
    assert call_data_gas(data) == gas


async def test_a_channel_stays_open_until_l1_has_moved_on(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step(3)
    assert rig.l1.sent == []

    rig.l1.mine()
    rig.l2.add_block()
    await rig.step()

    assert len(rig.l1.sent) == 1
    rig.l1.mine()
    rig.l2.derive()
    assert rig.l2.safe == 2


async def test_a_full_channel_is_closed_at_once() -> None:
    async with running(replace(SETTINGS, channel_bytes=1_000)) as rig:
        rig.l2.add_block((typed_transaction(incompressible(1_200)),))
        rig.l2.add_block()

        await rig.step()

        assert len(rig.l1.sent) == 1
        await rig.turn(2)
        assert rig.l2.safe == 2


async def test_a_large_channel_goes_out_in_frames_in_the_order_of_nonces() -> None:
    async with running(replace(SETTINGS, transaction_bytes=1_000)) as rig:
        rig.l2.add_block((typed_transaction(incompressible(4_000)),))

        await rig.turn(3)

        frames = [frame for data in rig.posted_data() for frame in parse_batcher_data(data)]
        assert [frame.number for frame in frames] == list(range(len(frames)))
        assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]
        assert max(len(data) for data in rig.posted_data()) == 1_000
        assert [transaction.transaction.nonce for transaction in rig.l1.sent] == list(range(len(frames)))
        assert rig.l2.safe == 1


async def test_no_more_blocks_are_read_while_enough_is_in_flight() -> None:
    limited = replace(SETTINGS, transactions_in_flight=2, channel_bytes=1_000)
    async with running(limited) as rig:
        for seed in range(5):
            rig.l2.add_block((typed_transaction(incompressible(1_200, seed)),))

        await rig.step(4)
        assert len(rig.l1.pool) == 2

        await rig.turn(4)
        assert rig.l2.safe == 5


async def test_highly_compressible_blocks_share_a_channel(rig: Rig) -> None:
    for _ in range(40):
        rig.l2.add_block((typed_transaction(bytes(10_000)),))

    await rig.turn(3)

    assert rig.l2.safe == 40
    assert len(rig.l1.sent) == 1


# Beginning.


async def test_a_new_batcher_goes_on_after_the_safe_head_without_doubles(rig: Rig) -> None:
    for _ in range(3):
        rig.l2.add_block()
    await rig.turn(2)
    rig.restart()
    rig.l2.add_block()

    await rig.turn(3)

    assert rig.l2.safe == 4
    assert [batch.timestamp for batch in rig.l2.batches] == [block.header.timestamp for block in rig.l2.blocks[1:]]
    assert len(rig.l1.sent) == 2


async def test_a_new_batcher_waits_until_derivation_has_read_what_was_posted(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.l1.mine()
    rig.restart()

    await rig.step(3)
    assert rig.batcher.read_to is None

    rig.l2.derive()
    await rig.step()
    assert rig.batcher.read_to == rig.l2.head
    assert len(rig.l1.sent) == 1


async def test_a_new_batcher_waits_for_transactions_of_the_one_before(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    assert len(rig.l1.pool) == 1
    rig.restart()
    rig.l2.derive()

    await rig.step(2)
    assert rig.batcher.read_to is None

    await rig.turn(3)
    assert rig.l2.safe == 1
    assert len(rig.l1.sent) == 1


async def test_transactions_of_the_batcher_before_that_stay_stuck_are_replaced(rig: Rig) -> None:
    rig.l2.add_block()
    await rig.step()
    rig.l1.mine()
    await rig.step()
    rig.restart()
    rig.l2.derive()
    await rig.step()
    rig.now += SETTINGS.settle_seconds

    # The first attempt is refused as underpriced, the second pays more.
    await rig.step()
    rig.l1.mine(include=False)
    rig.l2.derive()
    with pytest.raises(EndpointError, match="underpriced"):
        await rig.step()
    await rig.step()
    rig.l1.mine()
    rig.l2.derive()

    assert rig.l2.safe == 1
    assert [transaction.transaction.nonce for transaction in rig.l1.sent] == [0, 0]


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
    async def play() -> None:
        async with running(replace(SETTINGS, transaction_bytes=1_000)) as rig:
            for index, move in enumerate(moves):
                await make_move(rig, move, index)
            rig.l1.failures = rig.l2.failures = 0
            for _ in range(3):
                rig.now += SETTINGS.settle_seconds
                await settle(rig)
            assert rig.l2.safe == len(rig.l2.blocks) - 1

    asyncio.run(play())


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
    async with asyncio.timeout(10):
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
