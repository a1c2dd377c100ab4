"""SHA-256, RIPEMD-160, and the compression function of BLAKE2b (EIP-152)."""

import hashlib
import struct
from typing import Final

from phal2.node.state.precompiles.precompile import PrecompileFailure

BLAKE2_INPUT_LENGTH: Final = 213

_MASK: Final = (1 << 64) - 1
_INITIAL_VECTOR: Final = (
    0x6A09E667F3BCC908,
    0xBB67AE8584CAA73B,
    0x3C6EF372FE94F82B,
    0xA54FF53A5F1D36F1,
    0x510E527FADE682D1,
    0x9B05688C2B3E6C1F,
    0x1F83D9ABFB41BD6B,
    0x5BE0CD19137E2179,
)
_SIGMA: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_MIXES: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


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
    state = struct.unpack("<8Q", data[4:68])
    block = struct.unpack("<16Q", data[68:196])
    low, high = struct.unpack("<2Q", data[196:212])
    vector = [*state, *_INITIAL_VECTOR]
    vector[12] ^= low
    vector[13] ^= high
    if data[212]:
        vector[14] ^= _MASK
    for index in range(blake2_rounds(data)):
        sigma = _SIGMA[index % 10]
        for position, (a, b, c, d) in enumerate(_MIXES):
            _mix(vector, a, b, c, d, block[sigma[2 * position]], block[sigma[2 * position + 1]])
    return struct.pack("<8Q", *(state[i] ^ vector[i] ^ vector[i + 8] for i in range(8)))


def _mix(vector: list[int], a: int, b: int, c: int, d: int, x: int, y: int) -> None:
    """Mix two words of the block into four of the vector, with rotations by 32, 24, 16 and 63 bits."""
    va, vb, vc, vd = vector[a], vector[b], vector[c], vector[d]
    va = (va + vb + x) & _MASK
    vd ^= va
    vd = (vd >> 32 | vd << 32) & _MASK
    vc = (vc + vd) & _MASK
    vb ^= vc
    vb = (vb >> 24 | vb << 40) & _MASK
    va = (va + vb + y) & _MASK
    vd ^= va
    vd = (vd >> 16 | vd << 48) & _MASK
    vc = (vc + vd) & _MASK
    vb ^= vc
    vb = (vb >> 63 | vb << 1) & _MASK
    vector[a], vector[b], vector[c], vector[d] = va, vb, vc, vd
