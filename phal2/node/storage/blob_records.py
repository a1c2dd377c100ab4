"""The blobs that a chain's blocks carried, as beacon nodes keep them: whole, and for the last blocks only.

A blob is found by its versioned hash, so that one which several blocks carry, on one branch or on several, is there
once. It goes when the last of them is older than the retention.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from phal2.node.protocol.blob_sidecars import BYTES_PER_COMMITMENT, BYTES_PER_PROOF, BlobSidecar
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction

_NUMBER_LENGTH: Final = 8
_MOST_BLOBS_A_WRITE: Final = 64
"""What one write may prune: several times what a block may add."""


def write_blobs(transaction: Transaction, number: int, sidecars: Iterable[BlobSidecar]) -> None:
    """Store the blobs of the block `number`."""
    for sidecar in sidecars:
        record = number_key(number) + sidecar.commitment + sidecar.proof + sidecar.blob
        transaction.put(Table.BLOBS, sidecar.versioned_hash, record)
        transaction.put(Table.BLOB_BLOCKS, number_key(number) + sidecar.versioned_hash, b"")


def decode_blob(record: bytes) -> BlobSidecar:
    """Read a record of the table of blobs."""
    proof_start = _NUMBER_LENGTH + BYTES_PER_COMMITMENT
    blob_start = proof_start + BYTES_PER_PROOF
    return BlobSidecar(record[blob_start:], record[_NUMBER_LENGTH:proof_start], record[proof_start:blob_start])


def prune_blobs(transaction: Transaction, below: int) -> None:
    """Drop the blobs that no block from the number `below` on carried, or as many as one write may."""
    old = transaction.items_between(Table.BLOB_BLOCKS, b"", number_key(max(below, 0)))
    for key, _ in list(islice(old, _MOST_BLOBS_A_WRITE)):
        number, versioned_hash = key[:_NUMBER_LENGTH], key[_NUMBER_LENGTH:]
        record = transaction.get(Table.BLOBS, versioned_hash)
        if record is not None and record[:_NUMBER_LENGTH] == number:
            transaction.delete(Table.BLOBS, versioned_hash)
        transaction.delete(Table.BLOB_BLOCKS, key)
