"""Output roots: what L1 learns of an L2 block (OP Stack "L2 Output Commitment Construction")."""

from typing import Final

from phal2.node.protocol.keccak import HASH_LENGTH, keccak256

OUTPUT_VERSION: Final = bytes(32)


def output_root(state_root: bytes, message_passer_storage_root: bytes, block_hash: bytes) -> bytes:
    """Return the 32-byte output root, version 0, of an L2 block by its state root, message passer and hash."""
    for name, value in (
        ("state root", state_root),
        ("message passer's storage root", message_passer_storage_root),
        ("block hash", block_hash),
    ):
        if len(value) != HASH_LENGTH:
            raise ValueError(f"the {name} has {HASH_LENGTH} bytes, got {len(value)}")
    return keccak256(OUTPUT_VERSION + state_root + message_passer_storage_root + block_hash)
