"""Typed structured data and the digest that is signed of it (EIP-712), as wallets take it (eth_signTypedData_v4)."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson

from phal2.node.protocol.keccak import keccak256
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import parse_data, parse_fixed_data, type_name
from phal2.node.rpc.parameter_types import ParameterType

MAXIMUM_DEPTH: Final = 64
"""How deep values may be nested."""

_ARRAY: Final = re.compile(r"(.+)\[(\d{0,9})\]")
_INTEGER: Final = re.compile(r"(u?)int(\d{1,3})")
_FIXED_BYTES: Final = re.compile(r"bytes(\d{1,2})")
_DOMAIN_TYPE: Final = "EIP712Domain"
_DOMAIN_FIELDS: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}

_Types = Mapping[str, list[tuple[str, str]]]
"""The fields of each struct: (name, type)."""


def typed_data_digest(value: Any) -> bytes:
    """Return the 32 bytes to sign for {types, primaryType, domain, message}, an object or its JSON text.

    Raises `InvalidArgument`.
    """
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            raise InvalidArgument("typed data: neither an object nor the JSON text of one") from None
    if not isinstance(value, dict):
        raise InvalidArgument(f"typed data: expected an object, got {type_name(value)}")
    types = _read_types(value.get("types"))
    domain, primary_type = value.get("domain") or {}, value.get("primaryType")
    if not isinstance(domain, dict):
        raise InvalidArgument(f"domain: expected an object, got {type_name(domain)}")
    if not isinstance(primary_type, str) or primary_type not in types:
        raise InvalidArgument("primaryType: expected the name of one of the types")
    if _DOMAIN_TYPE not in types:
        present = [(name, kind) for name, kind in _DOMAIN_FIELDS.items() if name in domain]
        types = {**types, _DOMAIN_TYPE: present}
    separator = _hash_struct(types, _DOMAIN_TYPE, domain, 0)
    if primary_type == _DOMAIN_TYPE:
        return keccak256(b"\x19\x01" + separator)
    return keccak256(b"\x19\x01" + separator + _hash_struct(types, primary_type, value.get("message"), 0))


TypedDataDigest = Annotated[
    bytes, ParameterType(typed_data_digest, {"title": "typed data (EIP-712)", "type": ["object", "string"]})
]


def _read_types(value: Any) -> _Types:
    if not isinstance(value, dict):
        raise InvalidArgument(f"types: expected an object, got {type_name(value)}")
    return {name: [_read_field(name, field) for field in _expect_list(name, fields)] for name, fields in value.items()}


def _read_field(struct: str, value: Any) -> tuple[str, str]:
    name, kind = (value.get("name"), value.get("type")) if isinstance(value, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(kind, str):
        raise InvalidArgument(f"types: a field of {struct} is not of the form {{name, type}}")
    return name, kind


def _expect_list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidArgument(f"{name}: expected an array, got {type_name(value)}")
    return value


def _hash_struct(types: _Types, struct: str, value: Any, depth: int) -> bytes:
    if not isinstance(value, dict):
        raise InvalidArgument(f"{struct}: expected an object, got {type_name(value)}")
    encoded = [keccak256(_encode_type(types, struct).encode())]
    encoded += [_encode(types, kind, value.get(name), depth + 1, name) for name, kind in types[struct]]
    return keccak256(b"".join(encoded))


def _encode_type(types: _Types, struct: str) -> str:
    found: set[str] = set()
    waiting = [struct]
    while waiting:
        name = waiting.pop()
        if name in types and name not in found:
            found.add(name)
            waiting += [_element_type(kind) for _, kind in types[name]]
    return "".join(
        f"{name}({','.join(f'{kind} {field}' for field, kind in types[name])})"
        for name in (struct, *sorted(found - {struct}))
    )


def _element_type(kind: str) -> str:
    return kind.partition("[")[0]


def _encode(types: _Types, kind: str, value: Any, depth: int, name: str) -> bytes:
    """Return the 32 bytes that stand for a value within its struct."""
    if depth > MAXIMUM_DEPTH:
        raise InvalidArgument(f"typed data nested deeper than {MAXIMUM_DEPTH} levels")
    array = _ARRAY.fullmatch(kind)
    if array is not None:
        items = _expect_list(name, value)
        if array[2] and len(items) != int(array[2]):
            raise InvalidArgument(f"{name}: {len(items)} items, {kind} has {array[2]}")
        return keccak256(b"".join(_encode(types, array[1], item, depth + 1, name) for item in items))
    if kind in types:
        # A struct that is left out is encoded as zero (as eth_signTypedData_v4 has it).
        return bytes(32) if value is None else _hash_struct(types, kind, value, depth)
    try:
        return _encode_atomic(kind, value)
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}: {error}") from None


def _encode_atomic(kind: str, value: Any) -> bytes:
    if kind == "string":
        if not isinstance(value, str):
            raise InvalidArgument(f"expected a string, got {type_name(value)}")
        return keccak256(value.encode())
    if kind == "bytes":
        return keccak256(parse_data(value))
    if kind == "bool":
        if not isinstance(value, bool):
            raise InvalidArgument(f"expected true or false, got {type_name(value)}")
        return int(value).to_bytes(32, "big")
    if kind == "address":
        return parse_fixed_data(value, 20).rjust(32, b"\0")
    fixed_bytes = _FIXED_BYTES.fullmatch(kind)
    if fixed_bytes is not None and 1 <= int(fixed_bytes[1]) <= 32:
        return parse_fixed_data(value, int(fixed_bytes[1])).ljust(32, b"\0")
    integer = _INTEGER.fullmatch(kind)
    if integer is None or not 8 <= int(integer[2]) <= 256 or int(integer[2]) % 8:
        raise InvalidArgument(f"unknown type {kind[:60]!r}")
    return _encode_integer(value, is_signed=not integer[1], bits=int(integer[2]))


def _encode_integer(value: Any, is_signed: bool, bits: int) -> bytes:
    number = _integer(value)
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)
    if not lowest <= number <= highest:
        raise InvalidArgument(f"{number} is no {'' if is_signed else 'unsigned '}integer of {bits} bits")
    return number.to_bytes(32, "big", signed=is_signed)


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 80:
        try:
            return int(value, 16 if value.lower().lstrip("-").startswith("0x") else 10)
        except ValueError:
            pass
    raise InvalidArgument(f"expected an integer, or its digits as a string, got {type_name(value)}")
