"""Recoverable secp256k1 signatures (Yellow Paper, appendix F; low s by EIP-2)."""

from functools import lru_cache
from typing import Final

from coincurve import PrivateKey
from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # compiled, without stubs
from coincurve.context import GLOBAL_CONTEXT

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256

SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECP256K1_HALF_ORDER: Final = SECP256K1_ORDER // 2

# Recovering is what a plain transfer costs most, so libsecp256k1 is called without coincurve's objects around it.
_SIGNATURE: Final = ffi.typeof("secp256k1_ecdsa_recoverable_signature *")
_PUBLIC_KEY: Final = ffi.typeof("secp256k1_pubkey *")
_BYTES: Final = ffi.typeof("unsigned char[]")
_SIZE: Final = ffi.typeof("size_t *")
_COMPRESSED: Final = lib.SECP256K1_EC_COMPRESSED
_UNCOMPRESSED: Final = lib.SECP256K1_EC_UNCOMPRESSED


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
    # libsecp256k1 ends the process where an argument is not what its documentation asks for.
    if len(digest) != 32 or len(signature) != 65 or signature[64] > 3:
        return None
    context, parsed, public_key = GLOBAL_CONTEXT.ctx, ffi.new(_SIGNATURE), ffi.new(_PUBLIC_KEY)
    if not lib.secp256k1_ecdsa_recoverable_signature_parse_compact(context, parsed, signature, signature[64]):
        return None
    if not lib.secp256k1_ecdsa_recover(context, public_key, parsed, digest):
        return None
    length = 33 if compressed else 65
    encoded, size = ffi.new(_BYTES, length), ffi.new(_SIZE, length)
    lib.secp256k1_ec_pubkey_serialize(context, encoded, size, public_key, _COMPRESSED if compressed else _UNCOMPRESSED)
    return bytes(ffi.buffer(encoded))


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
