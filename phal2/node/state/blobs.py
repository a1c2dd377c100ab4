"""Blob gas: its price, its excess and its limits (EIP-4844, EIP-7691)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB, UPDATE_FRACTION_CANCUN, UPDATE_FRACTION_PRAGUE
from phal2.node.protocol.blob_base_fee import blob_base_fee as blob_base_fee_by_fraction
from phal2.node.state.rules import Revision


@dataclass(frozen=True, slots=True)
class BlobSchedule:
    """How many blobs a block aims at and may hold, and how fast their price moves."""

    target: int
    maximum: int
    base_fee_update_fraction: int


CANCUN_BLOBS: Final = BlobSchedule(target=3, maximum=6, base_fee_update_fraction=UPDATE_FRACTION_CANCUN)
PRAGUE_BLOBS: Final = BlobSchedule(target=6, maximum=9, base_fee_update_fraction=UPDATE_FRACTION_PRAGUE)


def blob_schedule(revision: Revision) -> BlobSchedule:
    """Return the schedule of a revision that has blobs."""
    return PRAGUE_BLOBS if revision >= Revision.PRAGUE else CANCUN_BLOBS


@lru_cache(maxsize=64)
def blob_base_fee(revision: Revision, excess_blob_gas: int) -> int:
    """Return the price of one blob gas in wei."""
    return blob_base_fee_by_fraction(excess_blob_gas, blob_schedule(revision).base_fee_update_fraction)


def next_excess_blob_gas(revision: Revision, parent_excess: int, parent_used: int) -> int:
    """Return the excess blob gas of the block after one of `parent_excess` that used `parent_used`."""
    return max(0, parent_excess + parent_used - blob_schedule(revision).target * GAS_PER_BLOB)
