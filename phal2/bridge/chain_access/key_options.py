"""The options by which a command is given a private key: in a file, in the environment, or itself."""

import argparse
import os
from pathlib import Path
from typing import Protocol

from phal2.bridge.chain_access.errors import InvalidKey
from phal2.bridge.chain_access.private_keys import private_key_variable, read_private_key, secp256k1_key


class OptionHolder(Protocol):
    """A parser, or a group of its options."""

    def add_mutually_exclusive_group(self) -> "argparse._MutuallyExclusiveGroup":
        """Return a group of options of which one may be given."""
        ...


def add_key_options(parser: OptionHolder, owner: str, prefix: str = "") -> None:
    """Add --PREFIXprivate-key-file and --PREFIXprivate-key; `owner` says whose key it is."""
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        f"--{prefix}private-key-file",
        type=Path,
        metavar="FILE",
        help=f"file with the private key of {owner}, 64 hex digits (without either option: the environment variable "
        f"{private_key_variable(prefix)})",
    )
    keys.add_argument(
        f"--{prefix}private-key",
        type=private_key,
        metavar="HEX",
        help="the key itself; others on this machine may see it in the process list, so prefer the file",
    )


def given_key(arguments: argparse.Namespace, prefix: str = "") -> bytes:
    """Return the 32-byte key that `add_key_options` asked for. Raises InvalidKey."""
    key: bytes | None = getattr(arguments, f"{_name(prefix)}private_key")
    path: Path | None = getattr(arguments, f"{_name(prefix)}private_key_file")
    return read_private_key(key, path, os.environ, prefix)


def is_key_given(arguments: argparse.Namespace, prefix: str = "") -> bool:
    """Tell whether there is anything that `given_key` would read."""
    name = _name(prefix)
    options = (getattr(arguments, f"{name}private_key"), getattr(arguments, f"{name}private_key_file"))
    return any(option is not None for option in options) or private_key_variable(prefix) in os.environ


def private_key(text: str) -> bytes:
    """Read a secp256k1 key. No message repeats it."""
    try:
        return secp256k1_key(text, "HEX")
    except InvalidKey as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _name(prefix: str) -> str:
    return prefix.replace("-", "_")
