"""SHA-256, RIPEMD-160, and the compression function of BLAKE2b (EIP-152)."""

import hashlib
from typing import Final

from blake2b import decode_and_compress

from phal2.node.state.precompiles.precompile import PrecompileFailure

BLAKE2_INPUT_LENGTH: Final = 213


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest."""
    return hashlib.sha256(data).digest()


def ripemd160(data: bytes) -> bytes:
    """Return the RIPEMD-160 digest as a word."""
    return bytes(12) + hashlib.new("ripemd160", data).digest()


def blake2_rounds(data: bytes) -> int:
    """Return the number of rounds that the input asks for, which is also the price in gas."""
    return int.from_bytes(data[:4], "big") if len(data) == BLAKE2_INPUT_LENGTH else 0


def blake2_compress(data: bytes) -> bytes:
    """Return the 64-byte state after the compression function F (RFC 7693, section 3.2; input as in EIP-152)."""
    if len(data) != BLAKE2_INPUT_LENGTH:
        raise PrecompileFailure(f"BLAKE2F input of {len(data)} bytes, expected {BLAKE2_INPUT_LENGTH}")
    if data[212] > 1:
        raise PrecompileFailure(f"BLAKE2F final block flag is {data[212]}, expected 0 or 1")
    return bytes(decode_and_compress(data))
