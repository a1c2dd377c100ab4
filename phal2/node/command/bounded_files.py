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
    # A gzip file is one member after another (RFC 1952, 2.2).
    while raw.startswith(_GZIP_MAGIC):
        member = zlib.decompressobj(_GZIP_FORMAT)
        try:
            while not member.eof:
                piece = member.decompress(raw, _STEP)
                raw = member.unconsumed_tail
                if not piece and not raw and not member.eof:
                    raise UnreadableFile("the gzip data is truncated")
                content += piece
                _require_length(content, longest)
        except zlib.error as error:
            raise UnreadableFile(f"the gzip data is corrupt ({error})") from None
        raw = member.unused_data
    if raw.strip(b"\0"):
        raise UnreadableFile(f"{len(raw)} bytes follow the gzip data")
    return bytes(content)


def _unzstandard(raw: bytes, longest: int, dictionary: bytes | None) -> bytes:
    # Only genesis allocations of the superchain registry come this way, so other commands do without the package.
    import zstandard

    try:
        needed = zstandard.get_frame_parameters(raw).dict_id
        if needed and dictionary is None:
            raise UnreadableFile(f"was compressed with the Zstandard dictionary {needed}; give it with --dictionary")
        known = None if dictionary is None else zstandard.ZstdCompressionDict(dictionary)
        if needed and known is not None and known.dict_id() != needed:
            raise UnreadableFile(
                f"was compressed with the Zstandard dictionary {needed}, but --dictionary gives {known.dict_id()}"
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
