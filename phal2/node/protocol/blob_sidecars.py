"""The sidecars of blob transactions, and the network form that carries them (EIP-4844, "Networking").

A block holds a blob transaction's envelope, which names its blobs by versioned hashes alone. Nodes pass the transaction
on as 0x03 ++ rlp([transaction, blobs, commitments, proofs]), or from Osaka on as 0x03 ++ rlp([transaction, 1, blobs,
commitments, cell proofs]) with 128 proofs for each blob (EIP-7594); beacon nodes keep the blobs for some weeks.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.rlp import expect_bytes, expect_list
from phal2.node.protocol.transactions import BLOB

BYTES_PER_BLOB: Final = 131_072
BYTES_PER_COMMITMENT: Final = 48
BYTES_PER_PROOF: Final = 48
CELLS_PER_BLOB: Final = 128
VERSIONED_HASH_VERSION: Final = b"\x01"

_CELL_PROOFS_VERSION: Final = b"\x01"

_PARTS: Final = (("blob", BYTES_PER_BLOB), ("commitment", BYTES_PER_COMMITMENT), ("proof", BYTES_PER_PROOF))


@dataclass(frozen=True, slots=True)
class BlobSidecar:
    """A blob of 131,072 bytes with its KZG commitment and proof of 48 bytes each.

    One that came with 128 cell proofs has no `proof` until these have been checked.
    """

    blob: bytes
    commitment: bytes
    proof: bytes
    cell_proofs: tuple[bytes, ...] = ()

    @property
    def versioned_hash(self) -> bytes:
        """The 32 bytes by which a transaction names the blob."""
        return versioned_hash(self.commitment)


class MalformedSidecar(InvalidEncoding):
    """A blob transaction that does not come in the network form that is expected here."""


def versioned_hash(commitment: bytes) -> bytes:
    """Return the versioned hash of a KZG commitment (EIP-4844, `kzg_to_versioned_hash`)."""
    return VERSIONED_HASH_VERSION + hashlib.sha256(commitment).digest()[1:]


def encode_network_form(envelope: bytes, sidecars: Sequence[BlobSidecar]) -> bytes:
    """Return the network form of a blob transaction's envelope."""
    return bytes([BLOB]) + rlp.encode_list(
        [
            envelope[1:],
            rlp.encode([sidecar.blob for sidecar in sidecars]),
            rlp.encode([sidecar.commitment for sidecar in sidecars]),
            rlp.encode([sidecar.proof for sidecar in sidecars]),
        ]
    )


def decode_network_form(raw: bytes) -> tuple[bytes, tuple[BlobSidecar, ...]]:
    """Return the envelope and the sidecars of a blob transaction in either network form.

    The parts have their lengths and equal counts; nothing else is checked of them. Raises `MalformedSidecar` or
    `RlpError`.
    """
    if raw[:1] != bytes([BLOB]):
        raise MalformedSidecar("not a blob transaction: its first byte is not 0x03")
    fields = expect_list(rlp.decode(raw[1:]))
    if not fields or isinstance(fields[0], bytes):
        raise MalformedSidecar(
            "blob transaction without its sidecar: send 0x03 ++ rlp([transaction, blobs, commitments, proofs])"
        )
    proofs_per_blob = 1
    if len(fields) == 5:
        if fields.pop(1) != _CELL_PROOFS_VERSION:
            raise MalformedSidecar("blob transaction with an unknown version of the network form, expected 1")
        proofs_per_blob = CELLS_PER_BLOB
    if len(fields) != 4:
        raise MalformedSidecar(
            f"blob transaction with {len(fields)} parts, expected 4: transaction, blobs, commitments, proofs"
        )
    parts = [_part(name, length, field) for (name, length), field in zip(_PARTS, fields[1:], strict=True)]
    blobs, commitments, proofs = parts
    if len(commitments) != len(blobs) or len(proofs) != proofs_per_blob * len(blobs):
        raise MalformedSidecar(
            f"blob transaction with {len(blobs)} blobs, {len(commitments)} commitments and {len(proofs)} proofs; "
            f"expected 1 commitment and {proofs_per_blob} proofs for each blob"
        )
    envelope = bytes([BLOB]) + rlp.encode(expect_list(fields[0]))
    if proofs_per_blob == 1:
        return envelope, tuple(BlobSidecar(*sidecar) for sidecar in zip(blobs, commitments, proofs, strict=True))
    cell_proofs = [tuple(proofs[start : start + CELLS_PER_BLOB]) for start in range(0, len(proofs), CELLS_PER_BLOB)]
    return envelope, tuple(
        BlobSidecar(blob, commitment, b"", cells)
        for blob, commitment, cells in zip(blobs, commitments, cell_proofs, strict=True)
    )


def require_named(hashes: Sequence[bytes], sidecars: Sequence[BlobSidecar]) -> None:
    """Raise `MalformedSidecar` where a transaction's versioned hashes are not those of its sidecars, in order."""
    if len(hashes) != len(sidecars):
        raise MalformedSidecar(f"the transaction names {len(hashes)} blobs, its sidecar has {len(sidecars)}")
    for index, (named, sidecar) in enumerate(zip(hashes, sidecars, strict=True)):
        if named != sidecar.versioned_hash:
            raise MalformedSidecar(
                f"blob {index}: the transaction names 0x{named.hex()}, "
                f"but its commitment has the versioned hash 0x{sidecar.versioned_hash.hex()}"
            )


def _part(name: str, length: int, field: rlp.Decoded) -> list[bytes]:
    items = [expect_bytes(item) for item in expect_list(field)]
    for index, item in enumerate(items):
        if len(item) != length:
            raise MalformedSidecar(f"{name} {index} of the sidecar has {len(item)} bytes, expected {length}")
    return items
