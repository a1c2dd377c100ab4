"""What changed between a head seen before and the present one: blocks left and blocks entered."""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.storage import ChainStore

MAXIMUM_CHANGES: Final = 10_000
"""Blocks that are looked at; of a greater change only the newest ones are told."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ChainChanges:
    """`left` are blocks no longer canonical, the newest first; `entered` the new canonical ones, the oldest first.

    Each is one by itself, so that what was found out about it can be kept as long as it is told of.
    """

    left: tuple[BlockId, ...]
    entered: tuple[BlockId, ...]


def chain_changes(store: ChainStore, seen: BlockId, head: BlockId) -> ChainChanges:
    """Return the change of the canonical chain from the head `seen` to `head`."""
    left: list[BlockId] = []
    shared = seen
    while store.block_hash(shared.number) != shared.hash and len(left) < MAXIMUM_CHANGES:
        left.append(shared)
        header = store.header(shared.hash)
        if header is None or header.number == 0:
            break
        shared = BlockId(header.parent_hash, header.number - 1)
    first = max(shared.number + 1, head.number - MAXIMUM_CHANGES + 1)
    entered = [
        BlockId(block_hash, number)
        for number in range(first, head.number + 1)
        if (block_hash := store.block_hash(number)) is not None
    ]
    return ChainChanges(tuple(left), tuple(entered))
