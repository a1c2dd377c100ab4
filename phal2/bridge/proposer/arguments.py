"""Types of the proposer's command line arguments."""

import argparse
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from phal2.bridge.proposer.errors import ProposerError
from phal2.node.protocol.addresses import parse_address
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.signatures import SECP256K1_ORDER

_LARGEST_KEY_FILE: Final = 1_024


class OptionHolder(Protocol):
    """A parser, or a group of its options."""

    def add_mutually_exclusive_group(self) -> "argparse._MutuallyExclusiveGroup":
        """Return a group of options of which one may be given."""
        ...


def key_options(parser: OptionHolder, prefix: str, whose: str) -> None:
    """Add --PREFIXprivate-key-file and --PREFIXprivate-key."""
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        f"--{prefix}private-key-file", type=Path, metavar="FILE", help=f"a file with the key of {whose}, 64 hex digits"
    )
    keys.add_argument(
        f"--{prefix}private-key",
        metavar="HEX",
        help="the key itself; other users of the machine can see it, so prefer the file",
    )


def private_key(arguments: argparse.Namespace, prefix: str) -> bytes:
    """Return the 32-byte key that `key_options` asked for. Raises `ProposerError`, whose text never shows a key."""
    name = prefix.replace("-", "_")
    text: str | None = getattr(arguments, f"{name}private_key")
    path: Path | None = getattr(arguments, f"{name}private_key_file")
    source = f"--{prefix}private-key"
    if text is None:
        if path is None:
            raise ProposerError(f"no key: give {source}-file FILE or {source} HEX")
        text, source = _content(path), str(path)
    try:
        key = bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        raise ProposerError(f"{source}: expected a private key of 64 hex digits below the order of secp256k1")
    return key


def address(text: str) -> bytes:
    """Read an address; digits of mixed case must be its EIP-55 checksum."""
    try:
        return parse_address(text)
    except InvalidEncoding as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def host_and_port(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65_535:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, got {text[:80]!r}")
    return host.strip("[]"), int(port)


def workload_hash(text: str) -> bytes:
    """Read the 32-byte hash of a workload."""
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise argparse.ArgumentTypeError(f"expected a hash of 64 hex digits, got {text[:80]!r}")
    return value


def positive_number(text: str) -> float:
    """Read a number above 0."""
    return _positive(text, float, "number")


def whole_number(text: str) -> int:
    """Read a whole number above 0."""
    return int(_positive(text, int, "whole number"))


def _positive(text: str, read: Callable[[str], float], what: str) -> float:
    try:
        value = read(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e15:
        raise argparse.ArgumentTypeError(f"expected a positive {what}, got {text[:40]!r}")
    return value


def _content(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            content = file.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise ProposerError(f"the key cannot be read from {path}: {error.strerror}") from None
    if len(content) > _LARGEST_KEY_FILE:
        raise ProposerError(f"{path} has more than {_LARGEST_KEY_FILE} bytes, so it holds no key")
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        print(f"warning: other users can read the key in {path}; run chmod 600 {path}", file=sys.stderr)
    return content.decode("ascii", "replace")
