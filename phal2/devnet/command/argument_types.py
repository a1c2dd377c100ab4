"""Types of command line arguments: text in, value out; `ArgumentTypeError` becomes one line and exit code 2."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Final

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_LONGEST_NUMBER: Final = 80


def hex_bytes(length: int | None = None) -> Callable[[str], bytes]:
    """Return a type that reads hex, with or without 0x, of `length` bytes if given."""

    def read(text: str) -> bytes:
        digits = text.removeprefix("0x")
        if len(digits) % 2 or not _HEX_DIGITS.issuperset(digits):
            raise ArgumentTypeError("expected hex digits, two for each byte")
        if length is not None and len(digits) != 2 * length:
            raise ArgumentTypeError(f"expected {2 * length} hex digits, got {len(digits)}")
        return bytes.fromhex(digits)

    return read


def unsigned(bits: int) -> Callable[[str], int]:
    """Return a type that reads an integer of at most `bits` bits, decimal or 0x hex."""

    def read(text: str) -> int:
        digits = text.removeprefix("0x")
        valid = digits.isascii() and (_HEX_DIGITS.issuperset(digits) if text != digits else digits.isdigit())
        if not valid or not 0 < len(digits) <= _LONGEST_NUMBER:
            raise ArgumentTypeError(f"expected a non-negative integer, got {text[:40]!r}")
        value = int(digits, 16 if text != digits else 10)
        if value.bit_length() > bits:
            raise ArgumentTypeError(f"{text[:40]} has more than {bits} bits")
        return value

    return read
