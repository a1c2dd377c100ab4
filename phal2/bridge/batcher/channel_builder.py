"""One open channel: takes L2 blocks, and ends as the compressed content of frames.

Consecutive blocks share a span batch. A block with an attested transaction, which span batches cannot carry, is a
singular batch between them; so one channel holds both kinds, in the order of the blocks. Singular, too, are blocks
whose sequencing window is about to end: derivation may have made them itself by then, and passes over such a batch, but
not over a span batch that begins with one.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from phal2.bridge.batcher.errors import UnusableBlock
from phal2.bridge.batcher.settings import BatcherSettings, BatchType
from phal2.node.protocol.batches import SingularBatch, encode_batch
from phal2.node.protocol.channels import MAXIMUM_CHANNEL_CONTENT, ChannelWriter
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.frames import CHANNEL_ID_LENGTH, FRAME_OVERHEAD, MAXIMUM_FRAME_DATA
from phal2.node.protocol.headers import Block
from phal2.node.protocol.l1_attributes import l1_attributes_of_block
from phal2.node.protocol.span_batch_transactions import UnsuitableTransaction, is_suitable
from phal2.node.protocol.span_batches import SpanBatchTerms, encode_span_batch, span_batch
from phal2.node.protocol.transactions import DEPOSIT

_BATCH_OVERHEAD: Final = 128
_TRANSACTION_OVERHEAD: Final = 4
_CLOSE_ENOUGH_PERCENT: Final = 95


@dataclass(frozen=True, slots=True)
class BatchedBlock:
    """A block as a batch; `begins_epoch`: it is the first of its L1 origin; `fits_span`: may be in a span batch."""

    number: int
    batch: SingularBatch
    begins_epoch: bool
    fits_span: bool


class ChannelBuilder:
    """A channel under construction.

    `measure` and `compress` compute for long and may run on a thread while nothing else is done with the channel.
    """

    def __init__(self, settings: BatcherSettings, terms: SpanBatchTerms, target_bytes: int) -> None:
        """The channel is full when its compressed content has about `target_bytes`."""
        self.channel_id = secrets.token_bytes(CHANNEL_ID_LENGTH)
        self._settings = settings
        self._terms = terms
        self._target = target_bytes
        self._blocks: list[BatchedBlock] = []
        self._content_bound = 0
        self._measured_content = 0
        self._compressed = b""

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def first_epoch(self) -> int | None:
        """The number of the first block's L1 origin, None while the channel is empty."""
        return self._blocks[0].batch.epoch_number if self._blocks else None

    def add(self, block: Block, oldest_epoch: int = 0) -> bool:
        """Append a block; False, with the channel unchanged, where it does not fit. Raises `UnusableBlock`.

        Blocks with an L1 origin below the number `oldest_epoch` stay out of span batches.
        """
        batched = batched_block(block)
        return self.add_batched(
            batched if batched.batch.epoch_number >= oldest_epoch else replace(batched, fits_span=False)
        )

    def add_batched(self, batched: BatchedBlock) -> bool:
        """Append a block that is a batch already; False, with the channel unchanged, where it does not fit."""
        envelopes = batched.batch.transactions
        bound = _BATCH_OVERHEAD + sum(len(raw) + _TRANSACTION_OVERHEAD for raw in envelopes)
        if self._content_bound + bound > MAXIMUM_CHANNEL_CONTENT:
            return False
        self._blocks.append(batched)
        self._content_bound += bound
        return True

    @property
    def may_be_full(self) -> bool:
        """Tell whether it is worth while to `measure`: the content compresses about as it did so far."""
        if self._measured_content == self._content_bound:
            return False
        expected = self._content_bound
        if self._measured_content:
            expected = len(self._compressed) * self._content_bound // self._measured_content
        return expected >= self._target

    @property
    def is_full(self) -> bool:
        """Tell whether the channel had about its full size when it was last measured."""
        return len(self._compressed) * 100 >= self._target * _CLOSE_ENOUGH_PERCENT

    def measure(self) -> None:
        """Compress what is there."""
        self._compressed = self.compress()
        self._measured_content = self._content_bound

    def compress(self) -> bytes:
        """Return the compressed channel. Raises `UnusableBlock` where blocks do not follow one another."""
        if self._compressed and self._measured_content == self._content_bound:
            return self._compressed
        writer = ChannelWriter(self.channel_id, MAXIMUM_FRAME_DATA + FRAME_OVERHEAD, self._settings.compression)
        for batch in self._encoded_batches():
            writer.add_encoded_batch(batch)
        return b"".join(frame.data for frame in writer.close())

    def _encoded_batches(self) -> Iterator[bytes]:
        for fits_span, blocks in groupby(self._blocks, self._fits_span):
            run = list(blocks)
            if fits_span:
                yield from self._encoded_run(run)
            else:
                yield from (encode_batch(block.batch) for block in run)

    def _fits_span(self, block: BatchedBlock) -> bool:
        return block.fits_span and self._settings.batch_type is BatchType.SPAN

    def _encoded_run(self, run: list[BatchedBlock]) -> Iterator[bytes]:
        batches = [block.batch for block in run]
        try:
            batch = span_batch(batches, run[0].begins_epoch, self._terms.block_time)
            yield encode_span_batch(batch, self._terms)
        except UnsuitableTransaction:
            # Of a known type, but not of this chain, say. It is invalid, but that is not for a batcher to judge.
            yield from map(encode_batch, batches)
        except ValueError as error:
            raise UnusableBlock(run[0].number, str(error)) from error


def batched_block(block: Block) -> BatchedBlock:
    """Return an L2 block as a batch; raise `UnusableBlock` where it does not begin with the L1 attributes deposit."""
    try:
        attributes = l1_attributes_of_block(block.transactions[0] if block.transactions else b"")
    except InvalidEncoding as error:
        raise UnusableBlock(block.header.number, str(error)) from error
    origin = attributes.l1_origin
    batch = SingularBatch(
        parent_hash=block.header.parent_hash,
        epoch_number=origin.number,
        epoch_hash=origin.hash,
        timestamp=block.header.timestamp,
        transactions=tuple(raw for raw in block.transactions if raw[:1] != bytes([DEPOSIT])),
    )
    return BatchedBlock(
        block.header.number, batch, attributes.sequence_number == 0, all(map(is_suitable, batch.transactions))
    )
