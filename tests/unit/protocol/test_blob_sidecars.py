"""The network form of blob transactions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.blob_sidecars import (
    BYTES_PER_BLOB,
    BlobSidecar,
    MalformedSidecar,
    decode_network_form,
    encode_network_form,
    require_named,
    versioned_hash,
)
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import BlobTransaction

BLOB = bytes(BYTES_PER_BLOB)
SIDECAR = BlobSidecar(BLOB, b"\x0c" * 48, b"\x0d" * 48)


def envelope(*hashes: bytes) -> bytes:
    return encode_transaction(BlobTransaction(31337, 0, 1, 2, 21_000, b"\x01" * 20, 0, b"", (), 1, hashes, 0, 1, 1))


ENVELOPE = envelope(SIDECAR.versioned_hash)
FIELDS: list[Any] = [rlp.decode(ENVELOPE[1:]), [BLOB], [SIDECAR.commitment], [SIDECAR.proof]]


def network_form(fields: list[Any]) -> bytes:
    return b"\x03" + rlp.encode(fields)


@given(st.integers(1, 6))
def test_what_was_encoded_is_read_again(count: int) -> None:
    sidecars = tuple(BlobSidecar(BLOB, bytes([index]) * 48, b"\x0d" * 48) for index in range(count))
    raw = envelope(*(sidecar.versioned_hash for sidecar in sidecars))

    assert decode_network_form(encode_network_form(raw, sidecars)) == (raw, sidecars)
    require_named([sidecar.versioned_hash for sidecar in sidecars], sidecars)


def test_cell_proofs_are_read_blob_by_blob() -> None:
    proofs = [bytes([number]) * 48 for number in range(256)]
    fields = [FIELDS[0], b"\x01", [BLOB, BLOB], [SIDECAR.commitment] * 2, proofs]

    raw, sidecars = decode_network_form(network_form(fields))

    assert raw == ENVELOPE
    assert [sidecar.cell_proofs for sidecar in sidecars] == [tuple(proofs[:128]), tuple(proofs[128:])]
    assert {sidecar.proof for sidecar in sidecars} == {b""}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ENVELOPE, "without its sidecar"),
        (b"\x03\xc0", "without its sidecar"),
        (b"\x02\xc0", "not a blob transaction"),
        (network_form([FIELDS[0], b"\x01", *FIELDS[1:]]), "expected 1 commitment and 128 proofs for each blob"),
        (network_form([FIELDS[0], b"\x02", *FIELDS[1:]]), "an unknown version of the network form, expected 1"),
        (network_form([*FIELDS, [], []]), "6 parts, expected 4"),
        (network_form(FIELDS[:3]), "3 parts, expected 4"),
        (network_form([FIELDS[0], [BLOB, BLOB], *FIELDS[2:]]), "2 blobs, 1 commitments and 1 proofs"),
        (network_form([FIELDS[0], [BLOB[1:]], *FIELDS[2:]]), "blob 0 of the sidecar has 131071 bytes, expected 131072"),
        (network_form([*FIELDS[:2], [b"\x0c" * 47], FIELDS[3]]), "commitment 0 of the sidecar has 47 bytes"),
        (network_form([*FIELDS[:3], [b"\x0d" * 49]]), "proof 0 of the sidecar has 49 bytes"),
        (network_form([*FIELDS[:3], b"\x0d" * 48]), "expected a list"),
        (network_form(FIELDS) + b"\x00", "trailing"),
    ],
)
def test_another_form_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidEncoding, match=reason):
        decode_network_form(raw)


def test_sidecars_must_be_those_that_the_transaction_names() -> None:
    other = BlobSidecar(BLOB, b"\x0e" * 48, SIDECAR.proof)
    with pytest.raises(MalformedSidecar, match="names 2 blobs, its sidecar has 1"):
        require_named([SIDECAR.versioned_hash] * 2, [SIDECAR])
    with pytest.raises(MalformedSidecar, match="blob 1: the transaction names"):
        require_named([SIDECAR.versioned_hash] * 2, [SIDECAR, other])


def test_the_versioned_hash_is_a_version_and_most_of_a_sha256() -> None:
    # EIP-4844: 0x01 ++ sha256(commitment)[1:], for the commitment to the empty blob.
    assert (
        versioned_hash(b"\xc0" + bytes(47)).hex() == "010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"
    )
