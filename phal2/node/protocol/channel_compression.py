"""Decompression of a channel in bounded pieces (OP Stack "Channel Format").

A channel says by its first byte how it is compressed: zlib where the low nibble is 8 or 15, brotli where it is 1.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding

_DEFLATE: Final = 8
_LARGEST_WINDOW: Final = 7
_PRESET_DICTIONARY: Final = 0x20
_RAW_DEFLATE: Final = -15
_PIECE: Final = 65_536


class InvalidChannel(InvalidEncoding):
    """A channel that cannot be decompressed, or holds something other than byte strings. The rest of it is dropped."""


def decompress(data: bytes) -> Iterator[bytes]:
    """Yield the content of a channel in pieces of at most 64 KiB; raise `InvalidChannel` where it turns out corrupt.

    What comes before the corruption is yielded first, but for its last byte. The checksum at the end of a zlib stream
    is not looked at, and bytes behind the stream are ignored: neither could change what was read. A stream that is
    cut off ends without an error.
    """
    if len(data) < 2:
        raise InvalidChannel(f"channel of {len(data)} bytes, expected at least a zlib header of 2")
    method, flags = data[0], data[1]
    if method & 0x0F != _DEFLATE or method >> 4 > _LARGEST_WINDOW:
        raise InvalidChannel(f"channel begins with 0x{method:02x}, expected a zlib stream (0x78)")
    if (method << 8 | flags) % 31 != 0 or flags & _PRESET_DICTIONARY:
        raise InvalidChannel(f"channel begins with the malformed zlib header 0x{method:02x}{flags:02x}")
    return _inflate(data)


def _inflate(data: bytes) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    position = 2
    pending = b""
    limit = _PIECE
    while not inflater.eof:
        if not pending:
            pending = data[position : position + _PIECE]
            position += len(pending)
        # A failing call loses what it had already decompressed, so it is repeated on a copy with ever smaller limits.
        # What is yielded thereby does not depend on how a zlib library divides its work, and nodes cannot disagree.
        checkpoint = inflater.copy()
        try:
            piece = inflater.decompress(pending, limit)
        except zlib.error as error:
            if limit == 1:
                raise InvalidChannel(f"channel with a corrupt zlib stream ({error})") from None
            inflater, limit = checkpoint, limit // 2
            continue
        ends = not pending and not piece
        pending = inflater.unconsumed_tail
        if piece:
            yield piece
        if ends:
            return
