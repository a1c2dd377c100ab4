"""The option `--state-retention` of the commands that run nodes."""

import argparse
from typing import Final

from phal2.node.protocol.whole_numbers import parse_whole_number

SMALLEST_RETENTION: Final = 128
"""Blocks. As many as geth keeps, and enough for the reorganisations that L1 makes before it is final."""

_LARGEST_RETENTION: Final = 10**18 - 1

_HELP: Final = (
    "keep the state of the newest N blocks only, or of all; blocks, transactions and receipts are kept anyway. "
    "State of blocks that are not final is kept, too. With a smaller N than before, old state is removed little by "
    f"little as blocks come; what is removed does not come back (default: %(default)s; N at least {SMALLEST_RETENTION})"
)


def add_state_retention_option(parser: argparse.ArgumentParser) -> None:
    """Add the option; its value is a number of blocks, None for all."""
    parser.add_argument("--state-retention", type=_retention, default="all", metavar="N|all", help=_HELP)


def _retention(text: str) -> int | None:
    if text == "all":
        return None
    number = parse_whole_number(text, 0, _LARGEST_RETENTION)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither a number of blocks nor the word all")
    if number < SMALLEST_RETENTION:
        raise argparse.ArgumentTypeError(f"{number} is too small; expected at least {SMALLEST_RETENTION}, or all")
    return number
