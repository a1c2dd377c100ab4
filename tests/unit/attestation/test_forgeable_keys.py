"""Public keys for which anyone can sign, and the strictness of signature checks around them."""

import hashlib

import pytest
import sr25519
from attested_calls import (
    CALL,
    ED25519_SECRET,
    NOTE,
    SR25519_SECRET,
    VALID_UNTIL,
    account_signed,
    verify,
    with_evidence,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.attestation.account_secrets import AccountSecret, account_of, public_key_of
from phal2.node.attestation.account_text import AccountStatement, account_text
from phal2.node.attestation.errors import AccountSignatureInvalid, ForgeableKey
from phal2.node.attestation.forgeable_keys import is_forgeable_account, is_forgeable_ed25519
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.substrate_signatures import ED25519, verify_signature

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
ORDER_8_Y = [
    int.from_bytes(bytes.fromhex(encoded), "little")
    for encoded in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
]
REFUSED_KEYS = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, PRIME - 1, *ORDER_8_Y, *range(PRIME, 2**255))
    for sign in (0, 1)
]
TEXT = account_text(AccountStatement(CALL.chain_id, CALL.to, CALL.data, VALID_UNTIL, NOTE))


def test_the_points_of_order_8_are_those_whose_double_has_order_4():
    # On -x² + y² = 1 + d·x²·y² the double of a point has y = 0, and so order 4, where y² = -x².
    for y in ORDER_8_Y:
        assert (CURVE_D * y**4 + 2 * y**2 - 1) % PRIME == 0


def test_the_sr25519_identity_can_be_forged_and_is_refused():
    forged = bytes(63) + b"\x80"
    attestation = account_signed(SR25519_SECRET)
    assert sr25519.verify(forged, TEXT, bytes(32))

    with pytest.raises(ForgeableKey, match="00" * 32):
        verify(with_evidence(attestation, b"\x01", bytes(32), forged, NOTE))


def test_an_ed25519_identity_can_be_forged_and_is_refused():
    base_point = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")
    identity = (1).to_bytes(32, "little")
    forged = base_point + (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, TEXT)

    with pytest.raises(ForgeableKey):
        verify(with_evidence(account_signed(), b"", identity, forged, NOTE))


@pytest.mark.parametrize("key", REFUSED_KEYS, ids=lambda key: key.hex()[:4] + "…" + key.hex()[-2:])
def test_small_order_and_non_canonical_ed25519_keys_are_refused(key):
    attestation = account_signed(ED25519_SECRET)
    _, _, signature, note = attestation.evidence

    assert is_forgeable_ed25519(key)
    with pytest.raises(ForgeableKey):
        verify(with_evidence(attestation, b"", key, signature, note))


@pytest.mark.parametrize("key", [bytes(32), *REFUSED_KEYS], ids=lambda key: key.hex()[:4] + "…" + key.hex()[-2:])
def test_they_are_refused_as_signatories(key):
    with pytest.raises(ForgeableKey):
        multisig_account(1, tuple(sorted((key, account_of(SR25519_SECRET)))))


@given(seed=st.binary(min_size=32, max_size=32))
def test_real_keys_are_not_refused(seed):
    assert not is_forgeable_account(public_key_of(AccountSecret(ED25519, seed)))
    assert not is_forgeable_account(sr25519.pair_from_seed(seed)[0])


def test_keys_below_the_prime_are_canonical():
    assert not is_forgeable_ed25519((PRIME - 2).to_bytes(32, "little"))


def test_a_scalar_above_the_order_is_refused():
    attestation = account_signed(ED25519_SECRET)
    scheme, key, signature, note = attestation.evidence
    scalar = int.from_bytes(signature[32:], "little") + ORDER

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, scheme, key, signature[:32] + scalar.to_bytes(32, "little"), note))


def test_signatures_that_only_hold_up_to_the_cofactor_are_refused():
    # Key 12345·B + T with T of order 8, nonce point 777·B: s·B = R + k·A holds after multiplication by 8 alone.
    key, signature, message = _mixed_order_signature()

    with pytest.raises(AccountSignatureInvalid):
        verify_signature(ED25519, key, signature, (message,))


def test_a_nonce_point_of_small_order_is_refused():
    seed = b"\x41" * 32
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(bytes([digest[0] & 248, *digest[1:31], digest[31] & 63 | 64]), "little")
    public = public_key_of(AccountSecret(ED25519, seed))
    identity = (1).to_bytes(32, "little")
    challenge = int.from_bytes(hashlib.sha512(identity + public + TEXT).digest(), "little") % ORDER
    signature = identity + (challenge * secret % ORDER).to_bytes(32, "little")

    with pytest.raises(AccountSignatureInvalid):
        verify_signature(ED25519, public, signature, (TEXT,))


def _mixed_order_signature() -> tuple[bytes, bytes, bytes]:
    key = bytes.fromhex("40a4cf5c611d737a2f1c6fcca84d9cabfed80987f186a5a6c57e629bff1af27f")
    nonce_point = bytes.fromhex("1d84c09c915b1e355f4130b3950f6754270b37696f36f1b6ca5d4a9b4cf48860")
    message = b"cofactor"
    challenge = int.from_bytes(hashlib.sha512(nonce_point + key + message).digest(), "little") % ORDER
    assert challenge % 8 != 0
    scalar = (777 + challenge * 12345) % ORDER
    return key, nonce_point + scalar.to_bytes(32, "little"), message
