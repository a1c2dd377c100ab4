"""Types and values of the Contract ABI: the canonical names of types, and values to bytes and back.

Values: addresses are 20 bytes, bytes and bytesN are bytes, integers int, arrays and structs tuples. Accepted are also
addresses as hexadecimal text, arrays and structs as lists, and structs as mappings by field name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from phal2.node.protocol.errors import Phal2Error

AbiEntry: TypeAlias = Mapping[str, Any]
"""One function, event, error or constructor, or one of their parameters, of an ABI's JSON."""

Abi: TypeAlias = Sequence[AbiEntry]


class AbiError(Phal2Error):
    """An ABI has no such member, or arguments or bytes do not fit its types."""


def canonical_type(parameter: AbiEntry) -> str:
    """Return a parameter's type as signatures have it: a struct is its fields' types in parentheses."""
    name = cast(str, parameter["type"])
    if not name.startswith("tuple"):
        return name
    return f"({','.join(canonical_type(field) for field in parameter['components'])}){name.removeprefix('tuple')}"


def signature(entry: AbiEntry) -> str:
    """Return the signature that selectors and topics are hashes of, such as `register(address,uint64)`."""
    return f"{entry['name']}({','.join(canonical_type(parameter) for parameter in entry['inputs'])})"


def encode_values(what: str, parameters: Sequence[AbiEntry], arguments: Sequence[object]) -> bytes:
    """Encode `arguments` as values of `parameters`; `what` names the call in errors.

    Raises:
        AbiError: if their number or a value does not fit.
    """
    # eth-abi takes half a second to import, which commands that code no values need not wait for.
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    if len(parameters) != len(arguments):
        raise AbiError(f"{what} takes {len(parameters)} arguments, got {len(arguments)}")
    types = [canonical_type(parameter) for parameter in parameters]
    values = [
        _structs_to_tuples(what, parameter, value) for parameter, value in zip(parameters, arguments, strict=True)
    ]
    try:
        return encode(types, values)
    except EncodingError as error:
        raise AbiError(f"arguments do not fit {what}({', '.join(types)}): {error}") from error


def decode_values(what: str, parameters: Sequence[AbiEntry], data: bytes) -> tuple[Any, ...]:
    """Decode `data` as values of `parameters`; `what` names it in errors.

    Raises:
        AbiError: if `data` does not hold such values.
    """
    # As in encode_values.
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    types = [canonical_type(parameter) for parameter in parameters]
    try:
        values = decode(types, data)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:  # the last of offsets beyond any memory
        raise AbiError(f"{len(data)} bytes are not {what}({', '.join(types)}): {error}") from error
    return tuple(_addresses_to_bytes(parameter, value) for parameter, value in zip(parameters, values, strict=True))


def _structs_to_tuples(what: str, parameter: AbiEntry, value: object) -> object:
    """Turn structs that were given as mappings into tuples, at any depth."""
    name = cast(str, parameter["type"])
    if not name.startswith("tuple"):
        return value
    if name.endswith("]") and isinstance(value, Sequence):
        return [_structs_to_tuples(what, _element(parameter), item) for item in value]
    components: Sequence[AbiEntry] = parameter["components"]
    if isinstance(value, Mapping):
        names = [component["name"] for component in components]
        if set(value) != set(names):
            raise AbiError(f"{what}: the struct has the fields {', '.join(names)}, got {', '.join(map(str, value))}")
        value = [value[field] for field in names]
    if not isinstance(value, Sequence) or len(value) != len(components):
        raise AbiError(f"{what}: expected the {len(components)} values of a struct, got {value!r}")
    return tuple(_structs_to_tuples(what, field, item) for field, item in zip(components, value, strict=True))


def _addresses_to_bytes(parameter: AbiEntry, value: Any) -> Any:
    """Turn the text that eth-abi makes of addresses into 20 bytes, at any depth."""
    name = cast(str, parameter["type"])
    if name == "address":
        return bytes.fromhex(value.removeprefix("0x"))
    if name.endswith("]"):
        return tuple(_addresses_to_bytes(_element(parameter), item) for item in value)
    if name == "tuple":
        fields = zip(parameter["components"], value, strict=True)
        return tuple(_addresses_to_bytes(field, item) for field, item in fields)
    return value


def _element(array: AbiEntry) -> AbiEntry:
    name = cast(str, array["type"])
    return {**array, "type": name[: name.rindex("[")]}
