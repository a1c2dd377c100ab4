from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from substrate_state import ALICE, BOB

from phal2.bridge.migration.errors import InvalidStakes
from phal2.bridge.migration.ss58 import encode_address
from phal2.bridge.migration.stakes import parse_stakes, read_stakes

ALICE_HEX = f"0x{ALICE.hex()}"
BOB_ADDRESS = encode_address(BOB)


@pytest.mark.parametrize(
    "text",
    [
        f"account,staked\n{ALICE_HEX},53333333340000000001\n{BOB_ADDRESS},0\n",
        f"account,staked\r\n{ALICE_HEX},53333333340000000001\r\n{BOB_ADDRESS},0",
        f'{{"{ALICE_HEX}": "53333333340000000001", "{BOB_ADDRESS}": "0"}}',
        f' {{"{ALICE_HEX}": 53333333340000000001, "{BOB_ADDRESS}": 0}}',
    ],
)
def test_csv_and_json_give_exact_planks(text: str) -> None:
    assert parse_stakes(text.encode()) == {ALICE: 53333333340000000001, BOB: 0}


@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.integers(0, 2**128 - 1)))
def test_every_amount_survives_as_text(stakes: dict[bytes, int]) -> None:
    lines = [f"{encode_address(account_id)},{amount}" for account_id, amount in stakes.items()]

    assert parse_stakes("\n".join(["account,staked", *lines]).encode()) == stakes


@pytest.mark.parametrize(
    "amount", ["", "-1", "+1", "01", "1.0", "1e18", "1_000", "1,000", " 1", "0x10", "١", str(2**128)]
)
def test_csv_amounts_that_are_no_whole_planks_are_refused(amount: str) -> None:
    with pytest.raises(InvalidStakes, match="line 2"):
        parse_stakes(f'account,staked\n{ALICE_HEX},"{amount}"\n'.encode())


@pytest.mark.parametrize(
    "amount", ["1.0", "1e18", "-1", "NaN", "Infinity", "true", "null", "[]", "{}", '"1.5"', '"01"']
)
def test_json_amounts_that_are_no_whole_planks_are_refused(amount: str) -> None:
    with pytest.raises(InvalidStakes):
        parse_stakes(f'{{"{ALICE_HEX}": {amount}}}'.encode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"account,staked\n{BOB_ADDRESS},1\n0x{BOB.hex()},1\n", "occurs twice"),
        (f'{{"{ALICE_HEX}": 1, "{ALICE_HEX}": 1}}', "occurs twice"),
        ("account,staked\n0x11,1\n", "line 2"),
        ("account,amount\n", "header line account,staked"),
        ("", "header line account,staked"),
        (f"account,staked\n{ALICE_HEX},1,2\n", "got 3 fields"),
        (f'account,staked\n{ALICE_HEX},"1\n', "line 2"),
        ("{", "not JSON"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_file_of_stakes_is_refused_with_the_place(text: str, reason: str) -> None:
    with pytest.raises(InvalidStakes, match=reason):
        parse_stakes(text.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_stakes_or_are_refused(content: bytes) -> None:
    with suppress(InvalidStakes):
        parse_stakes(content)


def test_the_files_name_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidStakes, match=r"stakes\.csv cannot be read: No such file"):
        read_stakes(tmp_path / "stakes.csv")
    (tmp_path / "stakes.csv").write_bytes(b"\xff")
    with pytest.raises(InvalidStakes, match=r"stakes\.csv: not UTF-8"):
        read_stakes(tmp_path / "stakes.csv")
