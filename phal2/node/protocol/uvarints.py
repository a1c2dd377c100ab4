"""Unsigned integers of at most 64 bits in seven-bit groups, least significant first (Protocol Buffers "varint").

As in Go's encoding/binary, which op-node reads with, a longer form than the shortest is accepted.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding

_LONGEST: Final = 10


class InvalidUvarint(InvalidEncoding):
    """An integer that the bytes end within, or that goes beyond 64 bits."""


def encode_uvarint(value: int) -> bytes:
    """Return the shortest form of an integer below 2**64."""
    if not 0 <= value < 1 << 64:
        raise ValueError(f"a uvarint is at least 0 and below 2**64, got {value}")
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_uvarints(values: Iterable[int]) -> bytes:
    """Return the shortest forms of integers one after the other."""
    return b"".join(map(encode_uvarint, values))


def read_uvarint(data: bytes, offset: int) -> tuple[int, int]:
    """Return the integer at `offset` and the offset behind it; raise `InvalidUvarint`."""
    value = 0
    for index, byte in enumerate(data[offset : offset + _LONGEST]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, offset + index + 1
    else:
        if len(data) - offset < _LONGEST:
            raise InvalidUvarint("the bytes end within an integer")
    raise InvalidUvarint("integer beyond 64 bits")


def read_uvarints(data: bytes, offset: int, count: int) -> tuple[Sequence[int], int]:
    """Return `count` integers from `offset` on, and the offset behind them; raise `InvalidUvarint`."""
    if count > len(data) - offset:
        raise InvalidUvarint(f"{count} integers expected, but only {max(0, len(data) - offset)} bytes are left")
    column = data[offset : offset + count]
    if column.isascii():
        # Each integer is a byte of its own, so the bytes are the integers: a million of them cost nothing more.
        return column, offset + count
    values = []
    end = len(data)
    for _ in range(count):
        if offset < end and data[offset] < 0x80:
            values.append(data[offset])
            offset += 1
        else:
            value, offset = read_uvarint(data, offset)
            values.append(value)
    return values, offset
