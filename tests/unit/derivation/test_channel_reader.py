"""What the channel reader makes of channels, and that whoever reads can stop after each piece of it."""

import zlib
from collections.abc import Sequence
from itertools import cycle

import pytest
from rollup_world import SPAN_TERMS, World, channel, genesis_ref, span_of

from phal2.node.derivation.channel_reader import ChannelReader
from phal2.node.derivation.dropped import Dropped
from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SingularBatch, encode_batch
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.frames import Frame
from phal2.node.protocol.uvarints import encode_uvarint

L1_BLOCK = BlockId(b"\x11" * 32, 7)
BATCH = SingularBatch(bytes(32), 1, bytes(32), 2, (b"\x02",))
MALFORMED = b"\x00\xc0"
UNUSABLE = (
    b"\x01" + bytes(42) + b"\x01\x00\x01" + b"\x01\x00" + b"\x11" * 64 + b"\x03\xc0" + encode_uvarint(1) + b"\x02\x00"
)
"""A span batch with one block, whose one transaction is of type 3."""


def content(*batches: bytes) -> bytes:
    return zlib.compress(b"".join(map(rlp.encode_bytes, batches)))


def read(channels: Sequence[bytes | None]) -> tuple[list[object], list[Dropped]]:
    dropped: list[Dropped] = []
    return list(ChannelReader(channels, SPAN_TERMS, lambda: L1_BLOCK, dropped.append)), dropped


def test_a_batch_that_cannot_be_read_ends_its_channel_alone() -> None:
    good = encode_batch(BATCH)
    found, dropped = read([content(good, MALFORMED, good), content(good), None])
    assert found == [BATCH, dropped[0], BATCH, None]
    assert dropped == [Dropped("channel_reader", dropped[0].reason, L1_BLOCK)]


def test_a_span_batch_with_what_is_no_transaction_is_left_out_alone() -> None:
    good = encode_batch(BATCH)
    found, dropped = read([content(good, UNUSABLE, UNUSABLE, good)])
    assert found == [BATCH, *dropped, BATCH]
    assert ["no transactions of type 0x03" in one.reason for one in dropped] == [True, True]


def test_the_rest_of_a_channel_is_left_out_on_demand() -> None:
    good = encode_batch(BATCH)
    reader = ChannelReader([content(good, good), content(good), None], SPAN_TERMS, lambda: L1_BLOCK, lambda _: None)
    batches = iter(reader)
    assert next(batches) == BATCH
    reader.discard_channel()
    assert list(batches) == [BATCH, None]


@pytest.mark.parametrize("nothing", [content(*[UNUSABLE] * 5), content(MALFORMED), b"\x78\x9c\xff", b"\x02", b""])
def test_derivation_can_pause_after_each_piece_that_comes_to_nothing(nothing: bytes) -> None:
    world = World()
    world.mine()
    world.post(*(Frame(bytes([number]) * 16, 0, nothing, True) for number in range(5)))
    world.sequence()
    world.post(*channel([span_of(world.l2)]))
    pipeline, head = world.pipeline(), genesis_ref(world.config)
    for block in world.l1:
        pipeline.add_l1_block(block)
    pauses = 0
    # One piece, then it is to pause.
    should_pause = cycle((False, True)).__next__
    while (derived := pipeline.next_attributes(head, should_pause)) is None:
        assert pipeline.is_paused
        pauses += 1
    assert pauses > 5
    assert derived.attributes.timestamp == world.l2_head.timestamp
