import pytest

from phal2.node.protocol.whole_numbers import parse_whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("007", 7), ("18446744073709551615", 2**64 - 1), ("0" * 19 + "1", 1)],
)
def test_digits_within_bounds_are_a_number(text: str, number: int) -> None:
    assert parse_whole_number(text, 1, 2**64 - 1) == number


@pytest.mark.parametrize(
    "text", ["", "0", "18446744073709551616", "-1", "+1", "1_000", " 1", "1\n", "1.0", "0x1", "٣", "²", "9" * 5_000]
)
def test_all_else_is_none(text: str) -> None:
    assert parse_whole_number(text, 1, 2**64 - 1) is None
