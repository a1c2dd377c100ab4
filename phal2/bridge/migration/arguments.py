"""Argument types of the commands of `phal2 migration`."""

import argparse
import re
from typing import Final

from phal2.bridge.migration.errors import InvalidAccount
from phal2.bridge.migration.ss58 import parse_account

_INTEGER: Final = re.compile(r"[0-9]{1,20}")
_HIGHEST_TIMESTAMP: Final = (1 << 64) - 1


def account(text: str) -> bytes:
    """Read a Substrate account id as SS58 address or hex."""
    try:
        return parse_account(text)
    except InvalidAccount as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def timestamp(text: str) -> int:
    """Read Unix seconds."""
    if not _INTEGER.fullmatch(text) or int(text) > _HIGHEST_TIMESTAMP:
        raise argparse.ArgumentTypeError(f"expected a time in whole Unix seconds, got {text[:40]!r}")
    return int(text)
