"""The options of programs that run on and send transactions to L1: how often they look, and what they pay at most."""

import argparse

from phal2.bridge.amounts import GWEI
from phal2.bridge.chain_access.options import positive_number, whole_number

OptionHolder = argparse._ActionsContainer
"""A parser, or a group of its options."""


def add_poll_interval(options: OptionHolder, seconds: float) -> None:
    """Add --poll-interval, with its default."""
    options.add_argument(
        "--poll-interval",
        type=positive_number,
        default=seconds,
        metavar="SECONDS",
        help="pause between two looks at the chains (default: %(default)s)",
    )


def add_resubmission(options: OptionHolder, seconds: float, note: str = "") -> None:
    """Add --resubmit-after, with its default; `note` is for the help."""
    options.add_argument(
        "--resubmit-after",
        type=positive_number,
        default=seconds,
        metavar="SECONDS",
        help=f"when to send an unmined transaction again with higher fees{note} (default: %(default)s)",
    )


def add_fee_limits(options: OptionHolder, fee_limit: int, tip_limit: int) -> None:
    """Add --fee-limit and --tip-limit, with their defaults in wei. They give wei."""
    add_gwei(options, "--fee-limit", fee_limit, "never pay more than this per gas")
    add_gwei(
        options,
        "--tip-limit",
        tip_limit,
        "never tip L1's proposers more than this per gas, whatever the endpoint suggests",
    )


def add_gwei(options: OptionHolder, name: str, wei: int, meaning: str) -> None:
    """Add an option that is given in gwei and read as wei; its default, in wei, is whole gwei."""
    options.add_argument(name, type=_gwei, default=wei, metavar="GWEI", help=f"{meaning} (default: {wei // GWEI})")


def _gwei(text: str) -> int:
    return whole_number(text) * GWEI
