"""Amounts of ETH and tokens as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.amounts import InvalidAmount, format_amount, parse_amount


@given(st.integers(0, 2**256 - 1), st.integers(0, 77))
def test_an_amount_is_the_same_after_a_round_trip(amount: int, decimals: int) -> None:
    assert parse_amount(format_amount(amount, decimals), decimals) == amount


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [("1.5", 18, 15 * 10**17), ("0", 18, 0), ("007", 0, 7), ("1.50", 2, 150), ("0.000001", 6, 1)],
)
def test_decimal_text_is_read_exactly(text: str, decimals: int, amount: int) -> None:
    assert parse_amount(text, decimals) == amount


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("", 18),
        (".5", 18),
        ("5.", 18),
        ("-1", 18),
        ("1e3", 18),
        ("1_0", 18),
        ("١", 18),
        ("1.5", 0),
        ("0.001", 2),
        ("9" * 200, 0),
    ],
)
def test_other_text_is_refused(text: str, decimals: int) -> None:
    with pytest.raises(InvalidAmount):
        parse_amount(text, decimals)


def test_more_than_256_bits_are_refused() -> None:
    assert parse_amount(str(2**256 - 1), 0) == 2**256 - 1
    with pytest.raises(InvalidAmount, match="above"):
        parse_amount(str(2**256), 0)
