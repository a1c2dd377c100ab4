"""Types of the proposer's command line arguments."""

import argparse


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
