"""Blobs that op-node encoded, and real sidecars with their KZG commitments."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from phal2.node.l1.kzg_computation import commit_to_blobs, verify_sidecars
from phal2.node.l1.kzg_errors import InvalidKzgProof
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.blobs import BLOB_SIZE, decode_blob, encode_blob


def hex_file(path: Path) -> bytes:
    return bytes.fromhex(path.read_text().strip().removeprefix("0x"))


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_blobs_of_op_node_re_encode_byte_for_byte(vectors: Path, number: int) -> None:
    blob = hex_file(vectors / "blobs" / f"blob{number}.txt")
    assert len(blob) == BLOB_SIZE
    assert encode_blob(decode_blob(blob)) == blob


def test_blob_9_holds_the_data_that_op_node_decodes(vectors: Path) -> None:
    data = decode_blob(hex_file(vectors / "blobs" / "blob9.txt"))
    assert len(data) == 3_220
    assert data == hex_file(vectors / "blobs" / "blob9_decode.txt")


def test_real_sidecars_hold_against_their_commitments_and_no_others(vectors: Path) -> None:
    document = json.loads((vectors / "blobs" / "eth_v1_beacon_blob_sidecars_7422094_goerli.json").read_text())
    sidecars = [
        BlobSidecar(*(bytes.fromhex(sidecar[field][2:]) for field in ("blob", "kzg_commitment", "kzg_proof")))
        for sidecar in document["data"]
    ]
    assert len(sidecars) == 5
    verify_sidecars(sidecars)
    first, second = sidecars[:2]
    assert commit_to_blobs([first.blob]) == (first,)
    for wrong in (
        replace(first, commitment=second.commitment),
        replace(first, proof=second.proof),
        replace(first, blob=first.blob[:-1] + bytes([first.blob[-1] ^ 1])),
    ):
        with pytest.raises(InvalidKzgProof):
            verify_sidecars([wrong])
