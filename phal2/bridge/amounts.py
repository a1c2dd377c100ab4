"""Amounts of ETH and tokens as people write them, exactly: integers of the smallest unit inside, text outside."""

from typing import Final

from phal2.node.protocol.errors import Phal2Error

GWEI: Final = 10**9
"""In wei."""

MOST_DECIMALS: Final = 77
_LONGEST: Final = 160
_LIMIT: Final = 1 << 256


class InvalidAmount(Phal2Error):
    """Text that is no amount of the asset."""


def parse_amount(text: str, decimals: int) -> int:
    """Return decimal text as an integer of the smallest unit, of which 10^decimals are one. Raises `InvalidAmount`."""
    whole, point, fraction = text.partition(".")
    digits = whole + fraction
    if (
        not digits.isascii()
        or not digits.isdigit()
        or not whole
        or bool(point) != bool(fraction)
        or len(text) > _LONGEST
        or len(fraction) > decimals
    ):
        raise InvalidAmount(f"expected an amount with at most {decimals} decimals, such as 1.5, got {text[:40]!r}")
    amount = int(whole + fraction.ljust(decimals, "0"))
    if amount >= _LIMIT:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise InvalidAmount(f"the amount {shown} is above 2^256 - 1 of the smallest unit")
    return amount


def format_amount(amount: int, decimals: int) -> str:
    """Return an integer of the smallest unit as exact decimal text, without trailing zeros."""
    whole, fraction = divmod(amount, 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{digits}" if digits else str(whole)
