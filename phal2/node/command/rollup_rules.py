"""What the execution of a block depends on in a rollup configuration, wherever that comes from.

A node refuses a configuration that it does not understand to the last field, as it must derive a chain by it. To
execute one block or hash a genesis takes the chain id, the forks and the EIP-1559 parameters, and no more is read.
"""

from collections.abc import Mapping
from typing import Final

from phal2.node.command.spelled_fields import Spellings, spelled_fields
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig

_FORKS: Final = tuple(fork for fork in Fork if fork is not Fork.BEDROCK)
_FORK_TIMES: Final = tuple(f"{fork.name.lower()}_time" for fork in _FORKS)

_TIMES_OF_OTHERS: Final = ("block_time", "l2_time", "superchain_time", "pectra_blob_schedule_time", "attested_time")
"""Names that end as fork times do; none decides how a block is executed, and OP chains have no attested_time."""

_CONFIG: Final[Spellings] = {
    "l1_chain_id": (),
    "l2_chain_id": ("chain_id",),
    "block_time": (),
    "chain_op_config": ("optimism",),
    "attested_time": (),
    **dict.fromkeys(_FORK_TIMES, ()),
}
_EIP1559: Final[Spellings] = {
    "eip1559Elasticity": (),
    "eip1559Denominator": (),
    "eip1559DenominatorCanyon": (),
}

_NAMED_CHAINS: Final[Mapping[str, int]] = {
    "optimism": 10,
    "unichain": 130,
    "fraxtal": 252,
    "world": 480,
    "mode-sepolia": 919,
    "lisk": 1135,
    "unichain-sepolia": 1301,
    "soneium": 1868,
    "soneium-minato-testnet": 1946,
    "fraxtal-testnet": 2522,
    "world-sepolia": 4801,
    "base": 8453,
    "mode": 34443,
    "ink": 57073,
    "bob": 60808,
    "base-sepolia": 84532,
    "ink-sepolia": 763373,
    "bob-sepolia": 808813,
    "zora": 7777777,
    "optimism-sepolia": 11155420,
    "zora-sepolia": 999999999,
}
"""Chain ids by the names that kona writes in place of them."""

_NOWHERE: Final = BlockId(bytes(32), 0)


def read_rollup_rules(content: object, timestamp: int) -> RollupConfig:
    """Read what executing a block of `timestamp` depends on from op-node's or kona's rollup configuration.

    As for kona, a fork that has no time of its own is active once a later one is; Regolith without a time is active
    from genesis, as it is on every chain of the superchain registry. Raises `InvalidConfiguration`.
    """
    fields = spelled_fields("rollup_config", content, _CONFIG)
    _refuse_unknown_forks(content, timestamp)
    eip1559 = spelled_fields("rollup_config.chain_op_config", fields.content.get("chain_op_config", {}), _EIP1559)
    return rollup_rules(
        chain_id=_read_chain_id(fields),
        forks=_read_forks(fields),
        elasticity=_positive(eip1559, "eip1559Elasticity", 6),
        denominator=_positive(eip1559, "eip1559Denominator", 50),
        denominator_canyon=_positive(eip1559, "eip1559DenominatorCanyon", 250),
    )


def rollup_rules(
    *, chain_id: int, forks: ForkSchedule, elasticity: int, denominator: int, denominator_canyon: int
) -> RollupConfig:
    """Return a configuration with what execution depends on; the rest says nothing about any chain."""
    return RollupConfig(
        l1_chain_id=0,
        l2_chain_id=chain_id,
        l1_genesis=_NOWHERE,
        l2_genesis=_NOWHERE,
        l2_genesis_time=0,
        genesis_system_config=SystemConfig(bytes(20), bytes(32), bytes(32), 0),
        block_time=1,
        batch_inbox_address=bytes(20),
        deposit_contract_address=bytes(20),
        l1_system_config_address=bytes(20),
        forks=forks,
        eip1559_elasticity=elasticity,
        eip1559_denominator=denominator,
        eip1559_denominator_canyon=denominator_canyon,
    )


def _read_chain_id(fields: ConfigurationFields) -> int:
    value = fields.content.get("l2_chain_id")
    if isinstance(value, str) and value in _NAMED_CHAINS:
        return _NAMED_CHAINS[value]
    return fields.quantity("l2_chain_id", 64)


def _read_forks(fields: ConfigurationFields) -> ForkSchedule:
    times: dict[str, int] = {}
    earliest: int | None = None
    for name in reversed(_FORK_TIMES):
        own = fields.quantity(name, 64) if fields.has(name) else None
        if own is None and name == "regolith_time":
            own = 0
        known = [time for time in (own, earliest) if time is not None]
        earliest = min(known, default=None)
        if earliest is not None:
            times[name] = earliest
    if fields.has("attested_time"):
        times["attested_time"] = fields.quantity("attested_time", 64)
    return ForkSchedule(**times)


def _refuse_unknown_forks(content: object, timestamp: int) -> None:
    assert isinstance(content, dict)  # noqa: S101 - its fields have been read before
    for name, value in content.items():
        is_fork = name.endswith("_time") and name not in (*_FORK_TIMES, *_TIMES_OF_OTHERS)
        if is_fork and isinstance(value, int) and value <= timestamp:
            raise InvalidConfiguration(
                f"rollup_config.{name[:80]} is {value}, so the block of {timestamp} is under a fork that this version "
                f"of phal2 does not know; known are {', '.join(fork.name.lower() for fork in _FORKS)}"
            )


def _positive(fields: ConfigurationFields, name: str, default: int) -> int:
    number = fields.quantity(name, 64, default=default)
    if number == 0:
        raise fields.wrong(name, "at least 1")
    return number
