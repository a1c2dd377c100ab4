"""Recoverable secp256k1 signatures (Yellow Paper, appendix F; low s by EIP-2)."""

from functools import lru_cache
from typing import Final

from coincurve import PrivateKey, PublicKey

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256

SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECP256K1_HALF_ORDER: Final = SECP256K1_ORDER // 2


class InvalidSignature(InvalidTransaction):
    """A signature out of range, with a high s, or from which no key can be recovered."""


def recover_address(digest: bytes, y_parity: int, r: int, s: int) -> bytes:
    """Return the 20-byte address whose key signed the 32-byte `digest`, or raise `InvalidSignature`."""
    if y_parity not in (0, 1):
        raise InvalidSignature(f"y parity is {y_parity}, expected 0 or 1")
    if not 0 < r < SECP256K1_ORDER:
        raise InvalidSignature("signature r is zero or not below the curve's order")
    if not 0 < s <= SECP256K1_HALF_ORDER:
        raise InvalidSignature("signature s is zero or above half of the curve's order (EIP-2)")
    public_key = recover_public_key(digest, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity]))
    if public_key is None:
        raise InvalidSignature("no public key can be recovered from the signature")
    return address_of_public_key(public_key)


def recover_public_key(digest: bytes, signature: bytes, *, compressed: bool = False) -> bytes | None:
    """Return the public key whose owner signed the 32-byte `digest`, of 65 bytes or 33; None where there is none.

    `signature` is r, s and the y parity, 65 bytes. Ranges beyond those of libsecp256k1 are the caller's to check.
    """
    try:
        public_key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception:  # coincurve raises a bare Exception where no key can be recovered
        return None
    return bytes(public_key.format(compressed=compressed))


def sign(digest: bytes, private_key: bytes) -> tuple[int, int, int]:
    """Sign a 32-byte digest with a 32-byte key (RFC 6979, low s); return (y_parity, r, s)."""
    signature = PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


def address_of_public_key(uncompressed_public_key: bytes) -> bytes:
    """Return the 20-byte address of a 65-byte uncompressed public key."""
    return keccak256(uncompressed_public_key[1:])[12:]


@lru_cache(maxsize=256)
def address_of_private_key(private_key: bytes) -> bytes:
    """Return the 20-byte address of a 32-byte private key."""
    return address_of_public_key(PrivateKey(private_key).public_key.format(compressed=False))
