"""ConfigUpdate events of L1's SystemConfig contract (OP Stack "System Config")."""

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log, Receipt
from phal2.node.protocol.rollup_config import SystemConfig

CONFIG_UPDATE_TOPIC: Final = keccak256(b"ConfigUpdate(uint256,uint8,bytes)")
CONFIG_UPDATE_VERSION: Final = 0

_WORD: Final = 32


class ConfigUpdateType(IntEnum):
    """What a ConfigUpdate event changes."""

    BATCHER = 0
    FEE_SCALARS = 1
    GAS_LIMIT = 2
    UNSAFE_BLOCK_SIGNER = 3
    EIP1559_PARAMETERS = 4
    OPERATOR_FEE = 5


def updated_system_config(
    system_config: SystemConfig, receipts: Sequence[Receipt], system_config_address: bytes
) -> SystemConfig:
    """Apply the ConfigUpdate events of an L1 block in their order. An event that cannot be read changes nothing."""
    for receipt in receipts:
        if receipt.status != 1:
            continue
        for log in receipt.logs:
            if log.address == system_config_address and log.topics and log.topics[0] == CONFIG_UPDATE_TOPIC:
                try:
                    system_config = apply_config_update(system_config, log)
                except InvalidEncoding:
                    continue
    return system_config


def apply_config_update(system_config: SystemConfig, log: Log) -> SystemConfig:
    """Apply one event; raise `InvalidEncoding` where it is malformed or of an unknown type or version."""
    if len(log.topics) != 3 or log.topics[0] != CONFIG_UPDATE_TOPIC:
        raise InvalidEncoding("not a ConfigUpdate log: it has three topics")
    version, update_type = (int.from_bytes(topic, "big") for topic in log.topics[1:])
    if version != CONFIG_UPDATE_VERSION:
        raise InvalidEncoding(f"ConfigUpdate of version {version}, expected {CONFIG_UPDATE_VERSION}")
    if update_type == ConfigUpdateType.BATCHER:
        (word,) = _words(log.data, 1)
        return replace(system_config, batcher_address=_uint(word, 20).to_bytes(20, "big"))
    if update_type == ConfigUpdateType.FEE_SCALARS:
        _, scalar = _words(log.data, 2)
        _check_scalar(scalar)
        return replace(system_config, overhead=bytes(_WORD), scalar=scalar)
    if update_type == ConfigUpdateType.GAS_LIMIT:
        (word,) = _words(log.data, 1)
        return replace(system_config, gas_limit=_uint(word, 8))
    if update_type == ConfigUpdateType.EIP1559_PARAMETERS:
        (word,) = _words(log.data, 1)
        denominator, elasticity = divmod(_uint(word, 8), 1 << 32)
        return replace(system_config, eip1559_denominator=denominator, eip1559_elasticity=elasticity)
    if update_type == ConfigUpdateType.OPERATOR_FEE:
        # As in op-node and kona, what stands above scalar and constant is not looked at.
        (word,) = _words(log.data, 1)
        return replace(
            system_config,
            operator_fee_scalar=int.from_bytes(word[20:24], "big"),
            operator_fee_constant=int.from_bytes(word[24:], "big"),
        )
    if update_type == ConfigUpdateType.UNSAFE_BLOCK_SIGNER:
        return system_config
    raise InvalidEncoding(f"ConfigUpdate of the unknown type {update_type}")


def _words(data: bytes, count: int) -> list[bytes]:
    """Read the ABI encoding of one `bytes` argument that holds exactly `count` words."""
    if len(data) != (2 + count) * _WORD or data[: 2 * _WORD] != _number(_WORD) + _number(count * _WORD):
        raise InvalidEncoding(f"ConfigUpdate: data is not the ABI encoding of {count * _WORD} bytes")
    return [data[offset : offset + _WORD] for offset in range(2 * _WORD, len(data), _WORD)]


def _number(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _uint(word: bytes, size: int) -> int:
    if any(word[:-size]):
        raise InvalidEncoding(f"ConfigUpdate: 0x{word.hex()} does not fit into {size} bytes")
    return int.from_bytes(word, "big")


def _check_scalar(scalar: bytes) -> None:
    """Refuse a scalar word that is neither of version 0, with a base fee scalar alone, nor of version 1 (Ecotone)."""
    padding = {0: scalar[1:28], 1: scalar[1:24]}.get(scalar[0])
    if padding is None or any(padding):
        raise InvalidEncoding(f"ConfigUpdate: 0x{scalar.hex()} is no scalar of version 0 or 1")
