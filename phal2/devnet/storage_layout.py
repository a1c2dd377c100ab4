"""Writes contract storage from named values by solc's storage layout."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from phal2.contracts import Artefact
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.keccak import keccak256

_WORD_BYTES: Final = 32


class StorageLayoutError(Phal2Error):
    """A value that has no place in a contract's storage, or a type that this writer does not know."""


def storage_words(artefact: Artefact, values: Mapping[str, object]) -> dict[int, int]:
    """Return the storage words by slot that hold `values` (by variable name); all else is zero.

    Integers and booleans are given as such, addresses and bytes32 as bytes, structs and mappings as dictionaries
    (mapping keys as bytes), dynamic arrays as sequences. Raises `StorageLayoutError`.
    """
    words: dict[int, int] = {}
    variables = {variable["label"]: variable for variable in artefact.storage_layout["storage"]}
    for name, value in values.items():
        if name not in variables:
            raise StorageLayoutError(f"{artefact.name} has no storage variable {name!r}; it has {', '.join(variables)}")
        variable = variables[name]
        _write(
            artefact.storage_layout["types"], variable["type"], words, int(variable["slot"]), variable["offset"], value
        )
    return {slot: word for slot, word in words.items() if word}


def _write(
    types: Mapping[str, Any], type_name: str, words: dict[int, int], slot: int, offset: int, value: object
) -> None:
    layout = types[type_name]
    encoding = layout["encoding"]
    if encoding == "inplace" and "members" in layout and isinstance(value, Mapping):
        for member in layout["members"]:
            member_slot = slot + int(member["slot"])
            _write(types, member["type"], words, member_slot, member["offset"], value[member["label"]])
    elif encoding == "inplace" and "members" not in layout:
        words[slot] = words.get(slot, 0) | _integer(layout, value) << 8 * offset
    elif encoding == "mapping" and isinstance(value, Mapping):
        for key, element in value.items():
            position = keccak256(key.rjust(_WORD_BYTES, b"\0") + slot.to_bytes(_WORD_BYTES, "big"))
            _write(types, layout["value"], words, int.from_bytes(position, "big"), 0, element)
    elif encoding == "dynamic_array" and isinstance(value, Sequence):
        words[slot] = len(value)
        first = _first_data_slot(slot)
        if int(types[layout["base"]]["numberOfBytes"]) != _WORD_BYTES:
            raise StorageLayoutError(f"arrays of {layout['base']} are packed, which this writer does not do")
        for index, element in enumerate(value):
            _write(types, layout["base"], words, first + index, 0, element)
    elif encoding == "bytes" and isinstance(value, bytes):
        _write_bytes(words, slot, value)
    else:
        raise StorageLayoutError(f"cannot write {type(value).__name__} as {layout['label']}")


def _integer(layout: Mapping[str, Any], value: object) -> int:
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else value
    if not isinstance(number, int):
        raise StorageLayoutError(f"cannot write {type(value).__name__} as {layout['label']}")
    if number < 0 or number.bit_length() > 8 * int(layout["numberOfBytes"]):
        raise StorageLayoutError(f"{number} is out of range for {layout['label']}")
    return int(number)


def _write_bytes(words: dict[int, int], slot: int, value: bytes) -> None:
    if len(value) < _WORD_BYTES:
        words[slot] = int.from_bytes(value.ljust(_WORD_BYTES - 1, b"\0") + bytes([2 * len(value)]), "big")
        return
    words[slot] = 2 * len(value) + 1
    first = _first_data_slot(slot)
    for start in range(0, len(value), _WORD_BYTES):
        word = value[start : start + _WORD_BYTES].ljust(_WORD_BYTES, b"\0")
        words[first + start // _WORD_BYTES] = int.from_bytes(word, "big")


def _first_data_slot(slot: int) -> int:
    return int.from_bytes(keccak256(slot.to_bytes(_WORD_BYTES, "big")), "big")
