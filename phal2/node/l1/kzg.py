"""KZG commitments and proofs of blobs, computed and checked in a process of its own.

Loading the trusted setup takes seconds, and ckzg holds the interpreter's lock meanwhile, so in the node's own process
even a thread would stop everything. The worker process is started, and loads, with the first blob; a program that never
meets one never pays. Parts of one program that meet blobs share one `KzgWorker`.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from phal2.node.l1.kzg_errors import KzgUnavailable
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.state.worker_process import WorkerFailed, WorkerProcess

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_LONGEST_SECONDS: Final = 60.0
"""For a call of a few blobs, on a busy machine."""

_LONGEST_FIRST_SECONDS: Final = 300.0
"""For one that starts the process, and so loads the setup: some three seconds of a processor, of which there may be a
fiftieth. Were it ended too soon it would begin again, and never end."""

_MOST_WAITING: Final = 64
"""Calls of some blobs each, so this bounds the memory that waiting blobs take."""


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
        from phal2.node.l1 import kzg_computation

        return await self._run(kzg_computation.commit_to_blobs, tuple(blobs))

    async def versioned_hashes(self, blobs: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the versioned hashes of blobs: half the work of `commit`. Raises `InvalidBlob`, `KzgUnavailable`."""
        from phal2.node.l1 import kzg_computation

        return await self._run(kzg_computation.versioned_hashes_of_blobs, tuple(blobs))

    async def verify(self, sidecars: Sequence[BlobSidecar]) -> tuple[BlobSidecar, ...]:
        """Check blobs against their commitments, much faster than `commit`, and return them with a proof each.

        Those that come with cell proofs take as long as with `commit`. Raises `InvalidKzgProof` where a proof does not
        hold, or `KzgUnavailable`.
        """
        from phal2.node.l1 import kzg_computation

        proofs = await self._run(kzg_computation.verify_sidecars, tuple(sidecars))
        return tuple(
            BlobSidecar(sidecar.blob, sidecar.commitment, proof)
            for sidecar, proof in zip(sidecars, proofs, strict=True)
        )

    async def close(self) -> None:
        """End the process and wait for it."""
        await self._worker.close()

    async def _run(self, function: Callable[[Argument], Result], argument: Argument) -> Result:
        longest_seconds = _LONGEST_FIRST_SECONDS if self._worker.process_id is None else _LONGEST_SECONDS
        try:
            return await self._worker.run(longest_seconds, function, argument)
        except WorkerFailed as error:
            raise KzgUnavailable(str(error)) from None
