"""What commands that work on chains share: argument types, options, and how errors end them."""

import argparse
import sys
from collections.abc import Callable
from typing import Final

from phal2.bridge.chain_access.key_options import add_key_options, given_key
from phal2.bridge.chain_access.transactions import DEFAULT_TIMEOUT_SECONDS
from phal2.node.protocol.addresses import parse_address
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error
from phal2.node.protocol.whole_numbers import parse_whole_number

_LONGEST_SECONDS: Final = 100 * 366 * 86_400
_TOO_LARGE: Final = 10**15


def report_errors(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Return a `run` that prints a Phal2Error as one line on stderr and then gives exit code 1."""

    def run_and_report(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except Phal2Error as error:
            print(f"error: {error}", file=sys.stderr)
            return 1

    return run_and_report


def report_progress(line: str) -> None:
    """Print a line of progress on stderr, so that stdout has the result alone."""
    print(line, file=sys.stderr, flush=True)


def add_sending_options(parser: argparse.ArgumentParser, *, owner: str) -> None:
    """Add the options of the key that sends transactions, and how long one may take; `owner` says whose key it is."""
    add_key_options(parser, owner)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=int(DEFAULT_TIMEOUT_SECONDS),
        metavar="SECONDS",
        help="how long a transaction may take to be mined (default: %(default)s)",
    )


def sending_key(arguments: argparse.Namespace) -> bytes:
    """Return the private key that `add_sending_options` asked for. Raises InvalidKey."""
    return given_key(arguments)


def address(text: str) -> bytes:
    """Read an address; digits of mixed case must be its EIP-55 checksum."""
    try:
        return parse_address(text)
    except InvalidEncoding as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> int:
    """Read a number of seconds, at least one and at most a century."""
    number = parse_whole_number(text, 1, _LONGEST_SECONDS)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a whole number of seconds from 1 on, got {text[:40]!r}")
    return number


def positive_number(text: str) -> float:
    """Read a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < _TOO_LARGE:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text[:40]!r}")
    return number


def whole_number(text: str) -> int:
    """Read a whole number above 0."""
    number = parse_whole_number(text, 1, _TOO_LARGE - 1)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a positive whole number, got {text[:40]!r}")
    return number
