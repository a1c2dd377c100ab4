"""Numbers, words and options of development methods, in all the spellings that clients send."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.devnet.development.parameters import MineRequest, parse_balance, parse_mine_request, parse_number, parse_word
from phal2.node.rpc.errors import InvalidArgument


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_a_number_is_the_same_in_every_spelling(number: int) -> None:
    spellings: list[Any] = [
        number,
        str(number),
        hex(number),
        f"0x{number:064x}",
        hex(number).upper().replace("0X", "0x"),
    ]

    assert {parse_number(spelling, 64) for spelling in spellings} == {number}


@pytest.mark.parametrize("value", [-1, 1 << 64, "-1", "", "0x", "0xg", "1.5", 1.5, True, None, [], "9" * 100, "٣"])
def test_what_is_no_number_of_64_bits_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        parse_number(value, 64)


@pytest.mark.parametrize(("value", "word"), [("0x01", 1), ("0x" + "00" * 31 + "2a", 42), ("0xabc", 0xABC), (7, 7)])
def test_a_word_is_read_from_bytes_quantities_and_numbers(value: Any, word: int) -> None:
    assert parse_word(value) == word


@pytest.mark.parametrize("value", ["0x", "0x" + "0" * 65, "0xzz", -1, None])
def test_what_is_no_word_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        parse_word(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_700_000_000, MineRequest(1_700_000_000)),
        ("0xf0000000", MineRequest(0xF0000000)),
        (3, MineRequest(None, 3)),
        (3_601, MineRequest(3_601)),
        (0, MineRequest(0)),
        ({}, MineRequest()),
        ({"blocks": 5}, MineRequest(None, 5)),
        ({"timestamp": "16", "blocks": "0x2"}, MineRequest(16, 2)),
    ],
)
def test_mining_is_asked_for_with_a_timestamp_a_number_of_blocks_or_options(value: Any, expected: MineRequest) -> None:
    assert parse_mine_request(value) == expected


@pytest.mark.parametrize("value", [{"block": 5}, {"blocks": -1}, [], True])
def test_other_options_of_mining_are_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        parse_mine_request(value)


def test_a_balance_leaves_room_for_sums() -> None:
    assert parse_balance(hex((1 << 192) - 1)) == (1 << 192) - 1
    with pytest.raises(InvalidArgument, match="must stay below 2\\^256"):
        parse_balance(hex((1 << 256) - 1))
