import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration.report import format_pha


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 PHA"),
        (1, "0.000000000000000001 PHA"),
        (10**17, "0.1 PHA"),
        (120_000_001 * 10**18, "120,000,001 PHA"),
        (53333333340000000001 * 10**6, "53,333,333.340000000001 PHA"),
        (-15 * 10**17, "-1.5 PHA"),
    ],
)
def test_amounts_are_written_exactly(amount: int, text: str) -> None:
    assert format_pha(amount) == text


@given(st.integers(0, 2**256))
def test_no_digit_of_an_amount_is_lost(amount: int) -> None:
    whole, _, fraction = format_pha(amount).removesuffix(" PHA").replace(",", "").partition(".")

    assert int(whole) * 10**18 + int(fraction.ljust(18, "0")) == amount
