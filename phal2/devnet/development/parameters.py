"""The parameters of development methods, in the several spellings that clients send them."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.devnet.development.chain import MOST_BLOCKS
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import HEX_DIGITS, parse_quantity, type_name
from phal2.node.rpc.parameter_types import ParameterType

BALANCE_BITS: Final = 192
"""Of the highest balance that an edit may give."""

_LEAST_MILLISECONDS: Final = 1_000
"""Intervals from here on are in milliseconds, as hardhat's clients send them; anvil's send seconds."""

_MOST_DECIMAL_DIGITS: Final = 78
"""Of 2^256 - 1."""


def parse_number(value: Any, maximum_bits: int) -> int:
    """Read an integer of at least 0: a JSON integer, decimal digits, or 0x and hex digits (leading zeros or not)."""
    if isinstance(value, str) and value.startswith(("0x", "0X")):
        return parse_quantity("0x" + (value[2:].lstrip("0") or value[2:][-1:]), maximum_bits)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DECIMAL_DIGITS:
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        given = f"{value[:80]!r}" if isinstance(value, str) else type_name(value)
        raise InvalidArgument(f"expected a number, decimal digits or a hex quantity, got {given}")
    if not 0 <= number < 1 << maximum_bits:
        raise InvalidArgument(
            f"{number} is out of range; expected an integer of at least 0 and at most 2^{maximum_bits} - 1"
        )
    return number


def _number64(value: Any) -> int:
    return parse_number(value, 64)


def _number256(value: Any) -> int:
    return parse_number(value, 256)


def parse_seconds(value: Any) -> int:
    """Read an interval between blocks: seconds, or whole seconds in milliseconds from 1,000 on."""
    number = _number64(value)
    if number < _LEAST_MILLISECONDS:
        return number
    if number % _LEAST_MILLISECONDS:
        raise InvalidArgument(
            f"an interval of {number} is read as milliseconds, and timestamps are whole seconds; "
            f"expected seconds below {_LEAST_MILLISECONDS:,} or a multiple of {_LEAST_MILLISECONDS:,} milliseconds"
        )
    return number // _LEAST_MILLISECONDS


def parse_word(value: Any) -> int:
    """Read a word of storage: at most 32 bytes in hex, leading zeros or not, or a number."""
    if isinstance(value, str) and value.startswith(("0x", "0X")):
        digits = value[2:]
        if not digits or len(digits) > 64 or not HEX_DIGITS.issuperset(digits):
            raise InvalidArgument("expected a word: 0x and 1 to 64 hex digits")
        return int(digits, 16)
    return parse_number(value, 256)


def parse_balance(value: Any, bits: int = BALANCE_BITS) -> int:
    """Read a balance in wei of at most `bits`, so that the sum of all that edits can give stays below 2^256."""
    balance = parse_number(value, 256)
    if balance >> bits:
        raise InvalidArgument(
            f"a balance of {balance} wei is too high: at most 2^{bits} - 1, as balances that come together in one "
            "account must stay below 2^256"
        )
    return balance


@dataclass(frozen=True, slots=True)
class MineRequest:
    """What evm_mine is asked for: the first block's timestamp (Unix seconds, None: what comes), and how many blocks."""

    timestamp: int | None = None
    blocks: int = 1


def parse_mine_request(value: Any) -> MineRequest:
    """Read a timestamp (hardhat), a number of blocks (web3.py), or {timestamp, blocks} (anvil and ganache).

    No block is as old as what is read as a number of blocks, the most that may be asked for in seconds after 1970.
    """
    if not isinstance(value, dict):
        number = _number64(value)
        return MineRequest(blocks=number) if 1 <= number <= MOST_BLOCKS else MineRequest(timestamp=number)
    if unknown := value.keys() - {"timestamp", "blocks"}:
        raise InvalidArgument(f"unknown field {min(unknown)}; expected timestamp and blocks")
    timestamp, blocks = value.get("timestamp"), value.get("blocks")
    return MineRequest(
        timestamp=None if timestamp is None else _number64(timestamp), blocks=1 if blocks is None else _number64(blocks)
    )


def _parse_any_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object, got {type_name(value)}")
    return value


_NUMBER_SCHEMA: Final = {"title": "number", "type": ["integer", "string"]}

Number = Annotated[int, ParameterType(_number64, _NUMBER_SCHEMA)]
"""An integer of at most 64 bits."""
Seconds = Annotated[int, ParameterType(parse_seconds, _NUMBER_SCHEMA)]
"""An interval between blocks."""
Amount = Annotated[int, ParameterType(_number256, _NUMBER_SCHEMA)]
"""An integer of at most 256 bits."""
Balance = Annotated[int, ParameterType(parse_balance, _NUMBER_SCHEMA)]
Word = Annotated[int, ParameterType(parse_word, {"title": "storage word", "type": ["integer", "string"]})]
Mining = Annotated[
    MineRequest,
    ParameterType(
        parse_mine_request,
        {"title": "timestamp, number of blocks, or options", "type": ["integer", "string", "object"]},
    ),
]
Options = Annotated[dict[str, Any], ParameterType(_parse_any_object, {"title": "options", "type": "object"})]
