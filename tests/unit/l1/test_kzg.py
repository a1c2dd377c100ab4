"""KZG in its own process: commitments, proofs, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import ckzg
import pytest
import pytest_asyncio

from phal2.node.l1 import kzg as kzg_module
from phal2.node.l1.kzg import KzgWorker
from phal2.node.l1.kzg_errors import InvalidBlob, InvalidKzgProof, KzgUnavailable
from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar
from phal2.node.state.precompiles.point_evaluation import trusted_setup

EMPTY_BLOB = bytes(BYTES_PER_BLOB)
INFINITY = b"\xc0" + bytes(47)
"""The commitment to the polynomial 0, and the proof for it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kzg() -> AsyncIterator[KzgWorker]:
    worker = KzgWorker()
    yield worker
    await worker.close()


@pytest.mark.asyncio(loop_scope="module")
class TestKzgWorker:
    async def test_the_empty_blob_has_the_known_commitment(self, kzg: KzgWorker) -> None:
        (sidecar,) = await kzg.commit([EMPTY_BLOB])

        assert sidecar == BlobSidecar(EMPTY_BLOB, INFINITY, INFINITY)
        assert await kzg.versioned_hashes([EMPTY_BLOB]) == (sidecar.versioned_hash,)
        # EIP-4844's tests and many block explorers show this hash.
        assert sidecar.versioned_hash.hex() == "010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"

    async def test_what_was_committed_to_verifies_and_nothing_else(self, kzg: KzgWorker) -> None:
        blob = b"".join(number.to_bytes(32, "big") for number in range(4096))
        sidecar, other = await kzg.commit([blob, EMPTY_BLOB])
        await kzg.verify([sidecar, other])

        for wrong in (
            replace(sidecar, proof=other.proof),
            replace(sidecar, commitment=other.commitment),
            replace(sidecar, blob=b"\x01" + blob[1:]),
            replace(sidecar, commitment=b"\xff" * 48),
            replace(sidecar, blob=b"\xff" * BYTES_PER_BLOB),
        ):
            with pytest.raises(InvalidKzgProof):
                await kzg.verify([other, wrong])

    async def test_cell_proofs_are_checked_and_a_proof_of_the_blob_is_made(self, kzg: KzgWorker) -> None:
        blob = b"".join(number.to_bytes(32, "big") for number in range(4096))
        (expected,) = await kzg.commit([blob])
        _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, trusted_setup())
        sidecar = BlobSidecar(blob, expected.commitment, b"", tuple(proofs))

        assert await kzg.verify([expected, sidecar]) == (expected, expected)
        with pytest.raises(InvalidKzgProof):
            await kzg.verify([replace(sidecar, cell_proofs=(*proofs[1:], proofs[0]))])

    @pytest.mark.parametrize("blob", [b"\xff" * BYTES_PER_BLOB, bytes(BYTES_PER_BLOB - 1), b""])
    async def test_what_is_no_blob_has_no_commitment(self, kzg: KzgWorker, blob: bytes) -> None:
        with pytest.raises(InvalidBlob, match="blob 1"):
            await kzg.commit([EMPTY_BLOB, blob])

    async def test_a_crowd_is_refused_before_it_takes_memory(self, kzg: KzgWorker) -> None:
        answers = await asyncio.gather(*(kzg.verify([]) for _ in range(70)), return_exceptions=True)

        assert sum(isinstance(answer, KzgUnavailable) for answer in answers) == 6
        assert sum(answer == () for answer in answers) == 64


async def test_loading_the_setup_may_take_longer_than_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kzg_module, "_LONGEST_SECONDS", 1e-6)
    worker = KzgWorker()
    # The first call loads the setup, and is given the time.
    assert await worker.commit([EMPTY_BLOB])
    with pytest.raises(KzgUnavailable, match="no answer within"):
        await worker.commit([EMPTY_BLOB])
    # That one ended the process, so the next one loads again.
    assert await worker.commit([EMPTY_BLOB])
    await worker.close()
