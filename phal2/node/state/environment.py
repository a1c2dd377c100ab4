"""What a block is executed in: everything that opcodes, fees and the header need before the first transaction."""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.errors import InvalidBlock
from phal2.node.protocol.fees import child_base_fee_per_gas, encode_holocene_extra_data, next_base_fee_per_gas
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Header
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.state.blobs import next_excess_blob_gas
from phal2.node.state.rules import L1Rules, L2Rules, Revision

L1_ELASTICITY: Final = 2
L1_BASE_FEE_DENOMINATOR: Final = 8
_BASE_FEE_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class BlockEnvironment:
    """The fields of a block's header that are known before its transactions run.

    `base_fee_per_gas` is in wei. `parent_beacon_block_root` and `excess_blob_gas` are None before Cancun (on L2
    before Ecotone).
    """

    parent_hash: bytes
    number: int
    timestamp: int
    coinbase: bytes
    gas_limit: int
    base_fee_per_gas: int
    prev_randao: bytes
    parent_beacon_block_root: bytes | None
    excess_blob_gas: int | None
    extra_data: bytes


def l2_environment(
    rules: L2Rules, parent: Header, parent_hash: bytes, attributes: PayloadAttributes
) -> BlockEnvironment:
    """Return the environment of the L2 block that `attributes` ask for on `parent` (OP Stack "Holocene", "Ecotone").

    Raise `InvalidEncoding` where the parent's extraData is malformed, `InvalidBlock` where the base fee has no header.
    """
    config, timestamp = rules.config, attributes.timestamp
    ecotone = config.forks.is_active(Fork.ECOTONE, timestamp)
    base_fee_per_gas = child_base_fee_per_gas(config, parent, timestamp)
    if base_fee_per_gas >> _BASE_FEE_BITS:
        raise InvalidBlock(
            f"the base fee after block {parent.number} has {base_fee_per_gas.bit_length()} bits, more than "
            f"the {_BASE_FEE_BITS} that a header holds"
        )
    return BlockEnvironment(
        parent_hash=parent_hash,
        number=parent.number + 1,
        timestamp=timestamp,
        coinbase=attributes.fee_recipient,
        gas_limit=attributes.gas_limit,
        base_fee_per_gas=base_fee_per_gas,
        prev_randao=attributes.prev_randao,
        parent_beacon_block_root=attributes.parent_beacon_block_root if ecotone else None,
        excess_blob_gas=0 if ecotone else None,
        extra_data=_l2_extra_data(config, attributes),
    )


def l1_environment(
    rules: L1Rules,
    parent: Header,
    parent_hash: bytes,
    timestamp: int,
    coinbase: bytes,
    prev_randao: bytes,
    gas_limit: int,
    parent_beacon_block_root: bytes = bytes(32),
    extra_data: bytes = b"",
) -> BlockEnvironment:
    """Return the environment of the L1 block that follows `parent` (EIP-1559, EIP-4844, EIP-7691)."""
    cancun = rules.revision >= Revision.CANCUN
    return BlockEnvironment(
        parent_hash=parent_hash,
        number=parent.number + 1,
        timestamp=timestamp,
        coinbase=coinbase,
        gas_limit=gas_limit,
        base_fee_per_gas=next_base_fee_per_gas(
            parent.gas_used, parent.gas_limit, parent.base_fee_per_gas or 0, L1_ELASTICITY, L1_BASE_FEE_DENOMINATOR
        ),
        prev_randao=prev_randao,
        parent_beacon_block_root=parent_beacon_block_root if cancun else None,
        excess_blob_gas=(
            next_excess_blob_gas(rules.revision, parent.excess_blob_gas or 0, parent.blob_gas_used or 0)
            if cancun
            else None
        ),
        extra_data=extra_data,
    )


def _l2_extra_data(config: RollupConfig, attributes: PayloadAttributes) -> bytes:
    if not config.forks.is_active(Fork.HOLOCENE, attributes.timestamp):
        return b""
    if attributes.eip1559_denominator == 0 and attributes.eip1559_elasticity == 0:
        return encode_holocene_extra_data(config.eip1559_denominator_canyon, config.eip1559_elasticity)
    return encode_holocene_extra_data(attributes.eip1559_denominator, attributes.eip1559_elasticity)
