"""The blob base fee of an L1 block (EIP-4844), with the update fraction of the block's fork (EIP-7691, EIP-7892)."""

from typing import Final

from phal2.node.protocol.headers import Header

GAS_PER_BLOB: Final = 131_072
MINIMUM_BLOB_BASE_FEE: Final = 1
UPDATE_FRACTION_CANCUN: Final = 3338477
UPDATE_FRACTION_PRAGUE: Final = 5007716
UPDATE_FRACTION_FIRST_BLOB_PARAMETER_FORK: Final = 8346193
UPDATE_FRACTION_SECOND_BLOB_PARAMETER_FORK: Final = 11684671

_BLOB_PARAMETER_FORKS: Final = {
    1: (
        (1767747671, UPDATE_FRACTION_SECOND_BLOB_PARAMETER_FORK),
        (1765290239, UPDATE_FRACTION_FIRST_BLOB_PARAMETER_FORK),
    ),
    17000: (
        (1760389824, UPDATE_FRACTION_SECOND_BLOB_PARAMETER_FORK),
        (1759800000, UPDATE_FRACTION_FIRST_BLOB_PARAMETER_FORK),
    ),
    560048: (
        (1762955544, UPDATE_FRACTION_SECOND_BLOB_PARAMETER_FORK),
        (1762365720, UPDATE_FRACTION_FIRST_BLOB_PARAMETER_FORK),
    ),
    11155111: (
        (1761607008, UPDATE_FRACTION_SECOND_BLOB_PARAMETER_FORK),
        (1761017184, UPDATE_FRACTION_FIRST_BLOB_PARAMETER_FORK),
    ),
}
"""For public L1 chains: (activation time, update fraction), the latest first. Headers do not show these forks."""

_GREATEST_FEE: Final = (1 << 256) - 1
_GREATEST_EXPONENT: Final = 177
"""e^177 is the last below 2^256."""


def blob_base_fee(excess_blob_gas: int, update_fraction: int) -> int:
    """Return the wei a unit of blob gas costs: MINIMUM · e^(excess / fraction), by Taylor's series.

    Source: EIP-4844, `fake_exponential`.
    """
    index, output = 1, 0
    accumulator = MINIMUM_BLOB_BASE_FEE * update_fraction
    while accumulator > 0:
        output += accumulator
        accumulator = accumulator * excess_blob_gas // (update_fraction * index)
        index += 1
    return output // update_fraction


def l1_blob_base_fee(l1_chain_id: int, header: Header) -> int:
    """Return the blob base fee of an L1 block: 1 where the chain has no blobs yet, at most 2^256 - 1.

    Nobody could have paid so much; but a header is believed for its hash, and one that was made up must not take ages.
    """
    if header.excess_blob_gas is None:
        return MINIMUM_BLOB_BASE_FEE
    fraction = update_fraction(l1_chain_id, header)
    if header.excess_blob_gas > _GREATEST_EXPONENT * fraction:
        return _GREATEST_FEE
    return blob_base_fee(header.excess_blob_gas, fraction)


def update_fraction(l1_chain_id: int, header: Header) -> int:
    """Return the blob base fee's update fraction at an L1 block. Prague shows by the header's requests hash."""
    for activation_time, fraction in _BLOB_PARAMETER_FORKS.get(l1_chain_id, ()):
        if header.timestamp >= activation_time:
            return fraction
    return UPDATE_FRACTION_CANCUN if header.requests_hash is None else UPDATE_FRACTION_PRAGUE
