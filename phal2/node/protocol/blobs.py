"""Batcher data in blobs (OP Stack "Blob Encoding", version 0).

A blob is 4,096 field elements of 32 bytes, whose two highest bits must be 0. In 1,024 rounds, 127 bytes go into four
field elements: 31, 1, 31, 1, 31, 1 and 31 bytes, of which the single ones are spread over the six usable bits of the
four first bytes. The 127-byte rounds together are a version byte 0, the length in three bytes, the data, and zeros.
"""

from typing import Final

from phal2.node.protocol.errors import InvalidEncoding, Phal2Error

BLOB_SIZE: Final = 131_072
MAXIMUM_BLOB_DATA: Final = 127 * 1024 - 4
"""Bytes of batcher data that one blob holds: 130,044."""

BLOB_ENCODING_VERSION: Final = 0

_ROUND: Final = 127
_ENCODED_ROUND: Final = 128
_HEADER: Final = 4
_SIX_BITS: Final = 0x3F
_UNUSABLE_BITS: Final = 0xC0
_COLUMNS: Final = tuple((32 * part + column, 32 * part + 1 + column) for part in range(4) for column in range(31))
"""Places of the bytes of a round that are copied: in the data and in the four field elements."""


class InvalidBlob(InvalidEncoding):
    """A blob that holds no batcher data. It is ignored."""


class BlobOverflow(Phal2Error):
    """Data that does not fit into one blob. Use smaller frames."""


def encode_blob(data: bytes) -> bytes:
    """Return the blob that holds `data`; raise `BlobOverflow` beyond `MAXIMUM_BLOB_DATA` bytes."""
    if len(data) > MAXIMUM_BLOB_DATA:
        raise BlobOverflow(f"data of {len(data)} bytes, at most {MAXIMUM_BLOB_DATA} fit into a blob")
    content = bytes([BLOB_ENCODING_VERSION]) + len(data).to_bytes(3, "big") + data
    rounds = -(-len(content) // _ROUND)
    content = content.ljust(_ROUND * rounds, b"\x00")
    blob = bytearray(BLOB_SIZE)
    end = _ENCODED_ROUND * rounds
    for place, encoded_place in _COLUMNS:
        blob[encoded_place:end:_ENCODED_ROUND] = content[place::_ROUND]
    x, y, z = (_integer(content[place::_ROUND]) for place in (31, 63, 95))
    low, middle, high = (_repeated(mask, rounds) for mask in (_SIX_BITS, 0x0F, _UNUSABLE_BITS))
    heads = (x & low, y & middle | (x & high) >> 2, z & low, (z & high) >> 2 | (y & _repeated(0xF0, rounds)) >> 4)
    for part, head in enumerate(heads):
        blob[32 * part : end : _ENCODED_ROUND] = head.to_bytes(rounds, "big")
    return bytes(blob)


def decode_blob(blob: bytes) -> bytes:
    """Return the data that a blob of `BLOB_SIZE` bytes holds; raise `InvalidBlob`.

    As in op-node, the unusable bits of the very first byte are not looked at.
    """
    if len(blob) != BLOB_SIZE:
        raise InvalidBlob(f"blob of {len(blob)} bytes, expected {BLOB_SIZE}")
    if blob[1] != BLOB_ENCODING_VERSION:
        raise InvalidBlob(f"blob encoding of version {blob[1]}, expected {BLOB_ENCODING_VERSION}")
    length = int.from_bytes(blob[2:5], "big")
    if length > MAXIMUM_BLOB_DATA:
        raise InvalidBlob(f"blob with {length} bytes of data, at most {MAXIMUM_BLOB_DATA} fit")
    rounds = -(-(_HEADER + length) // _ROUND)
    end = _ENCODED_ROUND * rounds
    if max(blob[32:end:32]) > _SIX_BITS:
        raise InvalidBlob("blob with a field element whose two highest bits are not 0")
    content = bytearray(_ROUND * rounds)
    for place, encoded_place in _COLUMNS:
        content[place::_ROUND] = blob[encoded_place:end:_ENCODED_ROUND]
    a, b, c, d = (_integer(blob[32 * part : end : _ENCODED_ROUND]) for part in range(4))
    low, middle, upper = (_repeated(mask, rounds) for mask in (_SIX_BITS, 0x0F, 0x30))
    singles = (a & low | (b & upper) << 2, b & middle | (d & middle) << 4, c & low | (d & upper) << 2)
    for place, single in zip((31, 63, 95), singles, strict=True):
        content[place::_ROUND] = single.to_bytes(rounds, "big")
    if any(content[_HEADER + length :]) or blob.count(0, end) != BLOB_SIZE - end:
        raise InvalidBlob(f"blob with other bytes than zeros behind its {length} bytes of data")
    return bytes(content[_HEADER : _HEADER + length])


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _repeated(byte: int, count: int) -> int:
    return int.from_bytes(bytes([byte]) * count, "big")
