"""Edits of a block's state after the block was sealed, as development chains make them.

An edit is a commit on the state of a stored block. From then on the block's state root leads to the edited state, so
that whoever reads at the block, or builds on it, finds the edit; the trie's root node no longer has the hash that the
header names. What the edit added and superseded stands behind the block's own record (`state_records`), so pruning and
reorganisations deal with it as with the block's own nodes. The edit's key ends with its first location and the location
of the root that it was made on.
"""

from dataclasses import replace

from phal2.node.protocol.block_refs import BlockId
from phal2.node.state.database import StateUpdate
from phal2.node.storage.state_records import (
    StoredState,
    changes_key,
    encode_changes,
    encode_state,
    read_changes,
    read_states,
    write_update,
)
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction

_BLOCK_KEY_LENGTH = 40


def write_edit(transaction: Transaction, state_root: bytes, block: BlockId, update: StateUpdate) -> None:
    """Make `update`, a commit on the block's present state, the state that `state_root` leads to."""
    before = _stored_state(transaction, state_root, block)
    if before is None:
        return
    key = changes_key(block) + number_key(update.first_location) + number_key(before.location)
    write_update(transaction, key, update)
    _lead_to(transaction, state_root, before, update.location)


def undo_edits(transaction: Transaction, state_root: bytes, block: BlockId, location: int | None = None) -> None:
    """Return to the state of a block whose root is at `location`; None stands for the one it was sealed with.

    The nodes of edits that are undone stay until the block's own state is pruned, as blocks that have left the
    canonical chain may have been built on them.
    """
    present = _stored_state(transaction, state_root, block)
    edits = [(key, changes) for key, changes in read_changes(transaction, block) if len(key) > _BLOCK_KEY_LENGTH]
    if present is None or not edits:
        return
    meant = _root_before(edits[0][0]) if location is None else location
    for key, changes in edits:
        if changes.first_location > meant:
            own = range(changes.first_location, changes.first_location + changes.count)
            transaction.put(Table.CHANGES, key, encode_changes(replace(changes, superseded=own)))
    _lead_to(transaction, state_root, present, meant)


def _stored_state(transaction: Transaction, state_root: bytes, block: BlockId) -> StoredState | None:
    return next((state for state in read_states(transaction, state_root) if state.block == block), None)


def _lead_to(transaction: Transaction, state_root: bytes, before: StoredState, location: int) -> None:
    transaction.delete(Table.STATES, state_root, encode_state(before))
    transaction.put(Table.STATES, state_root, encode_state(replace(before, location=location)))


def _root_before(key: bytes) -> int:
    return int.from_bytes(key[-8:], "big")
