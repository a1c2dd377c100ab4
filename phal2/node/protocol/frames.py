"""Frames: pieces of a channel, as batcher transactions carry them.

A batcher transaction's data is the version byte 0x00 and whole frames; a frame is channel id (16 bytes), frame number
(2), length (4), data, and a last byte that is 1 in the channel's last frame. Sources: OP Stack "Frame Format", "Batcher
Transaction Format".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding

CHANNEL_ID_LENGTH: Final = 16
FRAME_OVERHEAD: Final = CHANNEL_ID_LENGTH + 2 + 4 + 1
MAXIMUM_FRAME_DATA: Final = 1_000_000
MAXIMUM_FRAME_NUMBER: Final = 0xFFFF
BATCHER_DATA_VERSION: Final = 0

_HEAD_LENGTH: Final = FRAME_OVERHEAD - 1


class InvalidFrame(InvalidEncoding):
    """Batcher data that is not a sequence of whole frames. All of the transaction's data is dropped."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of a channel; `number` counts the channel's frames from 0."""

    channel_id: bytes
    number: int
    data: bytes
    is_last: bool


def encode_frame(frame: Frame) -> bytes:
    """Return the wire form of a frame, which is `FRAME_OVERHEAD` bytes longer than its data."""
    return b"".join(
        (
            frame.channel_id,
            frame.number.to_bytes(2, "big"),
            len(frame.data).to_bytes(4, "big"),
            frame.data,
            b"\x01" if frame.is_last else b"\x00",
        )
    )


def batcher_transaction_data(frames: Iterable[Frame]) -> bytes:
    """Return the data of a batcher transaction that carries `frames`."""
    return bytes([BATCHER_DATA_VERSION]) + b"".join(encode_frame(frame) for frame in frames)


def parse_batcher_data(data: bytes) -> list[Frame]:
    """Read the frames of a batcher transaction's data (at least one); raise `InvalidFrame` where any is malformed."""
    if not data:
        raise InvalidFrame("batcher data is empty, expected a version byte and frames")
    if data[0] != BATCHER_DATA_VERSION:
        raise InvalidFrame(f"batcher data of version {data[0]}, expected {BATCHER_DATA_VERSION}")
    if len(data) == 1:
        raise InvalidFrame("batcher data without frames")
    frames = []
    offset = 1
    while offset < len(data):
        frame, offset = _read_frame(data, offset)
        frames.append(frame)
    return frames


def _read_frame(data: bytes, offset: int) -> tuple[Frame, int]:
    begin = offset + _HEAD_LENGTH
    if begin > len(data):
        raise InvalidFrame(f"frame of {len(data) - offset} bytes, expected at least {FRAME_OVERHEAD}")
    length = int.from_bytes(data[begin - 4 : begin], "big")
    if length > MAXIMUM_FRAME_DATA:
        raise InvalidFrame(f"frame with {length} bytes of data, at most {MAXIMUM_FRAME_DATA} allowed")
    end = begin + length
    if end >= len(data):
        raise InvalidFrame(f"frame with {length} bytes of data, but only {len(data) - begin} bytes are left")
    if data[end] > 1:
        raise InvalidFrame(f"frame ends with the byte {data[end]}, expected 0 or 1")
    number = int.from_bytes(data[begin - 6 : begin - 4], "big")
    return Frame(data[offset : offset + CHANNEL_ID_LENGTH], number, data[begin:end], data[end] == 1), end + 1
