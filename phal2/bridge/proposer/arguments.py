"""Types of the proposer's command line arguments."""

import argparse

from phal2.node.protocol.whole_numbers import parse_whole_number


def host_and_port(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, _, digits = text.rpartition(":")
    port = parse_whole_number(digits, 1, 65_535)
    if not host or port is None:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, got {text[:80]!r}")
    return host.strip("[]"), port


def workload_hash(text: str) -> bytes:
    """Read the 32-byte hash of a workload."""
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise argparse.ArgumentTypeError(f"expected a hash of 64 hex digits, got {text[:80]!r}")
    return value
