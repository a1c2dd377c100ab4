"""Reads a chain's configuration as the superchain registry has it, in TOML."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.node.command.bounded_files import read_bounded_file
from phal2.node.command.rollup_rules import rollup_rules
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration, document_fields
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig

LONGEST_CONFIGURATION: Final = 1 << 20

_FORK_TIMES: Final = tuple(f"{fork.name.lower()}_time" for fork in Fork if fork > Fork.REGOLITH)


@dataclass(frozen=True, slots=True)
class RegistryChain:
    """What the registry says of a chain: the rules of its blocks, and the block where the rollup begins."""

    rules: RollupConfig
    genesis: BlockId
    genesis_time: int


def read_registry_chain(path: Path) -> RegistryChain:
    """Read a chain's .toml. Raises `UnreadableFile`, or `InvalidConfiguration`, which names the field."""
    raw = read_bounded_file(path, LONGEST_CONFIGURATION)
    try:
        return _read_chain(tomllib.loads(raw.decode()))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidConfiguration(f"{path}: is not TOML: {error}") from None


def _read_chain(document: object) -> RegistryChain:
    """Read a chain; fields of which no genesis block depends, and forks that are not known here, are not read."""
    fields = document_fields(document)
    genesis = fields.section("genesis")
    block = genesis.section("l2")
    hardforks = fields.section("hardforks")
    times = {name: hardforks.integer(name, 64) for name in _FORK_TIMES if hardforks.has(name)}
    eip1559 = fields.section("optimism") if fields.has("optimism") else ConfigurationFields("optimism", {})
    return RegistryChain(
        rules=rollup_rules(
            chain_id=fields.integer("chain_id", 64),
            # The registry has no chain without Regolith, and no name for its time.
            forks=ForkSchedule(regolith_time=0, **times),
            elasticity=eip1559.integer("eip1559_elasticity", 64, default=6),
            denominator=eip1559.integer("eip1559_denominator", 64, default=50),
            denominator_canyon=eip1559.integer("eip1559_denominator_canyon", 64, default=250),
        ),
        genesis=BlockId(block.data("hash", 32), block.integer("number", 64)),
        genesis_time=genesis.integer("l2_time", 64),
    )
