"""Reads a whole file that others made, plain or compressed with gzip or Zstandard, up to a length.

Compressed data is taken apart in steps, so that a small file that would grow beyond the limit costs no memory.
"""

import zlib
from pathlib import Path
from typing import Any, Final

from phal2.node.protocol.errors import Phal2Error

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTANDARD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_FORMAT: Final = 31
"""zlib's number for a gzip stream with a window of 32 KiB."""

_STEP: Final = 1 << 20
_GZIP_STEP: Final = 4096
"""Bytes of gzip at a time: zlib copies what it does not need of them, and so does every member that ends in them."""

_ZSTANDARD_STEP: Final = 256
"""Bytes of Zstandard at a time: a block of four bytes can stand for 128 KiB."""

_LARGEST_WINDOW: Final = 1 << 27


class UnreadableFile(Phal2Error):
    """A file that is not there, is too long, or is not what its first bytes say. The text begins with its name."""


def read_bounded_file(path: Path, longest: int, dictionary: bytes | None = None) -> bytes:
    """Return the content of a file, decompressed where its first bytes are those of gzip or Zstandard.

    `longest` bounds the bytes of the file and of the content alike; `dictionary` is Zstandard's. Raises
    `UnreadableFile`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(longest + 1)
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(raw) > longest:
        raise UnreadableFile(f"{path}: is longer than {longest} bytes, the longest that is read")
    try:
        if raw.startswith(_GZIP_MAGIC):
            return _gunzip(raw, longest)
        if raw.startswith(_ZSTANDARD_MAGIC):
            return _unzstandard(raw, longest, dictionary)
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from None
    return raw


def _gunzip(raw: bytes, longest: int) -> bytes:
    content = bytearray()
    position = 0
    # A gzip file is one member after another (RFC 1952, 2.2).
    while raw.startswith(_GZIP_MAGIC, position):
        position = _gunzip_member(raw, position, content, longest)
    trailing = len(raw[position:].lstrip(b"\0"))
    if trailing:
        raise UnreadableFile(f"{trailing} bytes follow the gzip data")
    return bytes(content)


def _gunzip_member(raw: bytes, position: int, content: bytearray, longest: int) -> int:
    """Append what the member at `position` holds to `content`; return where the member ends."""
    member = zlib.decompressobj(_GZIP_FORMAT)
    try:
        while not member.eof:
            piece = raw[position : position + _GZIP_STEP]
            if not piece:
                raise UnreadableFile("the gzip data is truncated")
            position += len(piece)
            while piece and not member.eof:
                content += member.decompress(piece, _STEP)
                _require_length(content, longest)
                piece = member.unconsumed_tail
    except zlib.error as error:
        raise UnreadableFile(f"the gzip data is corrupt ({error})") from None
    return position - len(member.unused_data)


def _unzstandard(raw: bytes, longest: int, dictionary: bytes | None) -> bytes:
    # Only genesis allocations of the superchain registry come this way, so other commands do without the package.
    import zstandard

    try:
        needed = zstandard.get_frame_parameters(raw).dict_id
        if needed and dictionary is None:
            raise UnreadableFile(f"was compressed with the Zstandard dictionary {needed}; give it with --dictionary")
        known = None if dictionary is None else zstandard.ZstdCompressionDict(dictionary)
        if needed and known is not None and known.dict_id() != needed:
            given = known.dict_id() or "none"
            raise UnreadableFile(
                f"was compressed with the Zstandard dictionary {needed}, but --dictionary gives {given}"
            )
        decompressor = zstandard.ZstdDecompressor(known, max_window_size=_LARGEST_WINDOW)
        return _all_of_frame(decompressor.decompressobj(), raw, longest)
    except zstandard.ZstdError as error:
        raise UnreadableFile(f"the Zstandard data is corrupt ({error})") from None


def _all_of_frame(frame: Any, raw: bytes, longest: int) -> bytes:
    content = bytearray()
    for offset in range(0, len(raw), _ZSTANDARD_STEP):
        content += frame.decompress(raw[offset : offset + _ZSTANDARD_STEP])
        _require_length(content, longest)
        if frame.eof:
            trailing = len(frame.unused_data) + max(0, len(raw) - offset - _ZSTANDARD_STEP)
            if trailing:
                raise UnreadableFile(f"{trailing} bytes follow the Zstandard data")
            return bytes(content)
    raise UnreadableFile("the Zstandard data is truncated")


def _require_length(content: bytearray, longest: int) -> None:
    if len(content) > longest:
        raise UnreadableFile(f"decompresses to more than {longest} bytes, the longest content that is read")
