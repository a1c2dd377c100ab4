"""What is stored of the state of a block: its trie's new nodes, the root's location, and what it superseded.

Under a block's number and hash stands which locations its nodes have, and the locations of its parent's nodes that its
state no longer has: all that is needed to delete the one or the others (`pruning`). Where a block's state was edited
afterwards, each edit has such a record behind the block's own (`state_edits`).
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import sub
from struct import pack, unpack
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.state.database import StateUpdate, serial_after
from phal2.node.state.trie_records import LOCATION_LENGTH
from phal2.node.storage import metadata
from phal2.node.storage.errors import DamagedRecord
from phal2.node.storage.heads import decode_block_id, encode_block_id
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction

_CHANGES_KEY_LENGTH: Final = 40
_FAST: Final = 1
"""Level of compression; higher ones gain little on the differences of locations."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """Where the state of a block has its root."""

    location: int
    block: BlockId


@dataclass(frozen=True, slots=True)
class StateChanges:
    """The nodes that a block's state added, `count` from `first_location` on, and those of its parent's it superseded.

    The superseded ones ascend; there are none once they are deleted.
    """

    first_location: int
    count: int
    superseded: Sequence[int]


def write_state(transaction: Transaction, state_root: bytes, block: BlockId, update: StateUpdate) -> None:
    """Store the state that a block leads to."""
    write_update(transaction, changes_key(block), update)
    transaction.put(Table.STATES, state_root, encode_state(StoredState(update.location, block)))


def write_update(transaction: Transaction, key: bytes, update: StateUpdate) -> None:
    """Store the nodes and codes of a commit, and under `key` which nodes it added and superseded."""
    first, count = update.first_location, len(update.records)
    nodes = [
        (location.to_bytes(LOCATION_LENGTH, "big"), record) for location, record in enumerate(update.records, first)
    ]
    transaction.put_ascending(Table.NODES, nodes)
    transaction.put_new(Table.CODES, update.codes.items())
    transaction.put(Table.CHANGES, key, encode_changes(StateChanges(first, count, sorted(update.superseded))))
    metadata.write_next_serial(transaction, serial_after(first + count - 1))


def read_states(transaction: Transaction, state_root: bytes) -> list[StoredState]:
    """Return all stored states with this root."""
    return [decode_state(record) for record in transaction.values(Table.STATES, state_root)]


def read_changes(transaction: Transaction, block: BlockId) -> list[tuple[bytes, StateChanges]]:
    """Return which nodes a block's state, and then each edit of it, added and superseded, under their keys."""
    records = transaction.items_under(Table.CHANGES, changes_key(block))
    return [(key, decode_changes(record)) for key, record in records]


def state_size(transaction: Transaction, block: BlockId) -> tuple[int, int, int]:
    """Return what a block's state takes.

    That is how many of the nodes that it added are still stored, how many bytes they are, and how many the note of what
    it added and superseded is.
    """
    sizes: list[int] = []
    notes = 0
    for key, record in transaction.items_under(Table.CHANGES, changes_key(block)):
        changes = decode_changes(record)
        first, end = number_key(changes.first_location), number_key(changes.first_location + changes.count)
        sizes += [len(node) + LOCATION_LENGTH for _, node in transaction.items_between(Table.NODES, first, end)]
        notes += len(key) + len(record)
    return len(sizes), sum(sizes), notes


def blocks_at(transaction: Transaction, number: int) -> list[BlockId]:
    """Return the stored blocks of a height, canonical or not."""
    keys = (key for key, _ in transaction.items_under(Table.CHANGES, number_key(number)))
    return [BlockId(key[8:], number) for key in keys if len(key) == _CHANGES_KEY_LENGTH]


def delete_superseded(transaction: Transaction, block: BlockId) -> int:
    """Delete the nodes that a block's state superseded as it was sealed; return how many."""
    return _delete_superseded(transaction, read_changes(transaction, block)[:1])


def delete_superseded_by_edits(transaction: Transaction, block: BlockId) -> int:
    """Delete the nodes that edits of a block's state superseded; return how many."""
    return _delete_superseded(transaction, read_changes(transaction, block)[1:])


def _delete_superseded(transaction: Transaction, found: Sequence[tuple[bytes, StateChanges]]) -> int:
    deleted = 0
    for key, changes in found:
        if changes.superseded:
            transaction.delete_all(Table.NODES, map(number_key, changes.superseded))
            transaction.put(Table.CHANGES, key, encode_changes(replace(changes, superseded=())))
            deleted += len(changes.superseded)
    return deleted


def delete_state(transaction: Transaction, state_root: bytes, block: BlockId) -> int:
    """Delete the nodes that a block's state added and all word of the state; return how many nodes."""
    deleted = 0
    for key, changes in read_changes(transaction, block):
        transaction.delete_all(Table.NODES, location_keys(changes.first_location, changes.count))
        transaction.delete(Table.CHANGES, key)
        deleted += changes.count
    for state in read_states(transaction, state_root):
        if state.block == block:
            transaction.delete(Table.STATES, state_root, encode_state(state))
    return deleted


def location_keys(first: int, count: int) -> Iterator[bytes]:
    """Return the keys of `count` nodes from the location `first` on."""
    return (location.to_bytes(LOCATION_LENGTH, "big") for location in range(first, first + count))


def changes_key(block: BlockId) -> bytes:
    """Return the key of what a block's state added and superseded; the keys of its edits begin with it."""
    return number_key(block.number) + block.hash


def encode_changes(changes: StateChanges) -> bytes:
    """Return the record of what a state added and superseded."""
    head = number_key(changes.first_location) + number_key(changes.count)
    if not changes.superseded:
        return head
    differences = list(map(sub, changes.superseded, (0, *changes.superseded)))
    return head + zlib.compress(pack(f">{len(differences)}Q", *differences), _FAST)


def decode_changes(record: bytes) -> StateChanges:
    """Read what `encode_changes` gave; raise `DamagedRecord` where it is nothing of the kind."""
    try:
        first, count = unpack(">2Q", record[:16])
        differences = zlib.decompress(record[16:]) if len(record) > 16 else b""
        superseded = tuple(accumulate(unpack(f">{len(differences) // 8}Q", differences)))
    except (struct.error, zlib.error) as reason:
        raise DamagedRecord("what a block's state changed", str(reason)) from None
    return StateChanges(first, count, superseded)


def encode_state(state: StoredState) -> bytes:
    """Return the record of where a block's state has its root."""
    return number_key(state.location) + encode_block_id(state.block)


def decode_state(record: bytes) -> StoredState:
    """Read what `encode_state` gave."""
    return StoredState(int.from_bytes(record[:8], "big"), decode_block_id(record[8:]))
