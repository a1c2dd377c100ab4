"""Delegation designators: the code by which an account lends itself another's code (EIP-7702)."""

from typing import Final

DELEGATION_PREFIX: Final = b"\xef\x01\x00"
DELEGATION_LENGTH: Final = 23


def delegation_to(address: bytes) -> bytes:
    """Return the code of an account that delegates to the 20-byte `address`."""
    return DELEGATION_PREFIX + address


def delegated_address(code: bytes) -> bytes | None:
    """Return the address that `code` delegates to, None where it is ordinary code."""
    if len(code) == DELEGATION_LENGTH and code.startswith(DELEGATION_PREFIX):
        return code[len(DELEGATION_PREFIX) :]
    return None
