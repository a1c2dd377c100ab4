"""Strict readers of the values in JSON-RPC answers (execution-apis: quantities and data in hex).

All raise `MalformedField`, which names the field and what was expected.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from phal2.node.protocol.errors import InvalidEncoding

JsonObject: TypeAlias = dict[str, object]

Value = TypeVar("Value")

_QUANTITY: Final = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})\Z")
_SHOWN_CHARACTERS: Final = 80


class MalformedField(InvalidEncoding):
    """A field that is missing or is not what the specification says. `field` is its name."""

    def __init__(self, field: str, expected: str, found: object) -> None:
        text = repr(found)
        shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
        super().__init__(f"field {field!r}: expected {expected}, found {shown}")
        self.field = field


def as_object(value: object, field: str) -> JsonObject:
    """Return `value` where it is a JSON object."""
    if not isinstance(value, dict):
        raise MalformedField(field, "an object", value)
    return value


def as_list(value: object, field: str) -> list[object]:
    """Return `value` where it is a JSON array."""
    if not isinstance(value, list):
        raise MalformedField(field, "a list", value)
    return value


def as_quantity(value: object, field: str, maximum_bytes: int = 32) -> int:
    """Read a quantity: `0x` and hex digits without leading zeros, `0x0` for zero, at most `maximum_bytes` wide."""
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise MalformedField(field, "a quantity (0x and hex digits without leading zeros)", value)
    number = int(value, 16)
    if number.bit_length() > 8 * maximum_bytes:
        raise MalformedField(field, f"a quantity of at most {maximum_bytes} bytes", value)
    return number


def as_data(value: object, field: str, length: int | None = None) -> bytes:
    """Read data: `0x` and two hex digits a byte, of exactly `length` bytes where given."""
    try:
        found = bytes.fromhex(value[2:]) if isinstance(value, str) and value.startswith("0x") else None
    except ValueError:
        found = None
    # Spaces between digits would be passed over: then there are fewer bytes than the characters make.
    if found is None or 2 + 2 * len(found) != len(str(value)):
        raise MalformedField(field, "data (0x and an even number of hex digits)", value)
    if length is not None and len(found) != length:
        raise MalformedField(field, f"data of {length} bytes", value)
    return found


def quantity(container: JsonObject, field: str, maximum_bytes: int = 32) -> int:
    """Read a quantity that must be there."""
    return as_quantity(container.get(field), field, maximum_bytes)


def data(container: JsonObject, field: str, length: int | None = None) -> bytes:
    """Read data that must be there."""
    return as_data(container.get(field), field, length)


def optional(container: JsonObject, field: str, read: Callable[[JsonObject, str], Value]) -> Value | None:
    """Read a field with `read`, or return None where it is absent or null."""
    return None if container.get(field) is None else read(container, field)


def elements(container: JsonObject, field: str) -> list[object]:
    """Read a list that must be there."""
    return as_list(container.get(field), field)


def objects(container: JsonObject, field: str) -> list[JsonObject]:
    """Read a list of objects that must be there."""
    return [as_object(element, field) for element in elements(container, field)]
