"""What a call that reverted said, as text for a person."""

from collections.abc import Sequence
from typing import Any, Final

from phal2.contracts.abi import SELECTOR_LENGTH, abi_of, selector
from phal2.contracts.abi_types import Abi, AbiEntry, AbiError, decode_values
from phal2.contracts.artefact import Artefact
from phal2.node.protocol.addresses import to_checksum_address

MAXIMUM_SHOWN_BYTES: Final = 256
"""How much of data that nothing explains, or of a reason, is shown."""

_REASON: Final[AbiEntry] = {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]}
_PANIC: Final[AbiEntry] = {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]}

_PANICS: Final = {
    0x00: "generic panic",
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division or modulo by zero",
    0x21: "value out of range of an enumeration",
    0x22: "wrongly encoded byte array in storage",
    0x31: "pop on an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory allocated",
    0x51: "call of an uninitialised function",
}
"""Solidity documentation, "Panic via assert and Error via require"."""


def decode_revert(contracts: Sequence[Artefact | Abi], data: bytes) -> str:
    """Say what the revert data of a call means; it never fails.

    Args:
        contracts: Whose custom errors are known.
        data: What the call that reverted returned.

    Returns:
        The reason of a `require` or `revert`; `panic 0x12: division or modulo by zero`; for a custom error
        `NotOwner(caller: 0x…, owner: 0x…)`; `reverted with 0x…` or `reverted without data` for what nothing explains.
    """
    if not data:
        return "reverted without data"
    errors = [entry for contract in contracts for entry in abi_of(contract) if entry["type"] == "error"]
    for error in (_REASON, _PANIC, *errors):
        if selector(error) != data[:SELECTOR_LENGTH]:
            continue
        try:
            values = decode_values(error["name"], error["inputs"], data[SELECTOR_LENGTH:])
        except AbiError:
            continue
        return _describe(error, values)
    shown = data[:MAXIMUM_SHOWN_BYTES].hex()
    return f"reverted with 0x{shown}{'…' if len(data) > MAXIMUM_SHOWN_BYTES else ''}"


def _describe(error: AbiEntry, values: tuple[Any, ...]) -> str:
    if error is _REASON:
        return _readable(values[0])
    if error is _PANIC:
        return f"panic 0x{values[0]:02x}: {_PANICS.get(values[0], 'unknown code')}"
    shown = (
        f"{parameter['name'] or index}: {_show(parameter['type'], value)}"
        for index, (parameter, value) in enumerate(zip(error["inputs"], values, strict=True))
    )
    return f"{error['name']}({', '.join(shown)})"


def _show(type_name: str, value: Any) -> str:
    if type_name == "address":
        return to_checksum_address(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return _readable(value) if isinstance(value, str) else str(value)


def _readable(text: str) -> str:
    """Return text of a contract's choice as a line, which no terminal takes for anything but text."""
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= MAXIMUM_SHOWN_BYTES else f"{shown[:MAXIMUM_SHOWN_BYTES]}…"
