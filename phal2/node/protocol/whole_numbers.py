"""Whole numbers in decimal, as they come on command lines and in URLs."""

from typing import Final

_LONGEST: Final = 20
"""Digits, as 2^64 - 1 has them. What is longer need not be read, which Python takes long for."""


def parse_whole_number(text: str, least: int, most: int) -> int | None:
    """Return the number that ASCII digits alone say; None where they say none from `least` to `most`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST and least <= int(text) <= most):
        return None
    return int(text)
