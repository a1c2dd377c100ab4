"""Span batches, version 1: the batches of a row of L2 blocks in columns (OP Stack "Span Batch Format").

    relative timestamp | last L1 origin number | parent check | L1 origin check
    | block count | origin bits | transaction count of each block | transactions

Numbers are uvarints. An origin bit says that the block's L1 origin is the one after that of the block before.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.node.protocol.batches import SPAN_BATCH_VERSION, InvalidBatch, SingularBatch, UnsupportedBatchVersion
from phal2.node.protocol.bit_lists import bit, bit_list, count_set, read_bit_list
from phal2.node.protocol.configuration_fields import document_fields
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.span_batch_transactions import decode_transactions, encode_transactions
from phal2.node.protocol.uvarints import encode_uvarint, encode_uvarints, read_uvarint, read_uvarints

MAXIMUM_SPAN_BATCH_ELEMENTS: Final = 10_000_000
"""Greatest number of blocks, and of transactions, of a span batch."""

CHECK_LENGTH: Final = 20
"""Bytes of a hash that a span batch holds."""

_UINT64: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class SpanBatchTerms:
    """What a span batch leaves out because all its readers know it. Times in seconds."""

    genesis_time: int
    block_time: int
    chain_id: int

    @classmethod
    def of(cls, config: RollupConfig) -> "SpanBatchTerms":
        """Return the terms of a rollup."""
        return cls(config.l2_genesis_time, config.block_time, config.l2_chain_id)

    @classmethod
    def from_json(cls, document: object) -> "SpanBatchTerms":
        """Read the terms from op-node's rollup.json, decoded, whatever else is in it; raise `InvalidConfiguration`."""
        fields = document_fields(document)
        genesis_time = fields.section("genesis").integer("l2_time", 64)
        return cls(genesis_time, fields.positive("block_time", 64), fields.integer("l2_chain_id", 256))


@dataclass(frozen=True, slots=True)
class SpanBatchBlock:
    """A block of a span batch: the number of its L1 origin, its Unix time, and the sequenced envelopes."""

    epoch_number: int
    timestamp: int
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """A row of L2 blocks. `parent_check` and `l1_origin_check` are the first 20 bytes of hashes.

    They are of the first block's parent and of the last block's L1 origin. `timestamp` is the first block's. The blocks
    are not objects until asked for: a batch can claim millions of empty ones in a few bytes.
    """

    parent_check: bytes
    l1_origin_check: bytes
    timestamp: int
    block_time: int
    last_epoch_number: int
    origin_bits: bytes
    transaction_counts: Sequence[int]
    transactions: tuple[bytes, ...]

    @property
    def block_count(self) -> int:
        """How many blocks the batch has; at least one."""
        return len(self.transaction_counts)

    @property
    def first_epoch_number(self) -> int:
        """Number of the first block's L1 origin, modulo 2**64. The first block's own bit does not count."""
        changes = count_set(self.origin_bits) - bit(self.origin_bits, 0)
        return (self.last_epoch_number - changes) & _UINT64

    @property
    def last_timestamp(self) -> int:
        """Unix time of the last block, modulo 2**64."""
        return (self.timestamp + (self.block_count - 1) * self.block_time) & _UINT64

    def blocks(self, start: int = 0) -> Iterator[SpanBatchBlock]:
        """Yield the blocks from the one at index `start` on."""
        epoch_number = self.first_epoch_number
        offset = 0
        for index, count in enumerate(self.transaction_counts):
            if index > 0 and bit(self.origin_bits, index):
                epoch_number = (epoch_number + 1) & _UINT64
            if index >= start:
                timestamp = (self.timestamp + index * self.block_time) & _UINT64
                yield SpanBatchBlock(epoch_number, timestamp, self.transactions[offset : offset + count])
            offset += count


def span_batch(batches: Sequence[SingularBatch], begins_epoch: bool, block_time: int) -> SpanBatch:
    """Join the batches of consecutive blocks, at least one; `begins_epoch`: the first is the first of its L1 origin.

    Raise `ValueError` where they are not consecutive: times one block time apart, L1 origins the same or the next.
    """
    for one, following in pairwise(batches):
        if following.timestamp != one.timestamp + block_time or following.epoch_number - one.epoch_number not in (0, 1):
            raise ValueError(f"the block at {following.timestamp} does not follow the one at {one.timestamp}")
    first, last = batches[0], batches[-1]
    changes = (following.epoch_number > one.epoch_number for one, following in pairwise(batches))
    return SpanBatch(
        parent_check=first.parent_hash[:CHECK_LENGTH],
        l1_origin_check=last.epoch_hash[:CHECK_LENGTH],
        timestamp=first.timestamp,
        block_time=block_time,
        last_epoch_number=last.epoch_number,
        origin_bits=bit_list([begins_epoch, *changes]),
        transaction_counts=_compact([len(batch.transactions) for batch in batches]),
        transactions=tuple(raw for batch in batches for raw in batch.transactions),
    )


def encode_span_batch(batch: SpanBatch, terms: SpanBatchTerms) -> bytes:
    """Return version byte and content; raise `UnsuitableTransaction` where a transaction cannot be in a span batch."""
    return b"".join(
        (
            bytes([SPAN_BATCH_VERSION]),
            encode_uvarint((batch.timestamp - terms.genesis_time) & _UINT64),
            encode_uvarint(batch.last_epoch_number),
            batch.parent_check,
            batch.l1_origin_check,
            encode_uvarint(batch.block_count),
            batch.origin_bits,
            encode_uvarints(batch.transaction_counts),
            encode_transactions(batch.transactions, terms.chain_id),
        )
    )


def decode_span_batch(data: bytes, terms: SpanBatchTerms) -> SpanBatch:
    """Read version byte and content; bytes behind them are ignored, as op-node does.

    Raise `UnusableTransactions` where only the content of transactions is malformed, and another `InvalidEncoding`
    where anything else is.
    """
    if not data:
        raise InvalidBatch("an empty byte string is no batch")
    if data[0] != SPAN_BATCH_VERSION:
        raise UnsupportedBatchVersion(data[0])
    relative_timestamp, offset = read_uvarint(data, 1)
    last_epoch_number, offset = read_uvarint(data, offset)
    checks, offset = data[offset : offset + 2 * CHECK_LENGTH], offset + 2 * CHECK_LENGTH
    if len(checks) < 2 * CHECK_LENGTH:
        raise InvalidBatch("span batch ends within its parent check or its L1 origin check")
    block_count, offset = read_uvarint(data, offset)
    if not 1 <= block_count <= MAXIMUM_SPAN_BATCH_ELEMENTS:
        raise InvalidBatch(f"span batch of {block_count} blocks, expected 1 to {MAXIMUM_SPAN_BATCH_ELEMENTS}")
    origin_bits, offset = read_bit_list(data, offset, block_count)
    counts, offset = read_uvarints(data, offset, block_count)
    transaction_count = sum(counts)
    if transaction_count > MAXIMUM_SPAN_BATCH_ELEMENTS:
        raise InvalidBatch(
            f"span batch of {transaction_count} transactions, at most {MAXIMUM_SPAN_BATCH_ELEMENTS} allowed"
        )
    return SpanBatch(
        parent_check=checks[:CHECK_LENGTH],
        l1_origin_check=checks[CHECK_LENGTH:],
        timestamp=(terms.genesis_time + relative_timestamp) & _UINT64,
        block_time=terms.block_time,
        last_epoch_number=last_epoch_number,
        origin_bits=origin_bits,
        transaction_counts=_compact(counts),
        transactions=decode_transactions(data, offset, transaction_count, terms.chain_id),
    )


def _compact(counts: Sequence[int]) -> Sequence[int]:
    """Return the counts in as little memory as their greatest needs."""
    if isinstance(counts, bytes):
        return counts
    return bytes(counts) if max(counts, default=0) < 256 else array("I", counts)
