"""TCB statuses as numbers: the order in which docs/attested-transactions.md and the contracts count them."""

from typing import Final

TCB_STATUSES: Final = (
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
)
"""Names as Intel's collateral and dcap-qvl write them; the index is the number. Revoked is no status: it is refused."""


def status_number(name: str) -> int | None:
    """Return the number of a status by its name, None where it is none that can be accepted."""
    return TCB_STATUSES.index(name) if name in TCB_STATUSES else None


def status_name(number: int) -> str:
    """Return the name of a status by its number."""
    return TCB_STATUSES[number] if 0 <= number < len(TCB_STATUSES) else f"unknown status {number}"
