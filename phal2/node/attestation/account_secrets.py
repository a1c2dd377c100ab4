"""Signing as a Substrate account: the wallet's side of kind 3."""

from dataclasses import dataclass

import sr25519
from coincurve import PrivateKey
from nacl.signing import SigningKey

from phal2.node.attestation.errors import UnknownScheme
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519, account_id, blake2b_256


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """A secret of one scheme: 0 ed25519 seed, 1 sr25519 mini secret, 2 ecdsa (secp256k1) private key; 32 bytes each."""

    scheme: int
    secret: bytes


def public_key_of(secret: AccountSecret) -> bytes:
    """Return the public key: 32 bytes, or 33 (compressed) for ecdsa; raise `UnknownScheme` for other schemes."""
    if secret.scheme == ED25519:
        return bytes(SigningKey(secret.secret).verify_key)
    if secret.scheme == SR25519:
        public_key: bytes = sr25519.pair_from_seed(secret.secret)[0]
        return public_key
    if secret.scheme == ECDSA:
        return bytes(PrivateKey(secret.secret).public_key.format(compressed=True))
    raise UnknownScheme(secret.scheme, "0 (ed25519), 1 (sr25519) or 2 (ecdsa)")


def account_of(secret: AccountSecret) -> bytes:
    """Return the 32-byte account id that the secret controls."""
    return account_id(secret.scheme, public_key_of(secret))


def sign_message(secret: AccountSecret, message: bytes) -> bytes:
    """Return the raw signature: 64 bytes, or 65 (r, s, v with v 0 or 1, over BLAKE2b-256) for ecdsa."""
    if secret.scheme == ED25519:
        return bytes(SigningKey(secret.secret).sign(message).signature)
    if secret.scheme == SR25519:
        signature: bytes = sr25519.sign(sr25519.pair_from_seed(secret.secret), message)
        return signature
    if secret.scheme == ECDSA:
        return bytes(PrivateKey(secret.secret).sign_recoverable(blake2b_256(message), hasher=None))
    raise UnknownScheme(secret.scheme, "0 (ed25519), 1 (sr25519) or 2 (ecdsa)")
