"""The batcher against scripted chains: what it posts in the ordinary course, and where it begins."""

from dataclasses import replace

import pytest
from batcher_rig import SETTINGS, Rig, incompressible, running, typed_transaction
from scripted_chains import INBOX, LEGACY

from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.frames import parse_batcher_data
from phal2.node.protocol.intrinsic_gas import floor_gas

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
    assert sent.gas_limit == floor_gas(sent.data)
    assert sent.max_fee_per_gas == 3 * 10**9


@pytest.mark.parametrize(
    ("data", "gas"), [(b"", 21_000), (b"\x00", 21_010), (b"\x01", 21_040), (b"\x00\x05" * 3, 21_150)]
)
def test_gas_of_call_data_is_the_floor(data: bytes, gas: int) -> None:
    assert floor_gas(data) == gas


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
