"""Batches: what fixes an L2 block beside L1, in the singular form, version 0 (OP Stack "Batch Format").

A batch is a version byte and its content. Singular: rlp([parent hash, epoch number, epoch hash, timestamp,
transactions]).
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.rlp import decode_uint, expect_bytes, list_bounds, read_string, read_strings

SINGULAR_BATCH_VERSION: Final = 0
SPAN_BATCH_VERSION: Final = 1


class InvalidBatch(InvalidEncoding):
    """Bytes that are no batch. The rest of the channel is dropped."""


class UnsupportedBatchVersion(InvalidBatch):
    """A batch of a version that cannot be read; `version` is its first byte."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"batch of version {version}, expected {SINGULAR_BATCH_VERSION} (singular) or {SPAN_BATCH_VERSION} (span)"
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class SingularBatch:
    """One L2 block: its parent, its L1 origin (the epoch), its Unix time, and the sequenced envelopes (no deposits)."""

    parent_hash: bytes
    epoch_number: int
    epoch_hash: bytes
    timestamp: int
    transactions: tuple[bytes, ...]


def encode_batch(batch: SingularBatch) -> bytes:
    """Return version byte and content."""
    return bytes([SINGULAR_BATCH_VERSION]) + rlp.encode(
        [
            batch.parent_hash,
            rlp.encode_uint(batch.epoch_number),
            batch.epoch_hash,
            rlp.encode_uint(batch.timestamp),
            list(batch.transactions),
        ]
    )


def decode_batch(data: bytes) -> SingularBatch:
    """Read version byte and content; bytes behind them are ignored, as op-node does.

    Raise `InvalidBatch` (or `RlpError`) where they are not canonical.
    """
    if not data:
        raise InvalidBatch("an empty byte string is no batch")
    if data[0] != SINGULAR_BATCH_VERSION:
        raise UnsupportedBatchVersion(data[0])
    # Read field by field, because a batch of a hundred megabytes compresses to nothing: what is none costs no memory.
    start, end = list_bounds(data, 1, len(data))
    parent_hash, start = read_string(data, start, end)
    epoch_number, start = read_string(data, start, end)
    epoch_hash, start = read_string(data, start, end)
    timestamp, start = read_string(data, start, end)
    start, stop = list_bounds(data, start, end)
    if stop != end:
        raise InvalidBatch(f"singular batch with {end - stop} bytes behind its fifth and last field")
    return SingularBatch(
        parent_hash=expect_bytes(parent_hash, 32),
        epoch_number=decode_uint(epoch_number, 8),
        epoch_hash=expect_bytes(epoch_hash, 32),
        timestamp=decode_uint(timestamp, 8),
        transactions=tuple(read_strings(data, start, stop)),
    )
