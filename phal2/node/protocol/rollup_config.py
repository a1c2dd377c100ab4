"""The rollup configuration: what a node must know beside L1 and the genesis (op-node's rollup.json)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration, document_fields
from phal2.node.protocol.forks import Fork, ForkSchedule

CHANNEL_TIMEOUT_GRANITE: Final = 50
"""L1 blocks from the first to the last frame of a channel, from Granite on."""

MAXIMUM_SEQUENCER_DRIFT_FJORD: Final = 1800
"""Seconds that an L2 block's time may be ahead of its L1 origin's, from Fjord on."""

_POSTING_MARGIN: Final = 10
_GREATEST_SCALAR: Final = (1 << 32) - 1

_OP_FORK_TIMES: Final = tuple(f"{fork.name.lower()}_time" for fork in Fork if fork is not Fork.BEDROCK)
_FORK_TIMES: Final = (*_OP_FORK_TIMES, "attested_time")

_UNUSED_FIELDS: Final = ("protocol_versions_address",)
"""Fields of op-node's rollup.json that no rule of derivation or execution depends on."""

_JOVIAN_SYSTEM_FIELDS: Final = ("minBaseFee", "daFootprintGasScalar")
"""Fields of a system configuration that op-node writes as 0 where no Jovian is."""


def posting_margin(sequencing_window_size: int) -> int:
    """Return how many L1 blocks before the end of the sequencing window a batch should be sent to L1 at the latest.

    It is no rule of derivation: sequencer and batcher keep it (as op-batcher its sub-safety margin), so that what is
    built can be posted in time.
    """
    return min(_POSTING_MARGIN, sequencing_window_size // 4)


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """What L1's SystemConfig contract rules of an L2 block.

    `scalar` is the 32-byte word of version 1: byte 0 is 1, bytes 24-27 the blob base fee scalar, 28-31 the base fee
    scalar.
    """

    batcher_address: bytes
    overhead: bytes
    scalar: bytes
    gas_limit: int
    eip1559_denominator: int = 0
    eip1559_elasticity: int = 0
    operator_fee_scalar: int = 0
    operator_fee_constant: int = 0

    @property
    def base_fee_scalar(self) -> int:
        """Scalar of the L1 base fee (Ecotone); the greatest where it is too long for version 0 of the word."""
        if self.scalar[0] == 0 and any(self.scalar[1:28]):
            return _GREATEST_SCALAR
        return int.from_bytes(self.scalar[28:32], "big")

    @property
    def blob_base_fee_scalar(self) -> int:
        """Scalar of the L1 blob base fee (Ecotone); version 0 of the word has none."""
        return int.from_bytes(self.scalar[24:28], "big") if self.scalar[0] == 1 else 0


def ecotone_scalar(base_fee_scalar: int, blob_base_fee_scalar: int) -> bytes:
    """Return the 32-byte scalar word of version 1."""
    return b"\x01" + bytes(23) + blob_base_fee_scalar.to_bytes(4, "big") + base_fee_scalar.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class RollupConfig:
    """Chain ids, genesis, timing, addresses and forks of the rollup. Times are in seconds, windows in L1 blocks."""

    l1_chain_id: int
    l2_chain_id: int
    l1_genesis: BlockId
    l2_genesis: BlockId
    l2_genesis_time: int
    genesis_system_config: SystemConfig
    block_time: int
    batch_inbox_address: bytes
    deposit_contract_address: bytes
    l1_system_config_address: bytes
    forks: ForkSchedule
    maximum_sequencer_drift: int = 600
    sequencing_window_size: int = 3600
    channel_timeout_bedrock: int = 300
    eip1559_elasticity: int = 6
    eip1559_denominator: int = 50
    eip1559_denominator_canyon: int = 250

    def __post_init__(self) -> None:
        if self.block_time <= 0:
            raise InvalidConfiguration(f"block_time is {self.block_time} s, expected at least 1")

    def l2_timestamp(self, number: int) -> int:
        """Return the timestamp that the L2 block `number` must have."""
        return self.l2_genesis_time + (number - self.l2_genesis.number) * self.block_time

    def sequencer_drift(self, timestamp: int) -> int:
        """Return the greatest lead in seconds of an L2 block of `timestamp` over its L1 origin."""
        active = self.forks.is_active(Fork.FJORD, timestamp)
        return MAXIMUM_SEQUENCER_DRIFT_FJORD if active else self.maximum_sequencer_drift

    def channel_timeout(self, timestamp: int) -> int:
        """Return the channel timeout in L1 blocks at an L1 block of `timestamp`."""
        active = self.forks.is_active(Fork.GRANITE, timestamp)
        return CHANNEL_TIMEOUT_GRANITE if active else self.channel_timeout_bedrock

    def to_json(self) -> dict[str, object]:
        """Return op-node's rollup.json as a JSON object."""
        system = self.genesis_system_config
        eip1559_params = system.eip1559_denominator << 32 | system.eip1559_elasticity
        operator_fee_params = system.operator_fee_scalar << 64 | system.operator_fee_constant
        fork_times = {name: getattr(self.forks, name) for name in _FORK_TIMES}
        return {
            "genesis": {
                "l1": {"hash": _hex(self.l1_genesis.hash), "number": self.l1_genesis.number},
                "l2": {"hash": _hex(self.l2_genesis.hash), "number": self.l2_genesis.number},
                "l2_time": self.l2_genesis_time,
                "system_config": {
                    "batcherAddr": _hex(system.batcher_address),
                    "overhead": _hex(system.overhead),
                    "scalar": _hex(system.scalar),
                    "gasLimit": system.gas_limit,
                    "eip1559Params": f"0x{eip1559_params:016x}",
                    "operatorFeeParams": f"0x{operator_fee_params:064x}",
                },
            },
            "block_time": self.block_time,
            "max_sequencer_drift": self.maximum_sequencer_drift,
            "seq_window_size": self.sequencing_window_size,
            "channel_timeout": self.channel_timeout_bedrock,
            "l1_chain_id": self.l1_chain_id,
            "l2_chain_id": self.l2_chain_id,
            **{name: time for name, time in fork_times.items() if time is not None},
            "batch_inbox_address": _hex(self.batch_inbox_address),
            "deposit_contract_address": _hex(self.deposit_contract_address),
            "l1_system_config_address": _hex(self.l1_system_config_address),
            "chain_op_config": {
                "eip1559Elasticity": self.eip1559_elasticity,
                "eip1559Denominator": self.eip1559_denominator,
                "eip1559DenominatorCanyon": self.eip1559_denominator_canyon,
            },
        }

    @classmethod
    def from_json(cls, document: object) -> "RollupConfig":
        """Read op-node's rollup.json, decoded; the inverse of `to_json`.

        Raises `InvalidConfiguration`, which names the field: unknown fields are refused, because a fork or a mode that
        this node does not know would lead it to another chain. Op-node's Config.Check refuses chains of one number,
        forgotten addresses, no gas and a window of one block, too.
        """
        fields = document_fields(document)
        fields.only(_FIELDS)
        genesis = fields.section("genesis")
        genesis.only(("l1", "l2", "l2_time", "system_config"))
        eip1559 = fields.section("chain_op_config")
        eip1559.only(("eip1559Elasticity", "eip1559Denominator", "eip1559DenominatorCanyon"))
        l1_chain_id, l2_chain_id = fields.positive("l1_chain_id", 256), fields.positive("l2_chain_id", 256)
        if l2_chain_id == l1_chain_id:
            raise fields.wrong("l2_chain_id", "another number than l1_chain_id")
        return cls(
            l1_chain_id=l1_chain_id,
            l2_chain_id=l2_chain_id,
            l1_genesis=_read_block_id(genesis.section("l1")),
            l2_genesis=_read_block_id(genesis.section("l2")),
            l2_genesis_time=genesis.integer("l2_time", 64),
            genesis_system_config=_read_system_config(genesis.section("system_config")),
            block_time=fields.positive("block_time", 64),
            batch_inbox_address=fields.address("batch_inbox_address"),
            deposit_contract_address=fields.address("deposit_contract_address"),
            l1_system_config_address=fields.data("l1_system_config_address", 20),
            forks=_read_forks(fields),
            maximum_sequencer_drift=fields.integer("max_sequencer_drift", 64),
            sequencing_window_size=fields.positive("seq_window_size", 64, least=2),
            channel_timeout_bedrock=fields.positive("channel_timeout", 64),
            eip1559_elasticity=eip1559.positive("eip1559Elasticity", 64),
            eip1559_denominator=eip1559.positive("eip1559Denominator", 64),
            eip1559_denominator_canyon=eip1559.positive("eip1559DenominatorCanyon", 64),
        )


_FIELDS: Final = (
    "genesis",
    "block_time",
    "max_sequencer_drift",
    "seq_window_size",
    "channel_timeout",
    "l1_chain_id",
    "l2_chain_id",
    *_FORK_TIMES,
    "batch_inbox_address",
    "deposit_contract_address",
    "l1_system_config_address",
    "chain_op_config",
    *_UNUSED_FIELDS,
)


def _read_block_id(fields: ConfigurationFields) -> BlockId:
    fields.only(("hash", "number"))
    return BlockId(fields.data("hash", 32), fields.integer("number", 64))


def _read_system_config(fields: ConfigurationFields) -> SystemConfig:
    fields.only(
        ("batcherAddr", "overhead", "scalar", "gasLimit", "eip1559Params", "operatorFeeParams", *_JOVIAN_SYSTEM_FIELDS)
    )
    for name in _JOVIAN_SYSTEM_FIELDS:
        if fields.integer(name, 64, default=0) != 0:
            raise fields.wrong(name, "0, because this version of phal2 cannot honour Jovian's fields")
    eip1559_params = int.from_bytes(fields.data("eip1559Params", 8, default=bytes(8)), "big")
    operator_fee_params = int.from_bytes(fields.data("operatorFeeParams", 32, default=bytes(32)), "big")
    if operator_fee_params >= 1 << 96:
        raise fields.wrong("operatorFeeParams", "20 zero bytes, then scalar (4 bytes) and constant (8 bytes)")
    return SystemConfig(
        batcher_address=fields.address("batcherAddr"),
        overhead=fields.data("overhead", 32),
        scalar=fields.data("scalar", 32),
        gas_limit=fields.positive("gasLimit", 64),
        eip1559_denominator=eip1559_params >> 32,
        eip1559_elasticity=eip1559_params & 0xFFFFFFFF,
        operator_fee_scalar=operator_fee_params >> 64,
        operator_fee_constant=operator_fee_params & 0xFFFFFFFFFFFFFFFF,
    )


def _read_forks(fields: ConfigurationFields) -> ForkSchedule:
    """Read the activation times, which must not fall in the order of the OP forks (op-node's CheckForks)."""
    times = {name: fields.integer(name, 64) for name in _FORK_TIMES if fields.has(name)}
    for earlier, later in pairwise(_OP_FORK_TIMES):
        if later in times and (earlier not in times or times[earlier] > times[later]):
            found = times.get(earlier, "never")
            raise fields.wrong(later, f"at least {earlier}, which is {found}")
    return ForkSchedule(**times)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
