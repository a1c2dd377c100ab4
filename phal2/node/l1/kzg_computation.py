"""What the KZG worker process does with blobs (`phal2.node.l1.kzg`). Every call computes for long."""

from collections.abc import Sequence

import ckzg

from phal2.node.l1.kzg_errors import InvalidBlob, InvalidKzgProof
from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar, versioned_hash
from phal2.node.state.precompiles.point_evaluation import trusted_setup


def commit_to_blobs(blobs: Sequence[bytes]) -> tuple[BlobSidecar, ...]:
    """Return blobs with their commitments and proofs; raise `InvalidBlob`."""
    setup, sidecars = trusted_setup(), []
    for index, blob in enumerate(blobs):
        _require_length(index, blob)
        try:
            commitment = ckzg.blob_to_kzg_commitment(blob, setup)
            sidecars.append(BlobSidecar(blob, commitment, ckzg.compute_blob_kzg_proof(blob, commitment, setup)))
        except RuntimeError:
            raise _not_canonical(index) from None
    return tuple(sidecars)


def versioned_hashes_of_blobs(blobs: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the versioned hashes of blobs; raise `InvalidBlob`."""
    setup, hashes = trusted_setup(), []
    for index, blob in enumerate(blobs):
        _require_length(index, blob)
        try:
            hashes.append(versioned_hash(ckzg.blob_to_kzg_commitment(blob, setup)))
        except RuntimeError:
            raise _not_canonical(index) from None
    return tuple(hashes)


def verify_sidecars(sidecars: Sequence[BlobSidecar]) -> tuple[bytes, ...]:
    """Return the proofs of blobs, made anew for those with cell proofs; raise `InvalidKzgProof` where one is wrong."""
    setup = trusted_setup()
    whole = [sidecar for sidecar in sidecars if not sidecar.cell_proofs]
    try:
        holds = ckzg.verify_blob_kzg_proof_batch(
            b"".join(sidecar.blob for sidecar in whole),
            b"".join(sidecar.commitment for sidecar in whole),
            b"".join(sidecar.proof for sidecar in whole),
            setup,
        )
        for sidecar in sidecars:
            if sidecar.cell_proofs:
                holds = holds and _cells_verify(sidecar)
    except RuntimeError:
        raise InvalidKzgProof(
            "a blob, commitment or proof is malformed: a field element is not below the modulus, "
            "or a point is not on the curve"
        ) from None
    if not holds:
        raise InvalidKzgProof("the KZG proofs do not show that the blobs are those of the commitments")
    return tuple(
        ckzg.compute_blob_kzg_proof(sidecar.blob, sidecar.commitment, setup) if sidecar.cell_proofs else sidecar.proof
        for sidecar in sidecars
    )


def _cells_verify(sidecar: BlobSidecar) -> bool:
    setup, count = trusted_setup(), len(sidecar.cell_proofs)
    cells = ckzg.compute_cells(sidecar.blob, setup)
    commitments = [sidecar.commitment] * count
    proofs = list(sidecar.cell_proofs)
    holds: bool = ckzg.verify_cell_kzg_proof_batch(commitments, list(range(count)), cells, proofs, setup)
    return holds


def _require_length(index: int, blob: bytes) -> None:
    if len(blob) != BYTES_PER_BLOB:
        raise InvalidBlob(f"blob {index} has {len(blob)} bytes, expected {BYTES_PER_BLOB}")


def _not_canonical(index: int) -> InvalidBlob:
    return InvalidBlob(f"blob {index} holds a field element that is not below the modulus of BLS12-381")
