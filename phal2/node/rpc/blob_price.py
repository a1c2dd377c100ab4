"""The price of blob gas as the methods show it."""

from typing import Final

from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB, MINIMUM_BLOB_BASE_FEE
from phal2.node.state.blobs import PRAGUE_BLOBS, blob_base_fee
from phal2.node.state.rules import ChainRules, L1Rules

MAXIMUM_BLOB_GAS: Final = PRAGUE_BLOBS.maximum * GAS_PER_BLOB


def blob_gas_price(rules: ChainRules, excess_blob_gas: int | None) -> int:
    """Return the wei that a unit of blob gas costs in a block; 1 on L2, which has no blobs."""
    if excess_blob_gas is None or not isinstance(rules, L1Rules):
        return MINIMUM_BLOB_BASE_FEE
    return blob_base_fee(rules.revision, excess_blob_gas)
