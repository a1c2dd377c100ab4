"""The Merkle proofs that blobs' KZG commitments are in the body of a beacon block (consensus-specs, Deneb).

The embedded L1 has no beacon chain. The bodies here are those of blocks that hold commitments and nothing else, so that
whoever checks `kzg_commitment_inclusion_proof` against `body_root` finds it right.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LIST_DEPTH: Final = 12
"""Of the list of at most 4,096 commitments."""
_BODY_DEPTH: Final = 4
_FIELD_INDEX: Final = 11
"""Of `blob_kzg_commitments` among the fields of a beacon block's body."""

_ZERO_CHUNK: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class CommitmentsInBody:
    """The 32-byte root of a body, and for each commitment the 17 siblings from its leaf up to that root."""

    root: bytes
    proofs: tuple[tuple[bytes, ...], ...]


def commitments_in_body(commitments: Sequence[bytes]) -> CommitmentsInBody:
    """Return the body that holds these commitments of 48 bytes each."""
    level = [_hash(commitment[:32], commitment[32:].ljust(32, b"\x00")) for commitment in commitments]
    proofs: list[list[bytes]] = [[] for _ in commitments]
    zero = _ZERO_CHUNK
    for depth in range(_LIST_DEPTH):
        for index, proof in enumerate(proofs):
            sibling = (index >> depth) ^ 1
            proof.append(level[sibling] if sibling < len(level) else zero)
        padded = [*level, zero] if len(level) % 2 else level
        level = [_hash(padded[index], padded[index + 1]) for index in range(0, len(padded), 2)]
        zero = _hash(zero, zero)
    length = len(commitments).to_bytes(32, "little")
    shared = [length]
    node, zero = _hash(level[0] if level else zero, length), _ZERO_CHUNK
    for depth in range(_BODY_DEPTH):
        shared.append(zero)
        node = _hash(zero, node) if _FIELD_INDEX >> depth & 1 else _hash(node, zero)
        zero = _hash(zero, zero)
    return CommitmentsInBody(node, tuple((*proof, *shared) for proof in proofs))


def _hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()
