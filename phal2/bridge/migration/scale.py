"""The little of SCALE, Substrate's binary encoding, that a snapshot needs.

Source: https://docs.polkadot.com/polkadot-protocol/basics/data-encoding (SCALE codec).
"""

from typing import Final

_SINGLE_BYTE_LIMIT: Final = 1 << 6
_TWO_BYTE_LIMIT: Final = 1 << 14
_FOUR_BYTE_LIMIT: Final = 1 << 30


def encode_compact(number: int) -> bytes:
    """Return the compact encoding of a non-negative integer below 2**536. Raises ValueError outside that range."""
    if number < 0:
        raise ValueError(f"a compact integer cannot be negative, got {number}")
    if number < _SINGLE_BYTE_LIMIT:
        return bytes((number << 2,))
    if number < _TWO_BYTE_LIMIT:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < _FOUR_BYTE_LIMIT:
        return (number << 2 | 2).to_bytes(4, "little")
    length = (number.bit_length() + 7) // 8
    if length > 67:
        raise ValueError(f"a compact integer has at most 67 bytes, got {length}")
    return bytes(((length - 4) << 2 | 3,)) + number.to_bytes(length, "little")


def encode_bytes(data: bytes) -> bytes:
    """Return the encoding of a byte vector: its compact length, then the bytes."""
    return encode_compact(len(data)) + data


def decode_fixed(data: bytes, offset: int, size: int) -> int:
    """Read the little-endian unsigned integer of `size` bytes at `offset`; the caller has checked the length."""
    return int.from_bytes(data[offset : offset + size], "little")
