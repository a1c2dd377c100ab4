"""Strict reading of configuration that came as JSON: every error names the field by its path.

All readers raise `InvalidConfiguration`. A field that is null counts as absent, as it does for Go programs.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.errors import Phal2Error

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_DECIMAL_DIGITS: Final = frozenset("0123456789")
_LONGEST_NUMBER: Final = 78
"""Digits of 2^256 in decimal."""

_SHOWN_CHARACTERS: Final = 80


class InvalidConfiguration(Phal2Error):
    """A configuration that lacks a value or holds one out of range. Correct it and start again."""


@dataclass(frozen=True, slots=True)
class ConfigurationFields:
    """A JSON object at `path`, the dotted names that lead to it ("" for the document itself)."""

    path: str
    content: Mapping[str, object]

    def only(self, known: Collection[str]) -> None:
        """Refuse fields with a value that are not among `known`: nobody would honour them."""
        for name, value in self.content.items():
            if name not in known and value is not None:
                raise InvalidConfiguration(
                    f"{self._path_of(name)} is unknown to this version of phal2, which cannot honour it; "
                    f"known here are {', '.join(known)}"
                )

    def has(self, name: str) -> bool:
        """Tell whether there is a value."""
        return self.content.get(name) is not None

    def section(self, name: str) -> "ConfigurationFields":
        """Read a JSON object."""
        value = self._required(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return ConfigurationFields(self._path_of(name), value)

    def sections(self) -> "Iterator[tuple[str, ConfigurationFields]]":
        """Give all fields, each of which must be an object."""
        for name in self.content:
            yield name, self.section(name)

    def integer(self, name: str, bits: int, default: int | None = None) -> int:
        """Read a JSON integer from 0 to 2^bits - 1; `default` stands in for an absent one."""
        if default is not None and not self.has(name):
            return default
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
            raise self.wrong(name, f"an integer from 0 to 2^{bits} - 1")
        return value

    def positive(self, name: str, bits: int, least: int = 1) -> int:
        """Read a JSON integer from `least` to 2^bits - 1."""
        value = self.integer(name, bits)
        if value < least:
            raise self.wrong(name, f"at least {least}")
        return value

    def quantity(self, name: str, bits: int, default: int | None = None) -> int:
        """Read a number as geth writes it: a string of 0x and hex digits or of decimal digits, or a JSON integer."""
        if default is not None and not self.has(name):
            return default
        value = self._required(name)
        if not isinstance(value, str):
            return self.integer(name, bits)
        number = _number(value)
        if number is None or number >= 1 << bits:
            raise self.wrong(name, f"a number from 0 to 2^{bits} - 1, as 0x and hex digits or in decimal")
        return number

    def data(self, name: str, length: int | None = None, default: bytes | None = None) -> bytes:
        """Read 0x and two hex digits a byte, `length` bytes where given."""
        if default is not None and not self.has(name):
            return default
        value = self._required(name)
        expected = "0x and two hex digits a byte" if length is None else f"0x and {2 * length} hex digits"
        if not isinstance(value, str) or not value.startswith("0x") or len(value) % 2:
            raise self.wrong(name, expected)
        if not _HEX_DIGITS.issuperset(value[2:]) or (length is not None and len(value) != 2 + 2 * length):
            raise self.wrong(name, expected)
        return bytes.fromhex(value[2:])

    def address(self, name: str) -> bytes:
        """Read a 20-byte address, which is not zero: that stands for one that was forgotten."""
        value = self.data(name, 20)
        if not any(value):
            raise self.wrong(name, "an address, and none that is zero")
        return value

    def wrong(self, name: str, expected: str) -> InvalidConfiguration:
        """Return the error for a field that is not what it should be."""
        found = repr(self.content.get(name))
        shown = found if len(found) <= _SHOWN_CHARACTERS else found[:_SHOWN_CHARACTERS] + "…"
        return InvalidConfiguration(f"{self._path_of(name)} is {shown}, expected {expected}")

    def _required(self, name: str) -> object:
        value = self.content.get(name)
        if value is None:
            raise InvalidConfiguration(f"{self._path_of(name)} is missing")
        return value

    def _path_of(self, name: str) -> str:
        shown = name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…"
        return f"{self.path}.{shown}" if self.path else shown


def document_fields(document: object) -> ConfigurationFields:
    """Return the fields of a whole document, which must be a JSON object."""
    if not isinstance(document, dict):
        raise InvalidConfiguration(f"the document is a JSON {type(document).__name__}, expected an object")
    return ConfigurationFields("", document)


def _number(text: str) -> int | None:
    """Return the number, None where the text is none or longer than 256 bits need."""
    is_hex = text.startswith("0x")
    digits = text[2:] if is_hex else text
    allowed = _HEX_DIGITS if is_hex else _DECIMAL_DIGITS
    if not 0 < len(digits) <= _LONGEST_NUMBER or not allowed.issuperset(digits):
        return None
    return int(digits, 16 if is_hex else 10)
