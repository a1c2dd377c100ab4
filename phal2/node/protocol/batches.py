"""Batches: what fixes an L2 block beside L1, in the singular form, version 0 (OP Stack "Batch Format").

A batch is a version byte and its content. Singular: rlp([parent hash, epoch number, epoch hash, timestamp,
transactions]).
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.rlp import decode_uint, expect_bytes, expect_list

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
    item, _ = rlp.decode_prefix(data, 1)
    fields = expect_list(item, 5)
    return SingularBatch(
        parent_hash=expect_bytes(fields[0], 32),
        epoch_number=decode_uint(fields[1], 8),
        epoch_hash=expect_bytes(fields[2], 32),
        timestamp=decode_uint(fields[3], 8),
        transactions=tuple(expect_bytes(transaction) for transaction in expect_list(fields[4])),
    )
