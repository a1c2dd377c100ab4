"""Telling a call that reverted from an endpoint that refuses for a reason of its own, and what the revert says."""

from collections.abc import Sequence
from typing import Final

from phal2.contracts import decode_revert, load_artefact
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
    return b"" if error.code == _EXECUTION_REVERTED or "revert" in error.message.lower() else None


def revert_reason(error: EndpointRefused, artefacts: Sequence[str]) -> str | None:
    """Say why a call reverted, or None where the error is of another kind.

    That is by the errors of the contracts that `artefacts` name, or in the endpoint's words where it gives no data.
    """
    data = revert_data(error)
    if data is None:
        return None
    return decode_revert([load_artefact(name) for name in artefacts], data) if data else error.message
