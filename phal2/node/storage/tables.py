"""The tables of the database and their keys.

Numbers in keys are 8 bytes big-endian, so that LMDB's order of bytes is the order of numbers. Hashes are 32 bytes.
"""

from enum import StrEnum
from typing import Final

FORMAT_VERSION: Final = 2
FORMAT_KEY: Final = b"format"
"""Of the metadata, where every version finds it."""


class Table(StrEnum):
    """One LMDB database each."""

    METADATA = "metadata"
    """format, chain_id, genesis, heads, next_serial and oldest_state."""
    HEADERS = "headers"
    """Block hash → RLP of the header."""
    BODIES = "bodies"
    """Block hash → RLP list of the transactions' envelopes."""
    RECEIPTS = "receipts"
    """Block hash → RLP list of the receipts' consensus bytes, without their blooms."""
    SENDERS = "senders"
    """Block hash → the senders, 20 bytes each."""
    ATTESTATIONS = "attestations"
    """Block hash ++ index of the transaction (4 bytes) → RLP of what was verified."""
    CANONICAL = "canonical"
    """Number → hash of the canonical block."""
    TRANSACTIONS = "transactions"
    """First 8 bytes of a transaction's hash → number of the canonical block that holds it (5 bytes) ++ index (3)."""
    NODES = "nodes"
    """Location of a trie node → its record (`phal2.node.state.trie_records`)."""
    CODES = "codes"
    """Keccak of a contract's code → the code."""
    STATES = "states"
    """State root → root node's location ++ block's number ++ block hash, for each stored block with this state."""
    CHANGES = "changes"
    """Number ++ hash of a block → the nodes that its state added and superseded (`state_records`).

    Behind them stand those of edits, whose keys end with 16 more bytes (`state_edits`).
    """
    BLOBS = "blobs"
    """Versioned hash → number of the last block that carried the blob, commitment, proof, blob (`blob_records`)."""
    BLOB_BLOCKS = "blob_blocks"
    """Number of a block ++ versioned hash of a blob that it carried → nothing."""
    SAFE_HEADS = "safe_heads"
    """L1 number → L1 hash ++ L2 hash ++ L2 number: the safe head after that L1 block was derived from."""


TABLES_WITH_EQUAL_KEYS: Final = frozenset({Table.TRANSACTIONS, Table.STATES})
"""Tables that hold several values under one key, each once and in their order."""


def number_key(number: int) -> bytes:
    """Return the key of a block number."""
    return number.to_bytes(8, "big")


def index_key(block_hash: bytes, index: int) -> bytes:
    """Return the key of a transaction by its block and index."""
    return block_hash + index.to_bytes(4, "big")
