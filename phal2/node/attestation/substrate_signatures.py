"""Signatures of Substrate accounts: ed25519, sr25519 and ecdsa, as `sp-core` makes and checks them.

The account id (AccountId32) of an ed25519 or sr25519 key is the key, of an ecdsa key BLAKE2b-256 of its 33 compressed
bytes.
"""

from hashlib import blake2b
from typing import Final

import sr25519
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from phal2.node.attestation.errors import AccountSignatureInvalid, ForgeableKey, MalformedEvidence, UnknownScheme
from phal2.node.attestation.forgeable_keys import SR25519_IDENTITY, is_forgeable_ed25519
from phal2.node.attestation.rust_panics import is_rust_panic
from phal2.node.protocol.signatures import SECP256K1_HALF_ORDER, SECP256K1_ORDER, recover_public_key

ED25519: Final = 0
SR25519: Final = 1
ECDSA: Final = 2
MULTISIG: Final = 3

SCHEME_NAMES: Final = {ED25519: "ed25519", SR25519: "sr25519", ECDSA: "ecdsa", MULTISIG: "multisig"}

SIGNATURE_LENGTHS: Final = {ED25519: 64, SR25519: 64, ECDSA: 65}

_KEY_LENGTHS: Final = {ED25519: 32, SR25519: 32, ECDSA: 33}


def account_id(scheme: int, public_key: bytes) -> bytes:
    """Return the 32-byte account id of a public key; raise where the key cannot be one.

    `UnknownScheme`, `MalformedEvidence` for a wrong length, `ForgeableKey` where anyone can sign for the key.
    """
    _expect_length(scheme, "public key", public_key, _KEY_LENGTHS)
    if scheme == ECDSA:
        return blake2b_256(public_key)
    if public_key == SR25519_IDENTITY if scheme == SR25519 else is_forgeable_ed25519(public_key):
        raise ForgeableKey(public_key)
    return public_key


def verify_signature(scheme: int, public_key: bytes, signature: bytes, messages: tuple[bytes, ...]) -> None:
    """Check that `public_key` signed one of `messages`; raise `AccountSignatureInvalid`, or as `account_id`."""
    account = account_id(scheme, public_key)
    _expect_length(scheme, "signature", signature, SIGNATURE_LENGTHS)
    if scheme == ECDSA:
        if not any(_recover_ecdsa_key(signature, message) == public_key for message in messages):
            raise _mismatch(scheme, account)
        return
    verifies = _verifies_ed25519 if scheme == ED25519 else _verifies_sr25519
    if not any(verifies(public_key, signature, message) for message in messages):
        raise _mismatch(scheme, account)


def verify_account_signature(scheme: int, account: bytes, signature: bytes, messages: tuple[bytes, ...]) -> None:
    """Check a signature against an account id, by which multisigs name signatories; raise as `verify_signature`."""
    if scheme != ECDSA:
        verify_signature(scheme, account, signature, messages)
        return
    _expect_length(scheme, "signature", signature, SIGNATURE_LENGTHS)
    for message in messages:
        public_key = _recover_ecdsa_key(signature, message)
        if public_key is not None and blake2b_256(public_key) == account:
            return
    raise _mismatch(scheme, account)


def blake2b_256(data: bytes) -> bytes:
    """Return the 32-byte BLAKE2b digest, Substrate's usual hash."""
    return blake2b(data, digest_size=32).digest()


def _verifies_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    # libsodium compares the encodings of R (no multiplication by the cofactor) and refuses an s that is not reduced.
    try:
        VerifyKey(public_key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def _verifies_sr25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        return bool(sr25519.verify(signature, message, public_key))
    except ValueError:  # a key or signature that encodes no point, or no reduced scalar
        return False
    except BaseException as error:
        if not is_rust_panic(error):
            raise
        return False


def _recover_ecdsa_key(signature: bytes, message: bytes) -> bytes | None:
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:64], "big")
    if signature[64] > 1 or not 0 < r < SECP256K1_ORDER or not 0 < s <= SECP256K1_HALF_ORDER:
        return None
    return recover_public_key(blake2b_256(message), signature, compressed=True)


def _expect_length(scheme: int, what: str, data: bytes, lengths: dict[int, int]) -> None:
    if scheme not in lengths:
        raise UnknownScheme(scheme, "0 (ed25519), 1 (sr25519) or 2 (ecdsa)")
    if len(data) != lengths[scheme]:
        raise MalformedEvidence(3, f"{SCHEME_NAMES[scheme]} {what} of {len(data)} bytes, expected {lengths[scheme]}")


def _mismatch(scheme: int, account: bytes) -> AccountSignatureInvalid:
    return AccountSignatureInvalid(
        SCHEME_NAMES[scheme], account, "does not match the statement's text, neither bare nor in <Bytes>…</Bytes>"
    )
