"""Argument types of the commands of `phal2 migration`."""

import argparse
from typing import Final

from phal2.bridge.migration.errors import InvalidAccount
from phal2.bridge.migration.ss58 import parse_account
from phal2.node.protocol.whole_numbers import parse_whole_number

_HIGHEST_TIMESTAMP: Final = (1 << 64) - 1


def account(text: str) -> bytes:
    """Read a Substrate account id as SS58 address or hex."""
    try:
        return parse_account(text)
    except InvalidAccount as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def timestamp(text: str) -> int:
    """Read Unix seconds."""
    seconds = parse_whole_number(text, 0, _HIGHEST_TIMESTAMP)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"expected a time in whole Unix seconds, got {text[:40]!r}")
    return seconds
