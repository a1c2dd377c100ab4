"""What an L2 transaction pays beside gas for execution, and the base fee.

Amounts are in wei. The L1 fee is charged on the whole signed envelope of a sequenced transaction; deposits pay none of
these fees. Sources: OP Stack "L1-Cost fees", "Operator Fee", "Holocene: Dynamic EIP-1559 Parameters".
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.fastlz import flz_compressed_length as flz_compressed_length
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Header
from phal2.node.protocol.rollup_config import RollupConfig

MINIMUM_ESTIMATED_SIZE: Final = 100_000_000
"""Least size of a transaction on L1 from Fjord on, in millionths of a byte."""

SIZE_INTERCEPT: Final = -42_585_600
SIZE_PER_FASTLZ_BYTE: Final = 836_500

LARGEST_MINIMUM_LENGTH: Final = 164
"""An envelope of at most so many bytes is at the minimum size whatever FastLZ makes of it: at worst 170 bytes."""

_LARGEST_MINIMUM_COMPRESSED: Final = (MINIMUM_ESTIMATED_SIZE - SIZE_INTERCEPT) // SIZE_PER_FASTLZ_BYTE
"""An envelope that FastLZ makes at most so long is at the minimum size: 170 bytes."""

_LONGEST_REMEMBERED: Final = 1024
_ZERO_BYTE_GAS: Final = 4
_NONZERO_BYTE_GAS: Final = 16
_BEDROCK_SIGNATURE_BYTES: Final = 68
_MILLION: Final = 1_000_000

_HOLOCENE_EXTRA_DATA_LENGTH: Final = 9
_JOVIAN_EXTRA_DATA_LENGTH: Final = 17


@dataclass(frozen=True, slots=True)
class L1FeeParameters:
    """What the L1Block predeploy holds of fees. Base fees are in wei; each fork reads only the fields that it knows.

    `overhead` and `scalar` are Bedrock's, the two scalars of base fees Ecotone's, the operator fee Isthmus', the
    footprint scalar Jovian's.
    """

    l1_base_fee: int
    blob_base_fee: int = 0
    base_fee_scalar: int = 0
    blob_base_fee_scalar: int = 0
    overhead: int = 0
    scalar: int = 0
    operator_fee_scalar: int = 0
    operator_fee_constant: int = 0
    da_footprint_gas_scalar: int = 0


def estimated_size(raw: bytes) -> int:
    """Return the size in millionths of a byte that an envelope is taken to have in a batch, from Fjord on."""
    if len(raw) <= LARGEST_MINIMUM_LENGTH:
        return MINIMUM_ESTIMATED_SIZE
    return _short_estimated_size(raw) if len(raw) <= _LONGEST_REMEMBERED else _estimated_size(raw)


def l1_gas_used(raw: bytes, parameters: L1FeeParameters, fork: Fork) -> int:
    """Return the L1 gas that an envelope is taken to cost, as receipts show it (`l1GasUsed`)."""
    if _uses_bedrock_formula(parameters, fork):
        return _calldata_gas(raw, fork) + parameters.overhead
    if fork >= Fork.FJORD:
        return estimated_size(raw) * _NONZERO_BYTE_GAS // _MILLION
    return _calldata_gas(raw, fork)


def l1_fee(raw: bytes, parameters: L1FeeParameters, fork: Fork) -> int:
    """Return the fee for publishing an envelope on L1."""
    if _uses_bedrock_formula(parameters, fork):
        gas = _calldata_gas(raw, fork) + parameters.overhead
        return gas * parameters.l1_base_fee * parameters.scalar // _MILLION
    price = (
        _NONZERO_BYTE_GAS * parameters.l1_base_fee * parameters.base_fee_scalar
        + parameters.blob_base_fee * parameters.blob_base_fee_scalar
    )
    if fork >= Fork.FJORD:
        return estimated_size(raw) * price // (_MILLION * _MILLION)
    return _calldata_gas(raw, fork) * price // (_NONZERO_BYTE_GAS * _MILLION)


def operator_fee(gas: int, parameters: L1FeeParameters, fork: Fork) -> int:
    """Return the operator's fee for `gas`: the gas limit when gas is bought, the gas used when the rest goes back."""
    if fork >= Fork.JOVIAN:
        return gas * parameters.operator_fee_scalar * 100 + parameters.operator_fee_constant
    if fork >= Fork.ISTHMUS:
        return gas * parameters.operator_fee_scalar // _MILLION + parameters.operator_fee_constant
    return 0


def da_footprint(raw: bytes, parameters: L1FeeParameters) -> int:
    """Return what a sequenced transaction adds to the block's data availability footprint (Jovian), in gas."""
    return estimated_size(raw) // _MILLION * parameters.da_footprint_gas_scalar


def next_base_fee_per_gas(
    parent_gas_used: int,
    parent_gas_limit: int,
    parent_base_fee_per_gas: int,
    elasticity: int,
    denominator: int,
    minimum_base_fee_per_gas: int = 0,
) -> int:
    """Return the base fee after a block with the given gas and base fee (EIP-1559; the minimum is Jovian's)."""
    target = parent_gas_limit // elasticity
    distance = parent_gas_used - target
    # A parent limit below the elasticity makes the target 0; geth divides by it only where gas was used.
    if distance > 0:
        change = parent_base_fee_per_gas * distance // max(target, 1) // denominator
        base_fee = parent_base_fee_per_gas + max(change, 1)
    elif distance < 0:
        base_fee = parent_base_fee_per_gas - parent_base_fee_per_gas * -distance // target // denominator
    else:
        base_fee = parent_base_fee_per_gas
    return max(base_fee, minimum_base_fee_per_gas)


def child_base_fee_per_gas(config: RollupConfig, parent: Header, timestamp: int) -> int:
    """Return the base fee of the L2 block of `timestamp` on `parent`.

    The EIP-1559 parameters are the configuration's before Holocene, and those of the parent's extraData from Holocene
    on. Raise `InvalidEncoding` where that extraData is malformed.
    """
    forks = config.forks
    elasticity = config.eip1559_elasticity
    denominator = (
        config.eip1559_denominator_canyon if forks.is_active(Fork.CANYON, timestamp) else config.eip1559_denominator
    )
    minimum = 0
    metered = parent.gas_used
    if forks.is_active(Fork.JOVIAN, parent.timestamp):
        denominator, elasticity, minimum = decode_jovian_extra_data(parent.extra_data)
        metered = max(parent.gas_used, parent.blob_gas_used or 0)
    elif forks.is_active(Fork.HOLOCENE, parent.timestamp):
        denominator, elasticity = decode_holocene_extra_data(parent.extra_data)
    return next_base_fee_per_gas(
        metered, parent.gas_limit, parent.base_fee_per_gas or 0, elasticity, denominator, minimum
    )


def encode_holocene_extra_data(denominator: int, elasticity: int) -> bytes:
    """Return a header's extraData under Holocene: version 0, denominator and elasticity of 4 bytes each."""
    return b"\x00" + denominator.to_bytes(4, "big") + elasticity.to_bytes(4, "big")


def decode_holocene_extra_data(extra_data: bytes) -> tuple[int, int]:
    """Return (denominator, elasticity) of a Holocene extraData; raise `InvalidEncoding` where it is malformed."""
    if len(extra_data) != _HOLOCENE_EXTRA_DATA_LENGTH or extra_data[0] != 0:
        raise InvalidEncoding(
            f"extraData 0x{extra_data.hex()}: Holocene expects {_HOLOCENE_EXTRA_DATA_LENGTH} bytes of version 0"
        )
    return _decode_eip1559_parameters(extra_data)


def encode_jovian_extra_data(denominator: int, elasticity: int, minimum_base_fee_per_gas: int) -> bytes:
    """Return a header's extraData under Jovian: version 1, Holocene's parameters, minimum base fee of 8 bytes."""
    parameters = encode_holocene_extra_data(denominator, elasticity)[1:]
    return b"\x01" + parameters + minimum_base_fee_per_gas.to_bytes(8, "big")


def decode_jovian_extra_data(extra_data: bytes) -> tuple[int, int, int]:
    """Return (denominator, elasticity, minimum base fee) of a Jovian extraData; raise `InvalidEncoding` otherwise."""
    if len(extra_data) != _JOVIAN_EXTRA_DATA_LENGTH or extra_data[0] != 1:
        raise InvalidEncoding(
            f"extraData 0x{extra_data.hex()}: Jovian expects {_JOVIAN_EXTRA_DATA_LENGTH} bytes of version 1"
        )
    denominator, elasticity = _decode_eip1559_parameters(extra_data)
    return denominator, elasticity, int.from_bytes(extra_data[9:], "big")


def _decode_eip1559_parameters(extra_data: bytes) -> tuple[int, int]:
    denominator, elasticity = int.from_bytes(extra_data[1:5], "big"), int.from_bytes(extra_data[5:9], "big")
    if denominator == 0 or elasticity == 0:
        raise InvalidEncoding(f"extraData 0x{extra_data.hex()}: denominator and elasticity must not be 0")
    return denominator, elasticity


def _estimated_size(raw: bytes) -> int:
    length = flz_compressed_length(raw, _LARGEST_MINIMUM_COMPRESSED)
    return max(MINIMUM_ESTIMATED_SIZE, SIZE_INTERCEPT + SIZE_PER_FASTLZ_BYTE * length)


_short_estimated_size = lru_cache(maxsize=16_384)(_estimated_size)
"""An envelope is priced at admission, in its block and for its receipt; long ones would hold too much memory."""


def _uses_bedrock_formula(parameters: L1FeeParameters, fork: Fork) -> bool:
    if fork < Fork.ECOTONE:
        return True
    # The block that activates Ecotone still has Bedrock's L1 attributes, so none of Ecotone's values is set yet.
    return not (parameters.blob_base_fee or parameters.base_fee_scalar or parameters.blob_base_fee_scalar)


def _calldata_gas(raw: bytes, fork: Fork) -> int:
    zeros = raw.count(0)
    gas = zeros * _ZERO_BYTE_GAS + (len(raw) - zeros) * _NONZERO_BYTE_GAS
    # Before Regolith the fee was computed without counting the signature, which was added at a fixed size.
    return gas if fork >= Fork.REGOLITH else gas + _BEDROCK_SIGNATURE_BYTES * _NONZERO_BYTE_GAS
