"""Quantities and data as JSON-RPC writes and reads them (execution-apis, "Hex value encoding")."""

from typing import Any, Final

from phal2.node.rpc.errors import InvalidArgument

HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


def quantity(value: int) -> str:
    """Return 0x and the digits without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """Return 0x and two digits a byte."""
    return "0x" + value.hex()


def parse_quantity(value: Any, maximum_bits: int) -> int:
    """Read 0x and hex digits without leading zeros; raise `InvalidArgument`."""
    digits = _digits(value)
    if not digits:
        raise InvalidArgument('hex string "0x"')
    if digits[0] == "0" and len(digits) > 1:
        raise InvalidArgument("hex number with leading zero digits")
    if 4 * len(digits) > maximum_bits + 3 or (number := int(digits, 16)).bit_length() > maximum_bits:
        raise InvalidArgument(f"hex number > {maximum_bits} bits")
    return number


def parse_uint64(value: Any) -> int:
    """Read a quantity of at most 64 bits; raise `InvalidArgument`."""
    return parse_quantity(value, 64)


def parse_uint256(value: Any) -> int:
    """Read a quantity of at most 256 bits; raise `InvalidArgument`."""
    return parse_quantity(value, 256)


def parse_data(value: Any) -> bytes:
    """Read 0x and an even number of hex digits; raise `InvalidArgument`."""
    found = _read_bytes(value)
    if found is not None:
        return found
    digits = _digits(value)
    if len(digits) % 2:
        raise InvalidArgument("hex string of odd length")
    return bytes.fromhex(digits)


def parse_fixed_data(value: Any, length: int) -> bytes:
    """Read 0x and the hex digits of exactly `length` bytes; raise `InvalidArgument`."""
    found = _read_bytes(value)
    if found is not None and len(found) == length:
        return found
    digits = _digits(value)
    if len(digits) != 2 * length:
        raise InvalidArgument(f"hex string has length {len(digits)}, want {2 * length}")
    return bytes.fromhex(digits)


def _read_bytes(value: Any) -> bytes | None:
    """Return the bytes where all is well, quickly; None where somebody must say what is wrong."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            return None
        # Python overlooks spaces between digits.
        if 2 * len(found) + 2 == len(value):
            return found
    return None


def _digits(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"expected a hex string, got {type_name(value)}")
    if not value:
        raise InvalidArgument("empty hex string")
    if not value.startswith(("0x", "0X")):
        raise InvalidArgument("hex string without 0x prefix")
    digits = value[2:]
    if not HEX_DIGITS.issuperset(digits):
        raise InvalidArgument("invalid hex string")
    return digits


def type_name(value: Any) -> str:
    """Return what JSON calls the type of a decoded value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
