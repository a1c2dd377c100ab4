"""Telling a call that reverted from an endpoint that refuses for a reason of its own."""

from typing import Final

from phal2.node.l1.errors import EndpointRefused

_EXECUTION_REVERTED: Final = 3


def revert_data(error: EndpointRefused) -> bytes | None:
    """Return what a reverted call returned, or None where the error is of another kind."""
    data = error.data
    if isinstance(data, str) and data.startswith("0x"):
        try:
            return bytes.fromhex(data[2:])
        except ValueError:
            return None
    return b"" if error.code == _EXECUTION_REVERTED or "execution reverted" in error.message else None
