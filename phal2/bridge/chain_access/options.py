"""What commands that work on chains share: argument types, the options of a key, and how errors end them."""

import argparse
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.private_keys import PRIVATE_KEY_VARIABLE, read_private_key
from phal2.bridge.chain_access.transactions import DEFAULT_TIMEOUT_SECONDS
from phal2.node.l1.client import L1Client
from phal2.node.protocol.addresses import parse_address
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error

_INTEGER: Final = re.compile(r"[0-9]{1,20}")
_LONGEST_SECONDS: Final = 100 * 366 * 86_400


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


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[L1Client]:
    """Give a client of an endpoint and close it. Raises InvalidEndpointUrl."""
    client = L1Client(url)
    try:
        yield client
    finally:
        await client.close()


def add_sending_options(parser: argparse.ArgumentParser, *, owner: str) -> None:
    """Add the options of the key that sends transactions, and how long one may take; `owner` says whose key it is."""
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--private-key-file",
        type=Path,
        metavar="FILE",
        help=f"file with the private key of {owner}, 64 hex digits (without either option: the environment variable "
        f"{PRIVATE_KEY_VARIABLE})",
    )
    keys.add_argument(
        "--private-key", metavar="HEX", help="the key itself; others on this machine may see it in the process list"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=int(DEFAULT_TIMEOUT_SECONDS),
        metavar="SECONDS",
        help="how long a transaction may take to be mined (default: %(default)s)",
    )


def sending_key(arguments: argparse.Namespace) -> bytes:
    """Return the private key that `add_sending_options` asked for. Raises InvalidKey."""
    return read_private_key(arguments.private_key, arguments.private_key_file, os.environ)


def address(text: str) -> bytes:
    """Read an address; digits of mixed case must be its EIP-55 checksum."""
    try:
        return parse_address(text)
    except InvalidEncoding as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> int:
    """Read a number of seconds, at least one and at most a century."""
    if not _INTEGER.fullmatch(text) or not 0 < int(text) <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(f"expected a whole number of seconds from 1 on, got {text[:40]!r}")
    return int(text)
