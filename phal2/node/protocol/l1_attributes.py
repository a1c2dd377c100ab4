"""The L1 attributes deposit: the first transaction of every L2 block, which tells it of its L1 origin.

The call data is ABI-encoded in Bedrock and packed from Ecotone on; each later fork appends to it. The block that
activates a fork still has the former format, as the contract behind it is only upgraded in that block. Sources: OP
Stack "L1 Attributes Deposited Transaction", "Ecotone", "Isthmus" and "Jovian: L1 Attributes".
"""

from dataclasses import dataclass, replace
from typing import Final

from phal2.node.protocol.blob_base_fee import l1_blob_base_fee
from phal2.node.protocol.block_refs import BlockId, L2BlockRef
from phal2.node.protocol.deposits import DepositTransaction, decode_deposit, l1_attributes_source_hash
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.fees import L1FeeParameters, decode_holocene_extra_data, decode_jovian_extra_data
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

BEDROCK_SELECTOR: Final = keccak256(b"setL1BlockValues(uint64,uint64,uint256,bytes32,uint64,bytes32,uint256,uint256)")[
    :4
]
ECOTONE_SELECTOR: Final = keccak256(b"setL1BlockValuesEcotone()")[:4]
ISTHMUS_SELECTOR: Final = keccak256(b"setL1BlockValuesIsthmus()")[:4]
JOVIAN_SELECTOR: Final = keccak256(b"setL1BlockValuesJovian()")[:4]

DEFAULT_DA_FOOTPRINT_GAS_SCALAR: Final = 400
SYSTEM_DEPOSIT_GAS: Final = 1_000_000
SYSTEM_DEPOSIT_GAS_BEDROCK: Final = 150_000_000

_LENGTHS: Final = {BEDROCK_SELECTOR: 260, ECOTONE_SELECTOR: 164, ISTHMUS_SELECTOR: 176, JOVIAN_SELECTOR: 178}
_EIP1559_PARAMETERS_UNSET: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class L1Attributes:
    """What an L2 block learns of its L1 origin. Fees are in wei; a fork's fields are 0 where the format lacks them.

    `sequence_number` counts the L2 blocks of the epoch from 0. `overhead` and `scalar` are Bedrock's.
    """

    number: int
    timestamp: int
    base_fee: int
    block_hash: bytes
    sequence_number: int
    batcher_address: bytes
    overhead: int = 0
    scalar: int = 0
    base_fee_scalar: int = 0
    blob_base_fee_scalar: int = 0
    blob_base_fee: int = 0
    operator_fee_scalar: int = 0
    operator_fee_constant: int = 0
    da_footprint_gas_scalar: int = 0

    @property
    def l1_origin(self) -> BlockId:
        """The L1 block that the values are of."""
        return BlockId(self.block_hash, self.number)

    @property
    def fee_parameters(self) -> L1FeeParameters:
        """The values that fees of the L2 block's transactions are computed from."""
        return L1FeeParameters(
            l1_base_fee=self.base_fee,
            blob_base_fee=self.blob_base_fee,
            base_fee_scalar=self.base_fee_scalar,
            blob_base_fee_scalar=self.blob_base_fee_scalar,
            overhead=self.overhead,
            scalar=self.scalar,
            operator_fee_scalar=self.operator_fee_scalar,
            operator_fee_constant=self.operator_fee_constant,
            da_footprint_gas_scalar=self.da_footprint_gas_scalar,
        )


def attributes_fork(config: RollupConfig, timestamp: int) -> Fork:
    """Return the fork whose format the L1 attributes of the L2 block of `timestamp` have: that of the block before."""
    previous = timestamp - config.block_time
    return config.forks.fork_at(previous if previous >= 0 else timestamp)


def l1_attributes(
    config: RollupConfig,
    system_config: SystemConfig,
    l1_origin: Header,
    l1_origin_hash: bytes,
    sequence_number: int,
    timestamp: int,
) -> L1Attributes:
    """Return the L1 attributes of the L2 block of `timestamp` whose origin is the given L1 header."""
    attributes = L1Attributes(
        number=l1_origin.number,
        timestamp=l1_origin.timestamp,
        base_fee=l1_origin.base_fee_per_gas or 0,
        block_hash=l1_origin_hash,
        sequence_number=sequence_number,
        batcher_address=system_config.batcher_address,
    )
    fork = attributes_fork(config, timestamp)
    if fork < Fork.ECOTONE:
        return replace(
            attributes,
            overhead=int.from_bytes(system_config.overhead, "big"),
            scalar=int.from_bytes(system_config.scalar, "big"),
        )
    attributes = replace(
        attributes,
        base_fee_scalar=system_config.base_fee_scalar,
        blob_base_fee_scalar=system_config.blob_base_fee_scalar,
        blob_base_fee=l1_blob_base_fee(config.l1_chain_id, l1_origin),
    )
    if fork < Fork.ISTHMUS:
        return attributes
    return replace(
        attributes,
        operator_fee_scalar=system_config.operator_fee_scalar,
        operator_fee_constant=system_config.operator_fee_constant,
        da_footprint_gas_scalar=DEFAULT_DA_FOOTPRINT_GAS_SCALAR if fork >= Fork.JOVIAN else 0,
    )


def l1_attributes_deposit(config: RollupConfig, attributes: L1Attributes, timestamp: int) -> DepositTransaction:
    """Return the deposit that brings `attributes` into the L2 block of `timestamp`."""
    regolith = config.forks.is_active(Fork.REGOLITH, timestamp)
    return DepositTransaction(
        source_hash=l1_attributes_source_hash(attributes.block_hash, attributes.sequence_number),
        sender=L1_ATTRIBUTES_DEPOSITOR,
        to=L1_BLOCK,
        mint=0,
        value=0,
        gas_limit=SYSTEM_DEPOSIT_GAS if regolith else SYSTEM_DEPOSIT_GAS_BEDROCK,
        is_system_transaction=not regolith,
        data=encode_l1_attributes(attributes, attributes_fork(config, timestamp)),
    )


def encode_l1_attributes(attributes: L1Attributes, fork: Fork) -> bytes:
    """Return the call data in the format of `fork`."""
    if fork < Fork.ECOTONE:
        return _encode_bedrock(attributes)
    encoded = b"".join(
        (
            attributes.base_fee_scalar.to_bytes(4, "big"),
            attributes.blob_base_fee_scalar.to_bytes(4, "big"),
            attributes.sequence_number.to_bytes(8, "big"),
            attributes.timestamp.to_bytes(8, "big"),
            attributes.number.to_bytes(8, "big"),
            attributes.base_fee.to_bytes(32, "big"),
            attributes.blob_base_fee.to_bytes(32, "big"),
            attributes.block_hash,
            attributes.batcher_address.rjust(32, b"\x00"),
        )
    )
    if fork < Fork.ISTHMUS:
        return ECOTONE_SELECTOR + encoded
    encoded += attributes.operator_fee_scalar.to_bytes(4, "big") + attributes.operator_fee_constant.to_bytes(8, "big")
    if fork < Fork.JOVIAN:
        return ISTHMUS_SELECTOR + encoded
    return JOVIAN_SELECTOR + encoded + attributes.da_footprint_gas_scalar.to_bytes(2, "big")


def decode_l1_attributes(data: bytes) -> L1Attributes:
    """Read call data of any fork's format; raise `InvalidEncoding` where it is none of them."""
    selector = data[:4]
    if _LENGTHS.get(selector) != len(data):
        raise InvalidEncoding(f"L1 attributes of {len(data)} bytes with the selector 0x{selector.hex()} are unknown")
    if selector == BEDROCK_SELECTOR:
        return _decode_bedrock(data)
    has_operator_fee = selector in (ISTHMUS_SELECTOR, JOVIAN_SELECTOR)
    return L1Attributes(
        base_fee_scalar=int.from_bytes(data[4:8], "big"),
        blob_base_fee_scalar=int.from_bytes(data[8:12], "big"),
        sequence_number=int.from_bytes(data[12:20], "big"),
        timestamp=int.from_bytes(data[20:28], "big"),
        number=int.from_bytes(data[28:36], "big"),
        base_fee=int.from_bytes(data[36:68], "big"),
        blob_base_fee=int.from_bytes(data[68:100], "big"),
        block_hash=data[100:132],
        batcher_address=_address_of_word(data[132:164]),
        operator_fee_scalar=int.from_bytes(data[164:168], "big") if has_operator_fee else 0,
        operator_fee_constant=int.from_bytes(data[168:176], "big") if has_operator_fee else 0,
        da_footprint_gas_scalar=int.from_bytes(data[176:178], "big") if selector == JOVIAN_SELECTOR else 0,
    )


def l1_attributes_of_block(first_transaction: bytes) -> L1Attributes:
    """Read the L1 attributes from the first transaction of an L2 block; raise `InvalidEncoding` where it has none."""
    deposit = decode_deposit(first_transaction)
    if deposit.sender != L1_ATTRIBUTES_DEPOSITOR or deposit.to != L1_BLOCK:
        raise InvalidEncoding("the first transaction of the L2 block is not the L1 attributes deposit")
    return decode_l1_attributes(deposit.data)


def l2_block_ref(
    config: RollupConfig, header: Header, block_hash: bytes, first_transaction: bytes | None
) -> L2BlockRef:
    """Return the reference to an L2 block by its header, hash and first envelope (None for genesis).

    Raise `InvalidEncoding` where the first transaction is not an L1 attributes deposit.
    """
    l1_origin, sequence_number = config.l1_genesis, 0
    if header.number != config.l2_genesis.number:
        attributes = l1_attributes_of_block(first_transaction or b"")
        l1_origin, sequence_number = attributes.l1_origin, attributes.sequence_number
    return L2BlockRef(block_hash, header.number, header.parent_hash, header.timestamp, l1_origin, sequence_number)


def system_config_from_block(config: RollupConfig, header: Header, first_transaction: bytes | None) -> SystemConfig:
    """Return the system configuration under which an L2 block was built, by its header and first envelope.

    Raise `InvalidEncoding` where the first transaction or the header's extraData is malformed.
    """
    if header.number == config.l2_genesis.number:
        return config.genesis_system_config
    attributes = l1_attributes_of_block(first_transaction or b"")
    denominator, elasticity = _EIP1559_PARAMETERS_UNSET
    if config.forks.is_active(Fork.JOVIAN, header.timestamp):
        denominator, elasticity, _ = decode_jovian_extra_data(header.extra_data)
    elif config.forks.is_active(Fork.HOLOCENE, header.timestamp):
        denominator, elasticity = decode_holocene_extra_data(header.extra_data)
    ecotone = attributes_fork(config, header.timestamp) >= Fork.ECOTONE
    return SystemConfig(
        batcher_address=attributes.batcher_address,
        overhead=attributes.overhead.to_bytes(32, "big"),
        scalar=ecotone_scalar(attributes.base_fee_scalar, attributes.blob_base_fee_scalar)
        if ecotone
        else attributes.scalar.to_bytes(32, "big"),
        gas_limit=header.gas_limit,
        eip1559_denominator=denominator,
        eip1559_elasticity=elasticity,
        operator_fee_scalar=attributes.operator_fee_scalar,
        operator_fee_constant=attributes.operator_fee_constant,
    )


def _encode_bedrock(attributes: L1Attributes) -> bytes:
    words = (
        attributes.number.to_bytes(32, "big"),
        attributes.timestamp.to_bytes(32, "big"),
        attributes.base_fee.to_bytes(32, "big"),
        attributes.block_hash,
        attributes.sequence_number.to_bytes(32, "big"),
        attributes.batcher_address.rjust(32, b"\x00"),
        attributes.overhead.to_bytes(32, "big"),
        attributes.scalar.to_bytes(32, "big"),
    )
    return BEDROCK_SELECTOR + b"".join(words)


def _decode_bedrock(data: bytes) -> L1Attributes:
    words = [data[offset : offset + 32] for offset in range(4, 260, 32)]
    return L1Attributes(
        number=_uint64_of_word(words[0]),
        timestamp=_uint64_of_word(words[1]),
        base_fee=int.from_bytes(words[2], "big"),
        block_hash=words[3],
        sequence_number=_uint64_of_word(words[4]),
        batcher_address=_address_of_word(words[5]),
        overhead=int.from_bytes(words[6], "big"),
        scalar=int.from_bytes(words[7], "big"),
    )


def _uint64_of_word(word: bytes) -> int:
    if any(word[:24]):
        raise InvalidEncoding(f"L1 attributes: 0x{word.hex()} is no 64-bit integer")
    return int.from_bytes(word, "big")


def _address_of_word(word: bytes) -> bytes:
    if any(word[:12]):
        raise InvalidEncoding(f"L1 attributes: 0x{word.hex()} is no address")
    return word[12:]
