"""Deleting states that are older than the retention asks for.

A state's trie shares most of its nodes with its parent's. So to drop the state before block N is to delete the nodes
that block N superseded; and that is right once no other child of that parent, or of an older block, needs them: blocks
off the canonical chain at the height of N are deleted first, whole, and their descendants before them, so that at any
moment every state that can be found can be read in full.

Nothing above the finalized head is pruned, as the chain may go back to there. Codes stay: any contract may have them.
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import decode_header
from phal2.node.storage import metadata
from phal2.node.storage.canonical_chain import canonical_hash
from phal2.node.storage.heads import Heads
from phal2.node.storage.state_records import (
    blocks_at,
    delete_state,
    delete_superseded,
    delete_superseded_by_edits,
)
from phal2.node.storage.tables import Table
from phal2.node.storage.transaction import Transaction

_MOST_NODES_A_WRITE: Final = 100_000
_MOST_HEIGHTS_A_WRITE: Final = 64
"""What one write may prune: a store that was kept whole so far catches up in steps, and no block waits long for it."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a write has pruned: the oldest state that is left, and the hashes of blocks that are no longer stored."""

    oldest_state: int
    removed_blocks: tuple[bytes, ...]


def prune(transaction: Transaction, retention: int | None, heads: Heads) -> Pruned:
    """Drop states until those of the last `retention` blocks are left, or as much as one write may."""
    oldest = metadata.oldest_state(transaction)
    if retention is None:
        return Pruned(oldest, ())
    target = min(heads.unsafe.number - retention + 1, heads.finalized.number, oldest + _MOST_HEIGHTS_A_WRITE)
    removed: list[bytes] = []
    room = _MOST_NODES_A_WRITE
    for height in range(oldest + 1, target + 1):
        canonical = BlockId(canonical_hash(transaction, height) or b"", height)
        for block in _off_chain_from(transaction, canonical):
            if room <= 0:
                break
            room -= 1 + _remove_block(transaction, block)
            removed.append(block.hash)
        if room <= 0:
            break
        # Only now is nothing left that was built on the parent's state as it was before it was edited.
        parent = BlockId(canonical_hash(transaction, height - 1) or b"", height - 1)
        room -= delete_superseded_by_edits(transaction, parent) + delete_superseded(transaction, canonical)
        oldest = height
    metadata.write_oldest_state(transaction, oldest)
    return Pruned(oldest, tuple(removed))


def _off_chain_from(transaction: Transaction, canonical: BlockId) -> list[BlockId]:
    """Return the other blocks at the height of `canonical` and all their descendants, descendants first."""
    found: list[BlockId] = []
    generation = [block for block in blocks_at(transaction, canonical.number) if block != canonical]
    height = canonical.number
    while generation:
        found += generation
        parents = {block.hash for block in generation}
        height += 1
        generation = [block for block in blocks_at(transaction, height) if _parent_hash(transaction, block) in parents]
    return found[::-1]


def _parent_hash(transaction: Transaction, block: BlockId) -> bytes:
    record = transaction.get(Table.HEADERS, block.hash)
    return b"" if record is None else decode_header(record).parent_hash


def _remove_block(transaction: Transaction, block: BlockId) -> int:
    """Delete a block that is off the canonical chain with all that belongs to it; return how many nodes it had."""
    record = transaction.get(Table.HEADERS, block.hash)
    state_root = b"" if record is None else decode_header(record).state_root
    for table in (Table.HEADERS, Table.BODIES, Table.RECEIPTS, Table.SENDERS):
        transaction.delete(table, block.hash)
    attestations = [key for key, _ in transaction.items_under(Table.ATTESTATIONS, block.hash)]
    transaction.delete_all(Table.ATTESTATIONS, attestations)
    return delete_state(transaction, state_root, block)
