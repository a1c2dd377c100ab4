"""Staked amounts from a file, beside the state export.

A delegation is worth shares × the pool's value, which is spread over several pallets' storage and moves with the pool;
`System.Account` does not hold it. Whoever publishes a snapshot computes it with the runtime's own code, and gives
the result as a file of account and planks: CSV with the header line `account,staked`, or a JSON object.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NoReturn

from phal2.bridge.migration.bounded_json import parse_json
from phal2.bridge.migration.errors import InvalidAccount, InvalidStakes
from phal2.bridge.migration.ss58 import parse_account

LARGEST_FILE: Final = 1 << 28

_CSV_HEADER: Final = ["account", "staked"]
_PLANKS: Final = re.compile(r"0|[1-9][0-9]{0,38}")
_HIGHEST_PLANKS: Final = (1 << 128) - 1


def read_stakes(path: Path) -> Mapping[bytes, int]:
    """Read a file of staked amounts: 32-byte account id to planks. Raises InvalidStakes, naming the file."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidStakes(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise InvalidStakes(f"{path} is larger than {LARGEST_FILE} bytes, the largest file of stakes that is read")
    try:
        return parse_stakes(content)
    except InvalidStakes as error:
        raise InvalidStakes(f"{path}: {error}") from None


def parse_stakes(content: bytes) -> Mapping[bytes, int]:
    """Parse staked amounts from CSV or JSON. Raises InvalidStakes: they must be exact integers of unique accounts."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidStakes(f"not UTF-8 at byte {error.start}") from None
    rows = _json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text)
    stakes: dict[bytes, int] = {}
    for place, account, amount in rows:
        try:
            account_id = parse_account(account)
        except InvalidAccount as error:
            raise InvalidStakes(f"{place}: {error}") from None
        if account_id in stakes:
            raise InvalidStakes(f"{place}: account {account} occurs twice (0x{account_id.hex()})")
        stakes[account_id] = _parse_planks(amount, place)
    return stakes


def _csv_rows(text: str) -> Iterable[tuple[str, str, str]]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        if next(reader, None) != _CSV_HEADER:
            raise InvalidStakes("expected a JSON object, or CSV with the header line account,staked")
        for row in reader:
            place = f"line {reader.line_num}"
            if len(row) != len(_CSV_HEADER):
                raise InvalidStakes(f"{place}: expected account,staked, got {len(row)} fields")
            yield place, row[0], row[1]
    except csv.Error as error:
        raise InvalidStakes(f"line {reader.line_num}: {error}") from None


def _json_rows(text: str) -> Iterable[tuple[str, str, str]]:
    try:
        members = parse_json(
            text, object_pairs_hook=list, parse_float=_refuse_number, parse_constant=_refuse_number, parse_int=str
        )
    except RecursionError:
        raise InvalidStakes("nested too deeply; expected a JSON object of account to planks") from None
    except ValueError as error:
        raise InvalidStakes(f"not JSON: {error}") from None
    for account, amount in members:
        if not isinstance(amount, str):
            raise InvalidStakes(f"account {account}: expected an integer of planks or its decimal digits")
        yield f"account {account[:60]}", account, amount


def _parse_planks(text: str, place: str) -> int:
    if not _PLANKS.fullmatch(text) or int(text) > _HIGHEST_PLANKS:
        raise InvalidStakes(
            f"{place}: {text[:60]!r} is not an amount; expected whole planks in decimal digits, below 2**128, "
            "without sign, separators, fraction or leading zeros"
        )
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    raise InvalidStakes(f"{text[:60]} is not an integer; floating point would not keep the amount")
