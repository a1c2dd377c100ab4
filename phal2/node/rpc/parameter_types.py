"""The types of method parameters: how each is read from JSON, and the schema that says so.

A method's Python parameters are annotated with these types; the registry finds the parsers by the annotations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeAlias

from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import (
    HEX_DIGITS,
    parse_data,
    parse_fixed_data,
    parse_uint64,
    quantity,
    type_name,
)

Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ParameterType:
    """How a JSON value becomes a parameter. `parse` raises `InvalidArgument`; `schema` is a JSON schema."""

    parse: Callable[[Any], Any]
    schema: Schema = field(default_factory=dict, hash=False)


def _hex_schema(title: str, pattern: str) -> Schema:
    return {"title": title, "type": "string", "pattern": pattern}


def parse_address(value: Any) -> bytes:
    """Read an address; the case of its digits does not matter, as in geth."""
    return parse_fixed_data(value, 20)


def parse_hash(value: Any) -> bytes:
    """Read a hash of 32 bytes."""
    return parse_fixed_data(value, 32)


def parse_boolean(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise InvalidArgument(f"expected true or false, got {type_name(value)}")
    return value


class StorageKey(NamedTuple):
    """A storage slot, and how an answer names it: by 32 bytes where the request did, else by a quantity."""

    slot: int
    text: str


def parse_storage_key(value: Any) -> StorageKey:
    """Read a storage key: hex digits of at most 32 bytes, leading zeros or not."""
    if not isinstance(value, str):
        raise InvalidArgument(f"expected a hex string, got {type_name(value)}")
    digits = value[2:] if value.startswith(("0x", "0X")) else value
    if len(digits) > 64:
        raise InvalidArgument(f'storage key too long (want at most 32 bytes): "{value[:200]}"')
    if not HEX_DIGITS.issuperset(digits):
        raise InvalidArgument(f'invalid hex in storage key: "{value}"')
    slot = int(digits or "0", 16)
    return StorageKey(slot, "0x" + digits.lower() if len(digits) == 64 else quantity(slot))


def list_of(parse_item: Callable[[Any], Any], maximum_length: int) -> Callable[[Any], tuple[Any, ...]]:
    """Return a parser of arrays of at most `maximum_length` items."""

    def parse(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidArgument(f"expected an array, got {type_name(value)}")
        if len(value) > maximum_length:
            raise InvalidArgument(f"array of {len(value)} items, at most {maximum_length} are allowed")
        return tuple(parse_item(item) for item in value)

    return parse


def parse_count(value: Any) -> int:
    """Read a count: a quantity, or a JSON integer as some clients send it."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value
    return parse_uint64(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgument(f"expected a number, got {type_name(value)}")
    return float(value)


def _anything(value: Any) -> Any:
    return value


Address = Annotated[bytes, ParameterType(parse_address, _hex_schema("address", "^0x[0-9a-fA-F]{40}$"))]
Hash = Annotated[bytes, ParameterType(parse_hash, _hex_schema("32 byte hash", "^0x[0-9a-fA-F]{64}$"))]
Data = Annotated[bytes, ParameterType(parse_data, _hex_schema("bytes", "^0x([0-9a-fA-F]{2})*$"))]
Quantity = Annotated[int, ParameterType(parse_uint64, _hex_schema("quantity", "^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15})$"))]
Count = Annotated[int, ParameterType(parse_count, {"title": "count", "type": ["string", "integer"]})]
Boolean = Annotated[bool, ParameterType(parse_boolean, {"type": "boolean"})]
StorageSlot = Annotated[
    StorageKey, ParameterType(parse_storage_key, _hex_schema("storage key", "^0x[0-9a-fA-F]{0,64}$"))
]
StorageSlots = Annotated[
    tuple[StorageKey, ...], ParameterType(list_of(parse_storage_key, 1024), {"title": "storage keys", "type": "array"})
]
Percentiles = Annotated[tuple[float, ...], ParameterType(list_of(_number, 100), {"type": "array"})]
AnyValue = Annotated[Any, ParameterType(_anything)]
