"""The tables of the database and their keys.

Numbers in keys are 8 bytes big-endian, so that LMDB's order of bytes is the order of numbers. Hashes are 32 bytes.
"""

from enum import StrEnum
from typing import Final

FORMAT_VERSION: Final = 1


class Table(StrEnum):
    """One LMDB database each."""

    METADATA = "metadata"
    """format, chain_id, genesis, and the heads."""
    HEADERS = "headers"
    """Block hash → RLP of the header."""
    BODIES = "bodies"
    """Block hash → RLP list of the transactions' envelopes."""
    RECEIPTS = "receipts"
    """Block hash → RLP list of the receipts' consensus bytes."""
    SENDERS = "senders"
    """Block hash → the senders, 20 bytes each."""
    ATTESTATIONS = "attestations"
    """Block hash ++ index of the transaction (4 bytes) → RLP of what was verified."""
    CANONICAL = "canonical"
    """Number → hash of the canonical block."""
    TRANSACTIONS = "transactions"
    """Transaction hash → number of the canonical block that holds it ++ index (4 bytes)."""
    NODES = "nodes"
    """Keccak of a trie node → the node's RLP."""
    CODES = "codes"
    """Keccak of a contract's code → the code."""
    SAFE_HEADS = "safe_heads"
    """L1 number → L1 hash ++ L2 hash ++ L2 number: the safe head after that L1 block was derived from."""


def number_key(number: int) -> bytes:
    """Return the key of a block number."""
    return number.to_bytes(8, "big")


def index_key(block_hash: bytes, index: int) -> bytes:
    """Return the key of a transaction by its block and index."""
    return block_hash + index.to_bytes(4, "big")
