"""What derivation leaves out of the chain, so that an operator can see why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from phal2.node.protocol.block_refs import BlockId


@dataclass(frozen=True, slots=True)
class Dropped:
    """Data that does not become part of L2: the stage that dropped it, the reason, and the L1 block being read."""

    stage: str
    reason: str
    l1_block: BlockId


DropListener: TypeAlias = Callable[[Dropped], None]


def ignore_dropped(_: Dropped) -> None:
    """A listener that does nothing."""
