"""Blobs that op-node encoded, and real sidecars with their KZG commitments."""

import json
from pathlib import Path

import pytest

from phal2.node.protocol.blobs import BLOB_SIZE, decode_blob, encode_blob
from phal2.node.protocol.kzg import blob_commitment, blob_proof, is_blob_of, versioned_hash


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


def test_real_sidecars_hold_against_their_commitments(vectors: Path) -> None:
    document = json.loads((vectors / "blobs" / "eth_v1_beacon_blob_sidecars_7422094_goerli.json").read_text())
    sidecars = [
        tuple(bytes.fromhex(sidecar[field][2:]) for field in ("blob", "kzg_commitment", "kzg_proof"))
        for sidecar in document["data"]
    ]
    assert len(sidecars) == 5
    for blob, commitment, proof in sidecars:
        assert is_blob_of(blob, commitment, proof)
        assert blob_commitment(blob) == commitment
        assert versioned_hash(commitment)[0] == 1
    blob, commitment, proof = sidecars[0]
    assert blob_proof(blob, commitment) == proof
    assert not is_blob_of(blob, sidecars[1][1], proof)
    assert not is_blob_of(blob[:-1] + bytes([blob[-1] ^ 1]), commitment, proof)
