"""Recovering public keys and addresses from signatures."""

import pytest
from coincurve import PrivateKey, PublicKey
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.signatures import (
    SECP256K1_HALF_ORDER,
    SECP256K1_ORDER,
    InvalidSignature,
    address_of_private_key,
    recover_address,
    recover_public_key,
    sign,
)

digests = st.binary(min_size=32, max_size=32)
private_keys = st.integers(1, SECP256K1_ORDER - 1).map(lambda secret: secret.to_bytes(32, "big"))
words = st.one_of(
    st.integers(0, 2**256 - 1),
    st.sampled_from((0, 1, SECP256K1_HALF_ORDER, SECP256K1_ORDER - 1, SECP256K1_ORDER, 2**256 - 1)),
).map(lambda word: word.to_bytes(32, "big"))


@given(private_keys, digests)
def test_the_key_that_signed_is_recovered(private_key: bytes, digest: bytes) -> None:
    y_parity, r, s = sign(digest, private_key)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity])
    public_key = PrivateKey(private_key).public_key

    assert recover_address(digest, y_parity, r, s) == address_of_private_key(private_key)
    assert recover_public_key(digest, signature) == public_key.format(compressed=False)
    assert recover_public_key(digest, signature, compressed=True) == public_key.format(compressed=True)


@given(digests, words, words, st.integers(0, 255))
def test_any_bytes_give_the_key_that_coincurve_gives_or_none(digest: bytes, r: bytes, s: bytes, parity: int) -> None:
    signature = r + s + bytes([parity])
    try:
        expected = PublicKey.from_signature_and_message(signature, digest, hasher=None).format(compressed=False)
    except Exception:  # coincurve raises a bare Exception where no key can be recovered
        expected = None

    assert recover_public_key(digest, signature) == expected


@pytest.mark.parametrize(("digest_length", "signature_length"), [(31, 65), (33, 65), (0, 65), (32, 64), (32, 66)])
def test_bytes_of_another_length_are_no_signature(digest_length: int, signature_length: int) -> None:
    assert recover_public_key(b"\x01" * digest_length, b"\x01" * signature_length) is None


@pytest.mark.parametrize(
    ("y_parity", "r", "s"),
    [(2, 1, 1), (0, 0, 1), (0, SECP256K1_ORDER, 1), (0, 1, 0), (0, 1, SECP256K1_HALF_ORDER + 1), (0, 5, 1)],
)
def test_what_no_transaction_may_have_is_refused(y_parity: int, r: int, s: int) -> None:
    with pytest.raises(InvalidSignature):
        recover_address(bytes(32), y_parity, r, s)
