"""Which rules a chain follows, and what they are for one block.

`ChainRules` names a chain; `block_rules` resolves its forks for a timestamp, so that no later rule asks for a fork by
time again.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

from phal2.node.protocol.errors import InvalidBlock
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.transactions import ACCESS_LIST, ATTESTED, BLOB, DEPOSIT, DYNAMIC_FEE, LEGACY, SET_CODE


class Revision(IntEnum):
    """Revisions of the Ethereum Virtual Machine and of the rules around it, named after L1's forks."""

    PARIS = 0
    SHANGHAI = 1
    CANCUN = 2
    PRAGUE = 3


@dataclass(frozen=True, slots=True)
class L1Rules:
    """An Ethereum chain after the merge, with one revision from genesis on: burned base fee, blobs, system calls."""

    chain_id: int
    revision: Revision = Revision.PRAGUE


@dataclass(frozen=True, slots=True)
class L2Rules:
    """An OP Stack chain, with the forks of its rollup configuration and attested transactions."""

    config: RollupConfig

    @property
    def chain_id(self) -> int:
        """The L2 chain id."""
        return self.config.l2_chain_id


ChainRules: TypeAlias = L1Rules | L2Rules


@dataclass(frozen=True, slots=True)
class BlockRules:
    """The rules of one block. `l2_fork` is None on L1; `transaction_types` are those that the block may contain."""

    chain_id: int
    revision: Revision
    l2_fork: Fork | None
    transaction_types: frozenset[int]

    @property
    def has_p256_verify(self) -> bool:
        """Tell whether the precompile P256VERIFY is at 0x100 (RIP-7212; on L2 since Fjord)."""
        return self.l2_fork is not None and self.l2_fork >= Fork.FJORD

    def is_l2_fork(self, fork: Fork) -> bool:
        """Tell whether the block is an L2 block under `fork` or a later one."""
        return self.l2_fork is not None and self.l2_fork >= fork


_L2_REVISIONS: Final = (
    (Fork.ISTHMUS, Revision.PRAGUE),
    (Fork.ECOTONE, Revision.CANCUN),
    (Fork.CANYON, Revision.SHANGHAI),
    (Fork.REGOLITH, Revision.PARIS),
)


class UnsupportedFork(InvalidBlock):
    """A block under a fork whose rules this node does not have."""

    def __init__(self, fork: Fork, timestamp: int) -> None:
        super().__init__(
            f"the block of timestamp {timestamp} is under the fork {fork.name}, whose state transition "
            f"is not supported; supported are {Fork.REGOLITH.name} to {Fork.ISTHMUS.name}"
        )
        self.fork = fork
        self.timestamp = timestamp


def block_rules(rules: ChainRules, timestamp: int) -> BlockRules:
    """Return the rules of a block of `timestamp`; raise `UnsupportedFork` where this node does not have them."""
    if isinstance(rules, L1Rules):
        types = {LEGACY, ACCESS_LIST, DYNAMIC_FEE}
        if rules.revision >= Revision.CANCUN:
            types.add(BLOB)
        if rules.revision >= Revision.PRAGUE:
            types.add(SET_CODE)
        return BlockRules(rules.chain_id, rules.revision, None, frozenset(types))
    return _l2_rules(rules.chain_id, rules.config.forks, timestamp)


@lru_cache(maxsize=256)
def _l2_rules(chain_id: int, forks: ForkSchedule, timestamp: int) -> BlockRules:
    # Calls ask for the same few blocks' rules again and again.
    fork = forks.fork_at(timestamp)
    if not Fork.REGOLITH <= fork <= Fork.ISTHMUS:
        raise UnsupportedFork(fork, timestamp)
    types = {LEGACY, ACCESS_LIST, DYNAMIC_FEE, DEPOSIT}
    if fork >= Fork.ISTHMUS:
        types.add(SET_CODE)
    if forks.attested_is_active(timestamp):
        types.add(ATTESTED)
    revision = next(revision for first, revision in _L2_REVISIONS if fork >= first)
    return BlockRules(chain_id, revision, fork, frozenset(types))
