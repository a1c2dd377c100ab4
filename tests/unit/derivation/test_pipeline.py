"""The whole pipeline on fabricated chains, example by example."""

import zlib
from dataclasses import replace

import pytest
from rollup_world import (
    BATCHER_KEY,
    OTHER_BATCHER_KEY,
    STRANGER_KEY,
    TRANSFER,
    World,
    apply,
    blob_transaction,
    channel,
    config_log,
    deposit_log,
    derive,
    genesis_ref,
    l1_block,
    signed,
    signed_legacy,
)

from phal2.node.derivation.attributes import deposits_only
from phal2.node.derivation.errors import Critical, Reset, Temporary
from phal2.node.protocol import rlp
from phal2.node.protocol.batches import encode_batch
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.deposits import decode_deposit
from phal2.node.protocol.frames import Frame, batcher_transaction_data
from phal2.node.protocol.signatures import address_of_private_key


def refs(blocks: list) -> list[L2BlockRef]:
    return [block.ref for block in blocks]


def world_with_blocks(count: int = 4, **changes: object) -> World:
    world = World(**changes)
    world.mine()
    world.mine()
    for _ in range(count):
        world.sequence([TRANSFER])
    return world


def test_a_posted_chain_is_derived_with_the_same_blocks() -> None:
    world = world_with_blocks()
    world.post(*channel(block.batch for block in world.l2))
    assert refs(world.derive()) == refs(world.l2)


def test_without_batches_nothing_is_derived_before_the_window_ends() -> None:
    world = world_with_blocks()
    for _ in range(9):
        world.mine()
    assert world.derive() == []


def test_a_channel_over_many_frames_transactions_and_l1_blocks_is_derived() -> None:
    world = world_with_blocks()
    for frame in channel((block.batch for block in world.l2), frame_size=100):
        world.post(frame)
    assert refs(world.derive()) == refs(world.l2)


def test_several_batcher_transactions_in_an_l1_block_are_read_in_order() -> None:
    world = world_with_blocks()
    frames = channel((block.batch for block in world.l2), frame_size=150)
    world.mine([signed(BATCHER_KEY, batcher_transaction_data([frame])) for frame in frames])
    assert refs(world.derive()) == refs(world.l2)


def test_a_legacy_batcher_transaction_without_a_chain_id_counts() -> None:
    world = world_with_blocks()
    world.mine([signed_legacy(BATCHER_KEY, batcher_transaction_data(channel(block.batch for block in world.l2)))])
    assert refs(world.derive()) == refs(world.l2)


@pytest.mark.parametrize(
    ("key", "to"), [(STRANGER_KEY, None), (STRANGER_KEY, b"\xff" * 20), (BATCHER_KEY, b"\xff" * 20)]
)
def test_data_of_a_stranger_or_to_another_address_does_not_count(key: bytes, to: bytes | None) -> None:
    world = world_with_blocks()
    data = batcher_transaction_data(channel(block.batch for block in world.l2))
    world.mine([signed(key, data, to) if to else signed(key, data)])
    assert world.derive() == []


def test_one_malformed_frame_drops_all_data_of_its_transaction_and_no_more() -> None:
    world = world_with_blocks()
    data = batcher_transaction_data(channel(block.batch for block in world.l2))
    world.mine([signed(BATCHER_KEY, data + b"\x00"), signed(BATCHER_KEY, b"\x01" + data[1:]), signed(BATCHER_KEY, b"")])
    assert world.derive() == []
    assert [drop.stage for drop in world.dropped] == ["frame_queue"] * 3
    world.mine([signed(BATCHER_KEY, data)])
    assert refs(world.derive()) == refs(world.l2)


def test_a_channel_posted_twice_is_derived_once() -> None:
    world = world_with_blocks()
    frames = channel(block.batch for block in world.l2)
    world.post(*frames)
    world.post(*frames)
    assert refs(world.derive()) == refs(world.l2)
    assert {drop.stage for drop in world.dropped} == {"batch_stage"}


def test_a_channel_that_times_out_is_lost_and_can_be_posted_again() -> None:
    world = World(sequencing_window_size=200)
    world.mine()
    world.sequence([TRANSFER])
    frames = channel([world.l2[0].batch], frame_size=80)
    assert len(frames) > 1
    world.post(frames[0])
    for _ in range(50):
        world.mine()
    world.post(*frames[1:])
    assert world.derive() == []
    world.post(*frames)
    assert refs(world.derive()) == refs(world.l2)


def test_a_channel_may_end_in_the_last_block_before_its_timeout() -> None:
    world = World(sequencing_window_size=200)
    world.mine()
    world.sequence([TRANSFER])
    frames = channel([world.l2[0].batch], frame_size=80)
    world.post(frames[0])
    for _ in range(49):
        world.mine()
    world.post(*frames[1:])
    assert refs(world.derive()) == refs(world.l2)


def test_an_invalid_batch_drops_the_rest_of_its_channel() -> None:
    world = world_with_blocks(6)
    batches = [block.batch for block in world.l2]
    world.post(*channel([*batches[:2], batches[3], batches[2], batches[3]]))
    assert refs(world.derive()) == refs(world.l2[:2])
    world.post(*channel(batches[2:]))
    assert refs(world.derive()) == refs(world.l2)


def test_a_batch_of_an_unknown_version_ends_its_channel_with_a_reason() -> None:
    world = world_with_blocks()
    first, second = (rlp.encode_bytes(encode_batch(block.batch)) for block in world.l2[:2])
    content = first + rlp.encode_bytes(b"\x02future") + second
    world.post(Frame(b"c" * 16, 0, zlib.compress(content), True))
    assert refs(world.derive()) == refs(world.l2[:1])
    assert world.dropped[-1].reason == "batch of version 2, expected 0 (singular) or 1 (span)"


def test_user_deposits_begin_their_epoch() -> None:
    world = World()
    logs = [deposit_log(b"\x01" * 20, b"\x02" * 20, 5, b"hello", mint=7), deposit_log(b"\x03" * 20, b"\x04" * 20, 0)]
    world.mine(logs=logs)
    for _ in range(4):
        world.sequence([TRANSFER])
    world.post(*channel(block.batch for block in world.l2))
    derived = world.derive()
    assert refs(derived) == refs(world.l2)
    first_of_epoch = next(block for block in derived if block.ref.l1_origin.number == 101)
    deposits = [decode_deposit(raw) for raw in first_of_epoch.attributes.transactions[1:-1]]
    assert [(deposit.mint, deposit.value, deposit.data) for deposit in deposits] == [(7, 5, b"hello"), (0, 0, b"")]
    assert all(len(block.attributes.transactions) == 2 for block in derived if block is not first_of_epoch)


def test_a_system_config_update_takes_effect_in_the_first_block_of_its_epoch() -> None:
    world = World()
    world.mine(logs=[config_log(2, (40_000_000).to_bytes(32, "big"))])
    for _ in range(4):
        world.sequence()
    world.post(*channel(block.batch for block in world.l2))
    derived = world.derive()
    assert refs(derived) == refs(world.l2)
    assert [block.attributes.gas_limit for block in derived] == [30_000_000] + [40_000_000] * 3


def test_another_batcher_may_post_from_the_l1_block_of_the_change_on() -> None:
    world = world_with_blocks()
    data = batcher_transaction_data(channel(block.batch for block in world.l2))
    change = config_log(0, address_of_private_key(OTHER_BATCHER_KEY).rjust(32, b"\x00"))
    world.mine([signed(BATCHER_KEY, data)], logs=[change])
    assert world.derive() == []
    world.mine([signed(OTHER_BATCHER_KEY, data)])
    assert refs(world.derive()) == refs(world.l2)


def test_empty_blocks_are_forced_when_the_window_ends() -> None:
    world = World(sequencing_window_size=5)
    world.mine(logs=[deposit_log(b"\x01" * 20, b"\x02" * 20, 5)])
    for _ in range(8):
        world.mine()
    derived = world.derive()
    # Epochs 100 to 104 have run out at L1 block 109; each has the blocks up to the next L1 block's time.
    assert [block.ref.l1_origin.number for block in derived] == [100, 101, 101, 102, 102, 103, 103, 104, 104]
    assert all(block.derived_from == block.ref.l1_origin.number + 5 for block in derived)
    assert [len(block.attributes.transactions) for block in derived] == [1, 2, *[1] * 7]


def test_an_epoch_that_l2_time_has_passed_still_gets_one_forced_block() -> None:
    world = World(sequencing_window_size=3, block_time=6)
    for _ in range(8):
        world.mine()
    derived = world.derive()
    assert [block.ref.l1_origin.number for block in derived] == [101, 102, 103, 104, 105]
    assert [block.ref.timestamp - world.config.l2_genesis_time for block in derived] == [6, 12, 18, 24, 30]


def test_a_batch_in_the_last_block_of_the_window_still_counts() -> None:
    world = World(sequencing_window_size=5)
    world.sequence([TRANSFER])
    for _ in range(4):
        world.mine()
    world.post(*channel([world.l2[0].batch]))
    assert refs(world.derive()) == refs(world.l2)


def test_a_batch_after_the_window_is_too_late() -> None:
    world = World(sequencing_window_size=5)
    world.sequence([TRANSFER])
    for _ in range(5):
        world.mine()
    world.post(*channel([world.l2[0].batch]))
    derived = world.derive()
    assert derived[0].ref.timestamp == world.l2[0].ref.timestamp
    assert len(derived[0].attributes.transactions) == 1


def test_a_late_l1_block_lets_only_empty_blocks_run_beyond_the_drift() -> None:
    world = World(block_time=600)
    for transactions in ([TRANSFER], [TRANSFER], [TRANSFER], [], []):
        world.sequence(transactions, world.l1[0])
    world.mine(seconds=3600)
    world.post(*channel(block.batch for block in world.l2))
    assert refs(world.derive()) == refs(world.l2)


def test_transactions_beyond_the_drift_are_dropped() -> None:
    world = World(block_time=600)
    for transactions in ([TRANSFER], [TRANSFER], [TRANSFER], [TRANSFER], []):
        world.sequence(transactions, world.l1[0])
    world.mine(seconds=3600)
    world.post(*channel(block.batch for block in world.l2))
    assert refs(world.derive()) == refs(world.l2[:3])


def test_empty_blocks_beyond_the_drift_are_dropped_where_the_next_origin_could_be_adopted() -> None:
    world = World(block_time=600)
    for _ in range(6):
        world.sequence([], world.l1[0])
    world.mine(seconds=3000)
    world.post(*channel(block.batch for block in world.l2))
    assert refs(world.derive()) == refs(world.l2[:4])


def test_asked_again_with_the_same_safe_head_the_answer_is_the_same() -> None:
    world = world_with_blocks()
    world.post(*channel(block.batch for block in world.l2))
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    head = genesis_ref(world.config)
    first = pipeline.next_attributes(head)
    assert first is not None
    assert pipeline.next_attributes(head) is first
    second = pipeline.next_attributes(apply(first))
    assert second is not None
    assert apply(second) == world.l2[1].ref


def test_a_rejected_payload_is_replaced_by_its_deposits_and_drops_its_channel() -> None:
    world = world_with_blocks()
    world.post(*channel(block.batch for block in world.l2))
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    rejected = pipeline.next_attributes(genesis_ref(world.config))
    assert rejected is not None
    replacement = pipeline.reject_payload()
    assert replacement.attributes == deposits_only(rejected.attributes)
    assert replacement.attributes.transactions == rejected.attributes.transactions[:1]
    assert pipeline.next_attributes(genesis_ref(world.config)) is replacement
    assert pipeline.next_attributes(apply(replacement)) is None


def test_after_a_rejected_payload_a_new_channel_goes_on() -> None:
    world = world_with_blocks(1)
    world.post(*channel([world.l2[0].batch]))
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    assert pipeline.next_attributes(genesis_ref(world.config)) is not None
    head = apply(pipeline.reject_payload())
    batch = world.sequence([TRANSFER]).batch
    world.post(*channel([replace(batch, parent_hash=head.hash)]))
    derived = derive(pipeline, head, world.l1[-1:])
    assert [block.attributes.transactions[-1] for block in derived] == [TRANSFER]


def test_deposits_that_make_no_valid_block_are_critical() -> None:
    world = world_with_blocks(1)
    world.post(*channel([world.l2[0].batch]))
    pipeline = world.pipeline()
    with pytest.raises(Critical):
        pipeline.reject_payload()
    for block in world.l1:
        pipeline.add_l1_block(block)
    pipeline.next_attributes(genesis_ref(world.config))
    pipeline.reject_payload()
    with pytest.raises(Critical, match="make no valid block"):
        pipeline.reject_payload()


def test_an_l1_block_that_does_not_extend_the_last_is_a_reset() -> None:
    world = world_with_blocks()
    pipeline = world.pipeline()
    pipeline.add_l1_block(world.l1[0])
    pipeline.add_l1_block(world.l1[1])
    with pytest.raises(Reset, match="does not extend"):
        pipeline.add_l1_block(l1_block(world.l1[0], world.l1[1].header.timestamp, salt=b"reorganised"))
    with pytest.raises(Reset, match="does not extend"):
        pipeline.add_l1_block(world.l1[1])
    pipeline.add_l1_block(world.l1[2])


def test_blobs_are_asked_for_by_the_batcher_of_their_l1_block_and_must_come_with_it() -> None:
    world = world_with_blocks()
    blobs: dict[bytes, bytes] = {}
    data = batcher_transaction_data(channel(block.batch for block in world.l2))
    change = config_log(0, address_of_private_key(OTHER_BATCHER_KEY).rjust(32, b"\x00"))
    transactions = [blob_transaction(key, [data], blobs) for key in (BATCHER_KEY, OTHER_BATCHER_KEY)]
    world.mine(transactions, [change], blobs=blobs)
    pipeline = world.pipeline()
    for block in world.l1[:-1]:
        pipeline.add_l1_block(block)
    assert pipeline.needed_blobs(world.l1[-1]) == tuple(blobs)
    with pytest.raises(Temporary, match="without 1 of its batcher's blobs"):
        pipeline.add_l1_block(replace(world.l1[-1], blobs={}))
    assert refs(derive(pipeline, genesis_ref(world.config), world.l1[-1:])) == refs(world.l2)


def test_no_blobs_are_asked_for_a_block_that_does_not_extend_the_last() -> None:
    world = world_with_blocks()
    pipeline = world.pipeline()
    pipeline.add_l1_block(world.l1[0])
    with pytest.raises(Reset, match="does not extend"):
        pipeline.needed_blobs(world.l1[2])


def test_an_l1_chain_without_the_safe_heads_origin_is_a_reset() -> None:
    world = world_with_blocks()
    other = l1_block(None, world.config.l2_genesis_time, salt=b"other")
    pipeline = world.pipeline()
    pipeline.add_l1_block(other)
    with pytest.raises(Reset, match="start from the common ancestor"):
        pipeline.next_attributes(genesis_ref(world.config))


def test_a_first_l1_block_after_the_safe_heads_origin_is_a_reset() -> None:
    world = world_with_blocks()
    with pytest.raises(Reset, match="start at or before"):
        world.pipeline().add_l1_block(world.l1[1])


def test_a_safe_head_that_does_not_follow_is_a_reset() -> None:
    world = world_with_blocks()
    pipeline = world.pipeline()
    pipeline.add_l1_block(world.l1[0])
    pipeline.next_attributes(genesis_ref(world.config))
    with pytest.raises(Reset, match="does not extend"):
        pipeline.next_attributes(world.l2[1].ref)


def test_old_epochs_are_forgotten() -> None:
    world = World(sequencing_window_size=3)
    for _ in range(60):
        world.mine()
    pipeline = world.pipeline()
    derive(pipeline, genesis_ref(world.config), world.l1)
    assert len(pipeline._traversal._epochs) <= 5
