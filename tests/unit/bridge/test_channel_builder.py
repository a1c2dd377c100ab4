"""Channels under construction: which batches they hold, and when they are full."""

from dataclasses import replace

import pytest
from batcher_rig import SETTINGS, incompressible, typed_transaction
from scripted_chains import GENESIS_TIME, LEGACY, ScriptedL1, ScriptedL2

from phal2.bridge.batcher.channel_builder import ChannelBuilder, batched_block
from phal2.bridge.batcher.errors import UnusableBlock
from phal2.bridge.batcher.settings import BatchType
from phal2.node.protocol.batches import SPAN_BATCH_VERSION, decode_batch
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import MAXIMUM_CHANNEL_CONTENT, read_batches
from phal2.node.protocol.headers import Block
from phal2.node.protocol.span_batches import SpanBatchTerms, decode_span_batch

ATTESTED = b"\x54" + bytes(200)
PLAIN = typed_transaction(b"\x01")
TERMS = SpanBatchTerms(GENESIS_TIME, 1, 20350)


def chain(*transactions: tuple[bytes, ...]) -> list[Block]:
    l1 = ScriptedL1()
    l2 = ScriptedL2(l1)
    blocks = []
    for index, envelopes in enumerate(transactions):
        if index % 3 == 0:
            l1.mine()
        blocks.append(l2.add_block(envelopes))
    return blocks


def builder(target: int = 100_000, **settings: object) -> ChannelBuilder:
    return ChannelBuilder(replace(SETTINGS, **settings), TERMS, target)


def batches_of(channel: bytes) -> list[bytes]:
    return list(read_batches(channel))


def transactions_of(batches: list[bytes]) -> list[tuple[int, tuple[bytes, ...]]]:
    """Time and transactions of each block that the batches hold, in their order."""
    found = []
    for batch in batches:
        if batch[0] == SPAN_BATCH_VERSION:
            found += [(block.timestamp, block.transactions) for block in decode_span_batch(batch, TERMS).blocks()]
        else:
            singular = decode_batch(batch)
            found.append((singular.timestamp, singular.transactions))
    return found


def test_blocks_share_a_span_batch_and_attested_ones_stand_alone_in_their_order() -> None:
    contents = [(PLAIN,), (), (ATTESTED,), (LEGACY, PLAIN), (PLAIN, ATTESTED), (ATTESTED,), ()]
    blocks = chain(*contents)
    channel = builder()
    for block in blocks:
        assert channel.add(block)

    batches = batches_of(channel.compress())

    assert [batch[0] for batch in batches] == [1, 0, 1, 0, 0, 1]
    assert transactions_of(batches) == [
        (block.header.timestamp, envelopes) for block, envelopes in zip(blocks, contents, strict=True)
    ]
    first = decode_span_batch(batches[0], TERMS)
    assert first.parent_check == blocks[0].header.parent_hash[:20]


def test_blocks_whose_window_ends_stand_alone_before_a_span_batch() -> None:
    contents = [(), (PLAIN,), (), (PLAIN,), (), ()]
    blocks = chain(*contents)
    channel = builder()
    oldest = batched_block(blocks[3]).batch.epoch_number
    for block in blocks:
        assert channel.add(block, oldest)

    batches = batches_of(channel.compress())

    assert channel.first_epoch == batched_block(blocks[0]).batch.epoch_number < oldest
    assert [batch[0] for batch in batches] == [0, 0, 0, SPAN_BATCH_VERSION]
    assert transactions_of(batches) == [
        (block.header.timestamp, envelopes) for block, envelopes in zip(blocks, contents, strict=True)
    ]


def test_singular_batches_are_made_where_they_are_asked_for() -> None:
    blocks = chain((PLAIN,), (), (LEGACY,))
    channel = builder(batch_type=BatchType.SINGULAR, compression=Compression.ZLIB)
    for block in blocks:
        channel.add(block)

    compressed = channel.compress()

    assert compressed[0] == 0x78
    assert [batch[0] for batch in batches_of(compressed)] == [0, 0, 0]


def test_a_transaction_of_another_chain_rides_in_a_singular_batch() -> None:
    # It is invalid on this chain, but whoever built the block answers for that.
    foreign = typed_transaction(b"").replace(b"\x82\x4f\x7e", b"\x82\x4f\x7f")
    channel = builder()
    for block in chain((PLAIN,), (foreign,)):
        channel.add(block)

    assert [batch[0] for batch in batches_of(channel.compress())] == [0, 0]


def test_spans_with_brotli_take_half_the_bytes_of_singular_batches_with_zlib() -> None:
    blocks = chain(*((typed_transaction(bytes([number])),) * 4 for number in range(20)))
    sizes = []
    for settings in ({}, {"batch_type": BatchType.SINGULAR, "compression": Compression.ZLIB}):
        channel = builder(**settings)
        for block in blocks:
            channel.add(block)
        sizes.append(len(channel.compress()))
    assert 2 * sizes[0] < sizes[1]


def test_a_channel_is_full_when_its_compressed_content_is_as_large_as_asked_for() -> None:
    channel = builder(target=10_000)
    measured = 0
    for block in chain(*((typed_transaction(incompressible(500, number)),) for number in range(40))):
        channel.add(block)
        if channel.may_be_full:
            channel.measure()
            measured += 1
        if channel.is_full:
            break
    assert 9_500 <= len(channel.compress()) <= 10_700
    assert measured <= 3


def test_content_that_compresses_well_is_measured_seldom() -> None:
    channel = builder(target=1_000)
    measured = 0
    for block in chain(*((typed_transaction(bytes(1_000)),) for _ in range(300))):
        channel.add(block)
        if channel.may_be_full:
            channel.measure()
            measured += 1
    assert measured < 15


def test_a_block_beyond_what_readers_take_is_left_for_the_next_channel() -> None:
    channel = builder()
    (block,) = chain((PLAIN,))
    huge = replace(block, transactions=(*block.transactions, bytes(MAXIMUM_CHANNEL_CONTENT)))
    assert not channel.add(huge)
    assert len(channel) == 0


def test_a_block_that_is_none_of_a_rollup_is_refused() -> None:
    (block,) = chain(())
    with pytest.raises(UnusableBlock, match="L2 block 1 cannot be made into a batch"):
        builder().add(replace(block, transactions=(PLAIN,)))


def test_blocks_with_a_gap_between_them_are_refused() -> None:
    first, _, third = chain((), (), ())
    channel = builder()
    channel.add(first)
    channel.add(third)
    with pytest.raises(UnusableBlock, match="does not follow"):
        channel.compress()
