"""Channels: compressed streams of batches that are cut into frames (OP Stack "Channel Format").

Decompressed, a channel is a sequence of RLP byte strings, each of which is a batch. At most
`MAXIMUM_CHANNEL_CONTENT` decompressed bytes count (Fjord); what lies beyond them is cut off.
"""

from collections.abc import Iterator
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SingularBatch, encode_batch
from phal2.node.protocol.channel_compression import Compression, InvalidChannel, compressor, decompress
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.frames import (
    CHANNEL_ID_LENGTH,
    FRAME_OVERHEAD,
    MAXIMUM_FRAME_DATA,
    MAXIMUM_FRAME_NUMBER,
    Frame,
)

MAXIMUM_CHANNEL_CONTENT: Final = 100_000_000
"""Decompressed bytes of a channel that count; from Holocene on also the greatest size of its frames together."""

FRAME_ACCOUNTING_OVERHEAD: Final = 200
"""Bytes that a frame counts for beside its data, against the greatest size of the frames of a channel."""

_LARGEST_FRAME: Final = FRAME_OVERHEAD + MAXIMUM_FRAME_DATA


class ChannelFull(Phal2Error):
    """A batch that does not fit into the channel. Close the channel and put the batch into another."""


def read_batches(channel: bytes, maximum_content: int = MAXIMUM_CHANNEL_CONTENT) -> Iterator[bytes]:
    """Yield the encoded batches of a channel; raise `InvalidChannel` at the point where it is malformed.

    No more than a batch is held in memory beside the compressed channel.
    """
    buffer = bytearray()
    left = maximum_content
    pieces = decompress(channel)
    while True:
        bounds = _string_bounds(buffer, left)
        if bounds is None or bounds[1] > len(buffer):
            piece = next(pieces, None)
            if piece is not None:
                buffer += piece
                continue
            if buffer:
                raise InvalidChannel("channel ends within a batch")
            return
        begin, end = bounds
        with memoryview(buffer) as view:
            batch = bytes(view[begin:end])
        del buffer[:end]
        left -= end
        yield batch


class ChannelWriter:
    """Compresses batches into one channel and cuts it into frames.

    `maximum_frame_size` is the wire size of a frame in bytes; `channel_id` must be unique, so take 16 random bytes.
    """

    def __init__(self, channel_id: bytes, maximum_frame_size: int, compression: Compression = Compression.ZLIB) -> None:
        if len(channel_id) != CHANNEL_ID_LENGTH:
            raise ValueError(f"a channel id has {CHANNEL_ID_LENGTH} bytes, got {len(channel_id)}")
        if not FRAME_OVERHEAD < maximum_frame_size <= _LARGEST_FRAME:
            raise ValueError(f"a frame has {FRAME_OVERHEAD + 1} to {_LARGEST_FRAME} bytes, got {maximum_frame_size}")
        self.channel_id = channel_id
        self._frame_data = maximum_frame_size - FRAME_OVERHEAD
        self._compressor = compressor(compression)
        self._compressed = bytearray()
        self._content_size = 0
        self.batch_count = 0

    def add_batch(self, batch: SingularBatch) -> None:
        """Append a singular batch; raise `ChannelFull`, with the channel unchanged, where readers would cut it off."""
        self.add_encoded_batch(encode_batch(batch))

    def add_encoded_batch(self, batch: bytes) -> None:
        """Append a batch of any version, encoded; raise `ChannelFull` as `add_batch` does."""
        encoded = rlp.encode_bytes(batch)
        if self._content_size + len(encoded) > MAXIMUM_CHANNEL_CONTENT:
            raise ChannelFull(
                f"a batch of {len(encoded)} bytes does not fit into a channel that holds {self._content_size} of "
                f"{MAXIMUM_CHANNEL_CONTENT}; close the channel first"
            )
        self._content_size += len(encoded)
        self._compressed += self._compressor.compress(encoded)
        self.batch_count += 1

    def compressed_size(self) -> int:
        """Return how many bytes the channel would have if it were closed now (without frame overhead).

        Asking costs time, and a few bytes of a brotli channel, so do not ask after every batch.
        """
        ready, pending = self._compressor.pending_size()
        self._compressed += ready
        return len(self._compressed) + pending

    def close(self) -> list[Frame]:
        """Return the frames of the channel; no batch can be added afterwards."""
        data = bytes(self._compressed) + self._compressor.finish()
        pieces = [data[start : start + self._frame_data] for start in range(0, len(data), self._frame_data)]
        last = len(pieces) - 1
        if last > MAXIMUM_FRAME_NUMBER:
            raise ChannelFull(f"a channel of {len(data)} bytes needs {last + 1} frames, at most 65536 are possible")
        return [Frame(self.channel_id, number, piece, number == last) for number, piece in enumerate(pieces)]


def _string_bounds(buffer: bytearray, left: int) -> tuple[int, int] | None:
    """Return where the content of the RLP string at the buffer's start begins and ends; None: more bytes are needed.

    Raise `InvalidChannel` where it is no string, not canonical, or ends beyond the `left` bytes that still count.
    """
    if not buffer:
        return None
    prefix = buffer[0]
    if prefix >= 0xC0:
        raise InvalidChannel(f"channel holds the RLP prefix 0x{prefix:02x} of a list, expected a byte string")
    if prefix < 0x80:
        begin, end = 0, 1
    elif prefix <= 0xB7:
        begin, end = 1, prefix - 0x7F
        if end == 2 and len(buffer) > 1 and buffer[1] < 0x80:
            raise InvalidChannel("channel holds a single byte below 0x80 with an RLP prefix")
    else:
        begin = prefix - 0xB7 + 1
        if len(buffer) < begin:
            return None
        length = int.from_bytes(buffer[1:begin], "big")
        if buffer[1] == 0 or length < 56:
            raise InvalidChannel("channel holds an RLP length that is not the shortest form")
        end = begin + length
    if end > left:
        raise InvalidChannel("channel's decompressed content goes beyond the limit and is cut off there")
    return begin, end
