"""Span batches in the pipeline, rule by rule: as a whole, and then block by block."""

from dataclasses import replace

import pytest
from rollup_world import SPAN_TERMS, TRANSFER, World, apply, channel, genesis_ref, span_of

from phal2.node.protocol import rlp
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.span_batches import SpanBatch, encode_span_batch


def refs(blocks: list) -> list[L2BlockRef]:
    return [block.ref for block in blocks]


def world_with_blocks(count: int = 6, **changes: object) -> World:
    """Return a world of `count` L2 blocks, some empty, over several L1 origins, of which nothing is posted yet."""
    world = World(**changes)
    for _ in range(count // 2 + 2):
        world.mine()
    for index in range(count):
        world.sequence([TRANSFER] * (index % 3))
    return world


def reasons(world: World) -> list[str]:
    return [drop.reason for drop in world.dropped]


@pytest.mark.parametrize("compression", Compression)
def test_a_span_batch_is_derived_as_the_blocks_it_holds(compression: Compression) -> None:
    world = world_with_blocks()
    world.post(*channel([span_of(world.l2)], compression=compression))
    derived = world.derive()
    assert [(block.ref, block.attributes) for block in derived] == [(block.ref, block.attributes) for block in world.l2]
    assert world.dropped == []


def test_span_and_singular_batches_follow_one_another_in_one_channel() -> None:
    world = world_with_blocks(9)
    batches = [span_of(world.l2[:3]), world.l2[3].batch, world.l2[4].batch, span_of(world.l2[5:8]), world.l2[8].batch]
    world.post(*channel(batches))
    assert refs(world.derive()) == refs(world.l2)


def test_a_span_batch_over_many_frames_and_l1_blocks_is_derived() -> None:
    world = world_with_blocks()
    for frame in channel([span_of(world.l2)], frame_size=60):
        world.post(frame)
    assert refs(world.derive()) == refs(world.l2)


def test_what_overlaps_the_safe_chain_is_passed_over() -> None:
    world = world_with_blocks(8)
    world.post(*channel([span_of(world.l2[:3])]))
    world.post(*channel([span_of(world.l2[:5])]))
    world.post(*channel([span_of(world.l2[4:6]), span_of(world.l2[5:])]))
    assert refs(world.derive()) == refs(world.l2)
    assert world.dropped == []


def test_a_span_batch_without_new_blocks_is_past_and_its_channel_goes_on() -> None:
    world = world_with_blocks()
    world.post(*channel([span_of(world.l2[:3])]))
    world.post(*channel([span_of(world.l2[1:3]), span_of(world.l2[3:])]))
    assert refs(world.derive()) == refs(world.l2)
    assert ["before the next block's" in reason for reason in reasons(world)] == [True]


def changed(world: World, **changes: object) -> list[SpanBatch]:
    return [replace(span_of(world.l2), **changes), span_of(world.l2)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": SPAN_TERMS.genesis_time + 2}, "beyond the next block's time"),
        ({"parent_check": bytes(20)}, "span batch on 0x00"),
        ({"l1_origin_check": bytes(20)}, "is not L1 block"),
        ({"origin_bits": b"\x3f"}, "is before its parent's"),
        ({"origin_bits": b"\x00"}, "more than one after its parent's"),
    ],
)
def test_a_span_batch_that_breaks_a_rule_is_dropped_with_its_channel(changes: dict, reason: str) -> None:
    world = world_with_blocks()
    world.post(*channel(changed(world, **changes)))
    assert world.derive() == []
    assert [reason in text for text in reasons(world)] == [True]
    world.post(*channel([span_of(world.l2)]))
    assert refs(world.derive()) == refs(world.l2)


def test_a_time_between_two_blocks_is_dropped() -> None:
    world = World(block_time=2)
    world.mine()
    for _ in range(4):
        world.sequence([TRANSFER])
    terms = replace(SPAN_TERMS, block_time=2)
    world.post(*channel([span_of(world.l2[:2])], terms=terms))
    for shift in (-1, 1):
        odd = replace(span_of(world.l2[2:]), timestamp=world.l2[2].ref.timestamp + shift)
        world.post(*channel([odd], terms=terms))
    assert refs(world.derive()) == refs(world.l2[:2])
    assert "which is no block's time" in reasons(world)[0]


@pytest.mark.parametrize(("epoch_number", "origin_bits"), [(99, b"\x00"), (103, b"\x0e"), (104, b"\x1e")])
def test_a_last_epoch_that_is_not_known_leaves_out_the_batch_alone(epoch_number: int, origin_bits: bytes) -> None:
    world = World()
    world.mine()
    for _ in range(5):
        world.sequence([TRANSFER], world.l1[0])
    unknown = replace(span_of(world.l2), last_epoch_number=epoch_number, origin_bits=origin_bits)
    world.post(*channel([unknown, span_of(world.l2)]))
    assert refs(world.derive()) == refs(world.l2)
    assert "is not between the safe head's, 100, and the present L1 block 102" in reasons(world)[0]


@pytest.mark.parametrize(
    ("epoch_number", "reason"),
    [(0, "blocks after its first epoch 0"), (2**64 - 1, "more than one after its parent's"), (102, "more than one")],
)
def test_a_first_epoch_far_from_the_parents_is_dropped(epoch_number: int, reason: str) -> None:
    world = World()
    world.mine()
    for _ in range(5):
        world.sequence([TRANSFER], world.l1[0])
    far = replace(span_of(world.l2), last_epoch_number=epoch_number, origin_bits=b"\x00")
    world.post(*channel([far, span_of(world.l2)]))
    assert world.derive() == []
    assert [reason in text for text in reasons(world)] == [True]


def test_the_window_is_counted_from_the_first_epoch() -> None:
    world = World(sequencing_window_size=5)
    for _ in range(2):
        world.mine()
    for _ in range(4):
        world.sequence([TRANSFER])
    for _ in range(3):
        world.mine()
    world.post(*channel([span_of(world.l2)]))
    assert world.l1[-1].header.number == 106
    derived = world.derive()
    assert "more than 5 blocks after its first epoch 100" in reasons(world)[0]
    assert [len(block.attributes.transactions) for block in derived] == [1, 1, 1]


def test_a_span_batch_that_says_otherwise_of_safe_blocks_is_dropped_whole() -> None:
    world = world_with_blocks()
    world.post(*channel([span_of(world.l2[:3])]))
    honest = span_of(world.l2)
    assert honest.transactions == (TRANSFER,) * 6
    other = TRANSFER[:-1] + b"\x04"
    for lie, reason in (
        (replace(honest, transactions=(other, *honest.transactions[1:])), "other transactions for block 2"),
        (replace(honest, transaction_counts=bytes([1, 0, 2, 0, 1, 2])), "other transactions for block 1"),
        (replace(honest, origin_bits=bytes([honest.origin_bits[0] ^ 0b000110])), "another L1 origin for block"),
    ):
        world.dropped.clear()
        world.post(*channel([lie, honest]))
        assert refs(world.derive()) == refs(world.l2[:3])
        assert reason in reasons(world)[-1]
    world.post(*channel([honest]))
    assert refs(world.derive()) == refs(world.l2)


def test_the_valid_beginning_of_a_span_batch_counts_and_the_rest_goes_with_its_channel() -> None:
    """The fourth block is beyond the sequencer drift with a transaction."""
    world = World(block_time=600)
    for _ in range(5):
        world.sequence([TRANSFER], world.l1[0])
    world.mine(seconds=3600)
    terms = replace(SPAN_TERMS, block_time=600)
    world.post(*channel([span_of(world.l2), world.l2[3].batch], terms=terms))
    assert refs(world.derive()) == refs(world.l2[:3])
    assert len(world.dropped) == 1
    assert "sequencer drift" in reasons(world)[0]


def test_a_block_before_its_origin_ends_the_span_batch() -> None:
    world = World()
    world.mine(seconds=100)
    for _ in range(4):
        world.sequence([TRANSFER], world.l1[0])
    early = replace(
        span_of(world.l2), origin_bits=b"\x04", last_epoch_number=101, l1_origin_check=world.l1[1].hash[:20]
    )
    world.post(*channel([early]))
    assert refs(world.derive()) == refs(world.l2[:2])
    assert "before its L1 origin's" in reasons(world)[0]


PAYLOAD = b"\x02" + rlp.encode([b"\x05", b"\x01", b"\x09", b"", []])
"""Of `TRANSFER`, as a span batch holds it."""


@pytest.mark.parametrize(
    ("payload", "derived"),
    [
        (b"\x03" + PAYLOAD[1:], 3),
        (PAYLOAD[:1] + b"\xc5\x00" + PAYLOAD[3:], 3),
        (PAYLOAD[:1] + b"\x85" + PAYLOAD[2:], 0),
    ],
    ids=["blob", "leading-zero", "no-list"],
)
def test_unusable_transactions_leave_out_the_span_batch_alone_and_malformed_columns_end_the_channel(
    payload: bytes, derived: int
) -> None:
    world = world_with_blocks(3)
    honest = encode_span_batch(span_of(world.l2), SPAN_TERMS)
    broken = honest.replace(PAYLOAD, payload)
    assert broken != honest
    writer = ChannelWriter(b"c" * 16, 1000)
    for batch in (broken, honest):
        writer.add_encoded_batch(batch)
    world.post(*writer.close())
    assert refs(world.derive()) == refs(world.l2[:derived])
    assert [drop.stage for drop in world.dropped] == ["channel_reader"]


def test_a_span_batch_from_genesis_on_is_left_out_alone() -> None:
    world = world_with_blocks(3)
    honest = span_of(world.l2)
    world.post(*channel([replace(honest, timestamp=SPAN_TERMS.genesis_time), honest]))
    assert refs(world.derive()) == refs(world.l2)
    assert "not after genesis" in reasons(world)[0]


def test_a_rejected_payload_drops_the_rest_of_its_span_batch_and_channel() -> None:
    world = world_with_blocks()
    world.post(*channel([span_of(world.l2), world.l2[1].batch]))
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    first = pipeline.next_attributes(genesis_ref(world.config))
    assert first is not None
    second = pipeline.next_attributes(apply(first))
    assert second is not None
    assert len(second.attributes.transactions) > 1
    replacement = pipeline.reject_payload()
    assert pipeline.next_attributes(apply(replacement)) is None


def test_a_span_batch_on_a_replaced_block_is_dropped_though_it_overlaps_the_safe_chain() -> None:
    """The block that the batch was made on is not the one that derivation made of it."""
    world = world_with_blocks()
    world.post(*channel([span_of(world.l2[:2])]))
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    first = pipeline.next_attributes(genesis_ref(world.config))
    assert first is not None
    head = apply(first)
    assert pipeline.next_attributes(head) is not None
    head = apply(pipeline.reject_payload())
    world.post(*channel([span_of(world.l2)]))
    pipeline.add_l1_block(world.l1[-1])
    assert pipeline.next_attributes(head) is None
