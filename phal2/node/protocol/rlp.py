"""Recursive length prefix, strictly canonical (Yellow Paper, appendix B).

An item is a byte string or a sequence of items. Decoding gives `bytes` and `list`; it refuses trailing bytes, lengths
that could be shorter, single bytes with a prefix, and nesting deeper than any structure of Ethereum has.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from phal2.node.protocol.errors import InvalidEncoding

Item: TypeAlias = "bytes | Sequence[Item]"
Decoded: TypeAlias = "bytes | list[Decoded]"

MAXIMUM_DEPTH: Final = 64

_SINGLE_BYTES: Final = tuple(bytes([value]) for value in range(256))
_RUN_OF_SINGLE_BYTES: Final = re.compile(rb"[\x00-\x7f]+")
_TABLE_LENGTH: Final = 1024
"""Prefixes of payloads shorter than this are looked up: trie nodes, receipts and most transactions."""


class RlpError(InvalidEncoding):
    """Bytes that are not canonical RLP, or an item of another shape than expected."""


def encode(item: Item) -> bytes:
    """Encode a byte string or a (nested) sequence of byte strings."""
    if isinstance(item, bytes | bytearray | memoryview):
        return encode_bytes(bytes(item))
    return encode_list([encode(element) for element in item])


def encode_bytes(data: bytes) -> bytes:
    """Encode one byte string."""
    length = len(data)
    if length == 1 and data[0] < 0x80:
        return data
    if length < _TABLE_LENGTH:
        return _STRING_PREFIXES[length] + data
    return _prefix(0x80, length) + data


def encode_list(encoded_elements: Sequence[bytes]) -> bytes:
    """Encode a list whose elements are encoded already."""
    return list_of_payload(b"".join(encoded_elements))


def list_of_payload(payload: bytes) -> bytes:
    """Encode a list from its payload, the encodings of its elements one after the other."""
    length = len(payload)
    if length < _TABLE_LENGTH:
        return _LIST_PREFIXES[length] + payload
    return _prefix(0xC0, length) + payload


def encode_uint(value: int) -> bytes:
    """Return the minimal big-endian bytes of a non-negative integer (not yet an RLP string): 0 is the empty string."""
    if value < 0:
        raise ValueError(f"RLP has no negative integers, got {value}")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def uint_length(value: int) -> int:
    """Return how many bytes the encoding of a non-negative integer below 2^440 takes."""
    return 1 if value < 0x80 else 1 + (value.bit_length() + 7) // 8


def decode_uint(data: Decoded, maximum_bytes: int = 32) -> int:
    """Read an integer from a decoded item; leading zeros, lists and more than `maximum_bytes` raise `RlpError`."""
    if not isinstance(data, bytes):
        raise RlpError("expected an integer, found a list")
    if len(data) > maximum_bytes:
        raise RlpError(f"integer of {len(data)} bytes, at most {maximum_bytes} allowed")
    if data and data[0] == 0:
        raise RlpError("integer with a leading zero byte")
    return int.from_bytes(data, "big")


def decode(data: bytes, maximum_items: int | None = None) -> Decoded:
    """Decode exactly one item; anything that is not canonical raises `RlpError`.

    So do more than `maximum_items` items, lists among them: a list of one byte takes 64 bytes of memory and more.
    """
    if maximum_items is not None and len(data) > maximum_items:
        _check_item_count(data, maximum_items)
    item, end = _decode_item(data, 0, len(data), 0)
    if end != len(data):
        raise RlpError(f"{len(data) - end} trailing bytes after the item")
    return item


def list_bounds(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the content of the list at `start` begins and ends; raise `RlpError` where there is none.

    It may not go beyond `end`. The content is not looked at: who knows its shape refuses another one early.
    """
    if start >= end or data[start] < 0xC0:
        raise RlpError("expected a list, found a byte string" if start < end else "a list expected, but the bytes end")
    return _payload_bounds(data, start, end, data[start] - 0xC0)


def read_string(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the byte string at `start` and the offset behind it; raise `RlpError` where there is none before `end`."""
    if start < end and data[start] >= 0xC0:
        raise RlpError("expected a byte string, found a list")
    item, after = _decode_item(data, start, end, 0)
    return expect_bytes(item), after


def read_strings(data: bytes, start: int, end: int) -> list[bytes]:
    """Return the byte strings that lie from `start` to `end`; raise `RlpError` where anything else is there."""
    strings: list[bytes] = []
    while start < end:
        prefix = data[start]
        after = start + prefix - 0x7F
        # As in _decode_item, short strings are most of them. Single bytes can be a hundred million in a row.
        if prefix < 0x80 and (run := _RUN_OF_SINGLE_BYTES.match(data, start, end)):
            start = run.end()
            strings += map(_SINGLE_BYTES.__getitem__, run[0])
        elif (0x81 < prefix < 0xB8 or prefix == 0x80) and after <= end:
            strings.append(data[start + 1 : after])
            start = after
        else:
            string, start = read_string(data, start, end)
            strings.append(string)
    return strings


def decode_list(data: bytes) -> list[Decoded]:
    """Decode exactly one item, which must be a list."""
    return expect_list(decode(data))


def expect_list(item: Decoded, length: int | None = None) -> list[Decoded]:
    """Return `item` where it is a list (of `length` elements, if given); else raise `RlpError`."""
    if isinstance(item, bytes):
        raise RlpError("expected a list, found a byte string")
    if length is not None and len(item) != length:
        raise RlpError(f"expected a list of {length} elements, found {len(item)}")
    return item


def expect_bytes(item: Decoded, length: int | None = None) -> bytes:
    """Return `item` where it is a byte string (of `length` bytes, if given); else raise `RlpError`."""
    if not isinstance(item, bytes):
        raise RlpError("expected a byte string, found a list")
    if length is not None and len(item) != length:
        raise RlpError(f"expected a byte string of {length} bytes, found {len(item)}")
    return item


def _prefix(offset: int, length: int) -> bytes:
    """Return what stands before a payload; `offset` is 0x80 for byte strings, 0xc0 for lists."""
    if length < 56:
        return _SINGLE_BYTES[offset + length]
    length_bytes = encode_uint(length)
    return _SINGLE_BYTES[offset + 55 + len(length_bytes)] + length_bytes


_STRING_PREFIXES: Final = tuple(_prefix(0x80, length) for length in range(_TABLE_LENGTH))
_LIST_PREFIXES: Final = tuple(_prefix(0xC0, length) for length in range(_TABLE_LENGTH))


def _decode_item(data: bytes, start: int, end: int, depth: int) -> tuple[Decoded, int]:
    if start >= end:
        raise RlpError("item expected, but the bytes end")
    prefix = data[start]
    if prefix < 0x80:
        return _SINGLE_BYTES[prefix], start + 1
    if prefix < 0xC0:
        begin, stop = _payload_bounds(data, start, end, prefix - 0x80)
        if stop - begin == 1 and data[begin] < 0x80:
            raise RlpError("single byte below 0x80 encoded with a prefix")
        return data[begin:stop], stop
    begin, stop = _payload_bounds(data, start, end, prefix - 0xC0)
    if depth == MAXIMUM_DEPTH:
        raise RlpError(f"lists nested deeper than {MAXIMUM_DEPTH}")
    elements: list[Decoded] = []
    while begin < stop:
        prefix = data[begin]
        after = begin + prefix - 0x7F
        # Short strings are most of what lists hold; what is wrong with one is found by the general way.
        if (0x81 < prefix < 0xB8 or prefix == 0x80) and after <= stop:
            elements.append(data[begin + 1 : after])
            begin = after
        elif prefix < 0x80:
            elements.append(_SINGLE_BYTES[prefix])
            begin += 1
        else:
            element, begin = _decode_item(data, begin, stop, depth + 1)
            elements.append(element)
    return elements, stop


def _check_item_count(data: bytes, maximum: int) -> None:
    """Raise `RlpError` where there are more items than `maximum`. Whether they are well formed, decoding them tells."""
    count = position = 0
    end = len(data)
    while position < end:
        count += 1
        if count > maximum:
            raise RlpError(f"more than {maximum} items")
        prefix = data[position]
        if 0x80 <= prefix < 0xC0:
            position = _payload_bounds(data, position, end, prefix - 0x80)[1]
        else:
            # The content of a list follows its length.
            position += 1 + max(0, prefix - 0xF7)


def _payload_bounds(data: bytes, start: int, end: int, short_length: int) -> tuple[int, int]:
    begin = start + 1
    length = short_length
    if short_length > 55:
        length_size = short_length - 55
        length_bytes = data[begin : begin + length_size]
        if len(length_bytes) < length_size or begin + length_size > end:
            raise RlpError("the bytes end within a length")
        if length_bytes[0] == 0:
            raise RlpError("length with a leading zero byte")
        length = int.from_bytes(length_bytes, "big")
        if length < 56:
            raise RlpError(f"length {length} encoded in the long form")
        begin += length_size
    if length > end - begin:
        raise RlpError(f"item of {length} bytes, but only {end - begin} are left")
    return begin, begin + length
