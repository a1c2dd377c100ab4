"""Batcher data from files: hex or binary; call data, frames, blobs or whole channels; and the channels they make."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from phal2.node.protocol.blobs import BLOB_SIZE, decode_blob
from phal2.node.protocol.channel_compression import compression_of
from phal2.node.protocol.channels import MAXIMUM_CHANNEL_CONTENT
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error
from phal2.node.protocol.frames import BATCHER_DATA_VERSION, Frame, parse_batcher_data

_HEX_TEXT: Final = re.compile(rb"[0-9a-fA-FxX\s]+\Z")
_VERSION: Final = bytes([BATCHER_DATA_VERSION])


class DataKind(Enum):
    """What a piece of data is."""

    CALL_DATA = "calldata"
    FRAMES = "frames"
    BLOB = "blob"
    CHANNEL = "channel"


class UnknownData(Phal2Error):
    """Data that is none of the kinds that a batcher writes."""


@dataclass(frozen=True, slots=True)
class PlacedFrame:
    """A frame and where it came from, as a reader of the output should know it."""

    frame: Frame
    source: str


@dataclass(frozen=True, slots=True)
class FoundChannel:
    """A channel as far as it was found: its frames in the order of their numbers, or its data alone.

    `data` is None where frames are missing; `is_in_order` tells whether Holocene's frame queue would take them as they
    came, from the first to the last.
    """

    channel_id: bytes | None
    frames: tuple[PlacedFrame, ...]
    data: bytes | None
    source: str
    is_in_order: bool = True


def pieces(content: bytes) -> list[bytes]:
    """Return the pieces of data of a file: one where it is binary, one for each line that begins with 0x in hex.

    Raises `UnknownData`.
    """
    if not content.strip():
        raise UnknownData("is empty; expected batcher data, binary or in hex")
    if not _HEX_TEXT.match(content):
        return [content]
    texts: list[bytes] = []
    for line in content.lower().split():
        if line.startswith(b"0x") or not texts:
            texts.append(line.removeprefix(b"0x"))
        else:
            texts[-1] += line
    try:
        return [bytes.fromhex(text.decode("ascii")) for text in texts]
    except ValueError:
        raise UnknownData("looks like hex, but has an odd number of digits or an x among them") from None


def kind_of(data: bytes) -> DataKind:
    """Return what a piece of data is by its form; raise `UnknownData`."""
    if len(data) == BLOB_SIZE and _reads(lambda: decode_blob(data)):
        return DataKind.BLOB
    if data[:1] == _VERSION and _reads(lambda: parse_batcher_data(data)):
        return DataKind.CALL_DATA
    if _reads(lambda: parse_batcher_data(_VERSION + data)):
        return DataKind.FRAMES
    if _reads(lambda: compression_of(data)):
        return DataKind.CHANNEL
    raise UnknownData(
        f"{len(data)} bytes that begin with 0x{data[:8].hex()} are neither batcher call data (0x00 and whole frames), "
        f"frames, a channel (zlib 0x78, brotli 0x01), nor a blob ({BLOB_SIZE} bytes)"
    )


def frames_of(data: bytes, kind: DataKind) -> list[Frame]:
    """Return the frames of a piece of data that is no channel; raise `InvalidEncoding`."""
    if kind is DataKind.BLOB:
        return parse_batcher_data(decode_blob(data))
    return parse_batcher_data(data if kind is DataKind.CALL_DATA else _VERSION + data)


def assembled(frames: Iterable[PlacedFrame]) -> Iterator[FoundChannel]:
    """Yield the channels of frames, by their first ones. Of a number that comes again, the first frame counts."""
    by_channel: dict[bytes, list[PlacedFrame]] = {}
    for placed in frames:
        by_channel.setdefault(placed.frame.channel_id, []).append(placed)
    for channel_id, placed_frames in by_channel.items():
        yield _assembled(channel_id, placed_frames)


def _assembled(channel_id: bytes, as_they_came: Sequence[PlacedFrame]) -> FoundChannel:
    by_number: dict[int, PlacedFrame] = {}
    for placed in as_they_came:
        by_number.setdefault(placed.frame.number, placed)
    ordered = tuple(placed for _, placed in sorted(by_number.items()))
    numbers = [placed.frame.number for placed in ordered]
    last = next((placed.frame.number for placed in ordered if placed.frame.is_last), None)
    data = None
    if last is not None and numbers[: last + 1] == list(range(last + 1)):
        ordered = ordered[: last + 1]
        data = b"".join(placed.frame.data for placed in ordered)
        if len(data) > MAXIMUM_CHANNEL_CONTENT:
            data = None
    return FoundChannel(channel_id, ordered, data, ordered[0].source, tuple(as_they_came) == ordered)


def _reads(read: Callable[[], object]) -> bool:
    try:
        read()
    except InvalidEncoding:
        return False
    return True
