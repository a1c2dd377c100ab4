import re
from contextlib import nullcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.devnet.settings import ETHER, DevnetSettings, format_ether, parse_ether

AMOUNTS = st.integers(0, 2**256 - 1)


@given(AMOUNTS)
def test_an_amount_that_was_written_is_read_back(wei: int) -> None:
    assert parse_ether(format_ether(wei).replace(",", "")) == wei


@given(AMOUNTS)
def test_amounts_are_written_as_exact_decimals(wei: int) -> None:
    text = format_ether(wei)

    assert Fraction(text.replace(",", "")) * ETHER == wei
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")


@given(st.integers(0, 10**20), st.text("0123456789", min_size=1, max_size=18))
def test_amounts_are_read_exactly(whole: int, fraction: str) -> None:
    assert parse_ether(f"{whole}.{fraction}") == whole * ETHER + int(fraction) * 10 ** (18 - len(fraction))
    assert parse_ether(str(whole)) == whole * ETHER


@pytest.mark.parametrize(
    "text",
    ["", ".", ".5", "-1", "+1", "1e3", "0x10", "1,000", " 1", "1.5.5", "1.-5", "0." + 19 * "0", "9" * 99, "١", "1.²"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an amount in ETH"):
        parse_ether(text)


@given(st.text(max_size=30) | st.text("0123456789.", max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    is_amount = re.fullmatch(r"[0-9]+(\.[0-9]{0,18})?", text) is not None

    with nullcontext() if is_amount else pytest.raises(ValueError, match="expected an amount in ETH"):
        assert parse_ether(text) >= 0


def test_the_defaults_are_those_that_the_design_fixes() -> None:
    settings = DevnetSettings()

    assert (settings.host, settings.l1_port, settings.l2_port, settings.follower_port) == (
        "127.0.0.1",
        8545,
        9545,
        9546,
    )
    assert (settings.l1_chain_id, settings.l2_chain_id) == (31337, 20350)
    assert (settings.l1_block_time, settings.l2_block_time) == (2, 1)
    assert (settings.account_count, settings.balance) == (10, 10_000 * ETHER)


@pytest.mark.parametrize(
    ("l1", "given_interval", "expected"),
    [("embedded", None, 4), ("anvil", None, 4), ("http://127.0.0.1:8545", None, 30), ("embedded", 60, 60)],
)
def test_outputs_are_proposed_often_where_nobody_pays_for_them(
    l1: str, given_interval: int | None, expected: int
) -> None:
    assert DevnetSettings(l1=l1, proposal_interval=given_interval).proposal_seconds == expected
