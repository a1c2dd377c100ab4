"""How channels are compressed, and their decompression in bounded pieces (OP Stack "Channel Format").

A channel says by its first byte how it is compressed: zlib where the low nibble is 8, brotli where the byte is 1.
"""

import zlib
from collections.abc import Iterator
from enum import Enum
from itertools import chain
from typing import Any, Final, Protocol

from phal2.node.protocol.errors import InvalidEncoding

BROTLI_CHANNEL: Final = 0x01
"""First byte of a channel that is compressed with brotli; the stream follows it."""

_DEFLATE: Final = 8
_LARGEST_WINDOW: Final = 7
_PRESET_DICTIONARY: Final = 0x20
_RAW_DEFLATE: Final = -15
_PIECE: Final = 65_536
_BROTLI_INPUT: Final = 4096
_BROTLI_PIECE: Final = 32_000
_BEST_ZLIB: Final = 9
_BROTLI_QUALITY: Final = 9
"""One of those that op-batcher offers: quality 10 saves one or two bytes in a thousand and takes ten times as long."""


class InvalidChannel(InvalidEncoding):
    """A channel that cannot be decompressed, or holds something other than byte strings. The rest of it is dropped."""


class Compression(Enum):
    """How a channel is compressed."""

    ZLIB = "zlib"
    BROTLI = "brotli"


class Compressor(Protocol):
    """Compresses a stream piece by piece."""

    def compress(self, data: bytes) -> bytes:
        """Take a piece of the stream and return what of the compressed one is ready."""

    def finish(self) -> bytes:
        """Return the rest of the compressed stream."""

    def pending_size(self) -> tuple[bytes, int]:
        """Return what is ready, and how many bytes `finish` would return beyond that."""


def compressor(compression: Compression) -> Compressor:
    """Return a new compressor whose stream begins with what tells readers how it is compressed."""
    return _BrotliCompressor() if compression is Compression.BROTLI else _ZlibCompressor()


def compression_of(data: bytes) -> Compression:
    """Return how a channel is compressed; raise `InvalidChannel` where its first bytes do not say."""
    if data[:1] == bytes([BROTLI_CHANNEL]):
        return Compression.BROTLI
    if len(data) < 2:
        raise InvalidChannel(f"channel of {len(data)} bytes, expected at least a zlib header of 2")
    method, flags = data[0], data[1]
    if method & 0x0F != _DEFLATE or method >> 4 > _LARGEST_WINDOW:
        raise InvalidChannel(f"channel begins with 0x{method:02x}, expected zlib (0x78) or brotli (0x01)")
    if (method << 8 | flags) % 31 != 0 or flags & _PRESET_DICTIONARY:
        raise InvalidChannel(f"channel begins with the malformed zlib header 0x{method:02x}{flags:02x}")
    return Compression.ZLIB


def decompress(data: bytes) -> Iterator[bytes]:
    """Yield the content of a channel in pieces of at most 64 KiB; raise `InvalidChannel` where it turns out corrupt.

    What comes before the corruption is yielded first, but for what its last compressed byte would have added. The
    checksum at the end of a zlib stream is not looked at, and bytes behind the stream are ignored: neither could change
    what was read. A stream that is cut off ends without an error.
    """
    return _unbrotli(data) if compression_of(data) is Compression.BROTLI else _inflate(data)


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


def _unbrotli(data: bytes) -> Iterator[bytes]:
    from brotli import Decompressor, error

    decoder = Decompressor()
    done = 0
    for start in range(1, len(data), _BROTLI_INPUT):
        try:
            for piece in _pieces(decoder, data[start : start + _BROTLI_INPUT]):
                yield piece
                done += len(piece)
        except error:
            # A failing call loses what it had already decompressed, and bytes behind the stream make it fail, too. So
            # the stream is read anew, this time with calls that each add a single byte from here on.
            yield from _from_byte_to_byte(data, start, done)
            return
        if decoder.is_finished():
            return


def _from_byte_to_byte(data: bytes, start: int, done: int) -> Iterator[bytes]:
    """Yield the content of a brotli channel beyond its first `done` bytes; it is not corrupt before `start`."""
    from brotli import Decompressor, error

    decoder = Decompressor()
    inputs = (data[begin : begin + _BROTLI_INPUT] for begin in range(1, start, _BROTLI_INPUT))
    single_bytes = (data[position : position + 1] for position in range(start, len(data)))
    for received in chain(inputs, single_bytes):
        try:
            for piece in _pieces(decoder, received):
                if len(piece) > done:
                    yield piece[done:]
                done = max(0, done - len(piece))
        except error as failure:
            raise InvalidChannel(f"channel with a corrupt brotli stream ({failure})") from None
        if decoder.is_finished():
            return


def _pieces(decoder: Any, received: bytes) -> Iterator[bytes]:
    """Yield what a brotli decoder makes of further bytes, in pieces of no more than 32 KiB."""
    piece = decoder.process(received, output_buffer_limit=_BROTLI_PIECE)
    while piece:
        yield piece
        if decoder.is_finished():
            return
        # The decoder may hold more output, though it has taken in all that it was given.
        piece = decoder.process(b"", output_buffer_limit=_BROTLI_PIECE)


class _ZlibCompressor:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(_BEST_ZLIB)

    def compress(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def finish(self) -> bytes:
        return self._stream.flush()

    def pending_size(self) -> tuple[bytes, int]:
        return b"", len(self._stream.copy().flush())


class _BrotliCompressor:
    def __init__(self) -> None:
        from brotli import Compressor as Stream

        self._stream = Stream(quality=_BROTLI_QUALITY)
        self._head = bytes([BROTLI_CHANNEL])

    def compress(self, data: bytes) -> bytes:
        ready: bytes = self._stream.process(data)
        return self._taken() + ready

    def finish(self) -> bytes:
        ready: bytes = self._stream.finish()
        return self._taken() + ready

    def pending_size(self) -> tuple[bytes, int]:
        # The stream cannot be copied. Flushing it costs some bytes, and then one byte ends it.
        ready: bytes = self._stream.flush()
        return self._taken() + ready, 1

    def _taken(self) -> bytes:
        head, self._head = self._head, b""
        return head
