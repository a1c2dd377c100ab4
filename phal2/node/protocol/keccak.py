"""Keccak-256, the hash of Ethereum (the padding of the original submission, not of SHA-3)."""

from typing import Final

from sha3 import keccak_256 as _keccak_256

HASH_LENGTH: Final = 32


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest of `data`."""
    digest: bytes = _keccak_256(data).digest()
    return digest


EMPTY_KECCAK: Final = keccak256(b"")
"""Code hash of an account without code."""
