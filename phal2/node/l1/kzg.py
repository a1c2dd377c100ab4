"""KZG commitments and proofs of blobs, computed and checked in a process of its own.

Loading the trusted setup takes seconds, and ckzg holds the interpreter's lock meanwhile, so in the node's own process
even a thread would stop everything. The worker process is started, and loads, with the first blob; a program that never
meets one never pays. Parts of one program that meet blobs share one `KzgWorker`.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import ckzg

from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar, versioned_hash
from phal2.node.protocol.errors import Phal2Error
from phal2.node.state.precompiles.point_evaluation import trusted_setup
from phal2.node.state.worker_process import WorkerFailed, WorkerProcess

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_LONGEST_SECONDS: Final = 60.0
"""For a call of a few blobs, with the loading of the setup on a busy machine."""

_MOST_WAITING: Final = 64
"""Calls of some blobs each, so this bounds the memory that waiting blobs take."""


class KzgUnavailable(Phal2Error):
    """The worker process did not answer. Nothing is known of the blobs; try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the blobs could not be checked: {reason}; try again")


class InvalidBlob(Phal2Error):
    """A blob that no commitment exists for: not 131,072 bytes, or a field element not below the modulus."""


class InvalidKzgProof(Phal2Error):
    """Blobs whose KZG proofs do not show that they are those of the commitments."""


class KzgWorker:
    """One process for KZG. Use it on one event loop, and `close` it."""

    def __init__(self) -> None:
        self._worker = WorkerProcess(_MOST_WAITING)

    @property
    def process_id(self) -> int | None:
        """The id of the process, None where no blob has been met yet."""
        return self._worker.process_id

    async def commit(self, blobs: Sequence[bytes]) -> tuple[BlobSidecar, ...]:
        """Return blobs with their commitments and proofs. Raises `InvalidBlob` or `KzgUnavailable`."""
        return await self._run(commit_to_blobs, tuple(blobs))

    async def versioned_hashes(self, blobs: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the versioned hashes of blobs: half the work of `commit`. Raises `InvalidBlob`, `KzgUnavailable`."""
        return await self._run(versioned_hashes_of_blobs, tuple(blobs))

    async def verify(self, sidecars: Sequence[BlobSidecar]) -> None:
        """Check blobs against their commitments, much faster than `commit`.

        Raises `InvalidKzgProof` where one does not hold, or `KzgUnavailable`.
        """
        await self._run(verify_sidecars, tuple(sidecars))

    async def close(self) -> None:
        """End the process and wait for it."""
        await self._worker.close()

    async def _run(self, function: Callable[[Argument], Result], argument: Argument) -> Result:
        try:
            return await self._worker.run(_LONGEST_SECONDS, function, argument)
        except WorkerFailed as error:
            raise KzgUnavailable(str(error)) from None


def commit_to_blobs(blobs: Sequence[bytes]) -> tuple[BlobSidecar, ...]:
    """Return blobs with their commitments and proofs; raise `InvalidBlob`. It computes for long: see `KzgWorker`."""
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
    """Return the versioned hashes of blobs; raise `InvalidBlob`. It computes for long: see `KzgWorker`."""
    setup, hashes = trusted_setup(), []
    for index, blob in enumerate(blobs):
        _require_length(index, blob)
        try:
            hashes.append(versioned_hash(ckzg.blob_to_kzg_commitment(blob, setup)))
        except RuntimeError:
            raise _not_canonical(index) from None
    return tuple(hashes)


def verify_sidecars(sidecars: Sequence[BlobSidecar]) -> None:
    """Raise `InvalidKzgProof` where a proof does not hold. It computes for long: see `KzgWorker`."""
    try:
        holds = ckzg.verify_blob_kzg_proof_batch(
            b"".join(sidecar.blob for sidecar in sidecars),
            b"".join(sidecar.commitment for sidecar in sidecars),
            b"".join(sidecar.proof for sidecar in sidecars),
            trusted_setup(),
        )
    except RuntimeError:
        raise InvalidKzgProof(
            "a blob, commitment or proof is malformed: a field element is not below the modulus, "
            "or a point is not on the curve"
        ) from None
    if not holds:
        raise InvalidKzgProof("the KZG proofs do not show that the blobs are those of the commitments")


def _require_length(index: int, blob: bytes) -> None:
    if len(blob) != BYTES_PER_BLOB:
        raise InvalidBlob(f"blob {index} has {len(blob)} bytes, expected {BYTES_PER_BLOB}")


def _not_canonical(index: int) -> InvalidBlob:
    return InvalidBlob(f"blob {index} holds a field element that is not below the modulus of BLS12-381")
