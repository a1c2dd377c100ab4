"""Reading Merkle-Patricia tries that are never whole in memory (Yellow Paper, appendix D)."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.state.accounts import decode_account
from phal2.node.state.database import MissingNode, StateDatabase
from phal2.node.state.trie_nodes import (
    EMPTY_REFERENCE,
    HASH_PREFIX,
    HASH_REFERENCE_LENGTH,
    Branch,
    Extension,
    Leaf,
    Node,
    key_nibbles,
)
from phal2.node.state.trie_records import (
    HASHED_BRANCH,
    LEAF,
    LOCATION_LENGTH,
    Entry,
    Slot,
    bare_record,
    child_reference,
    decode_record,
    location_at,
    read_leaf,
    record_rlp,
)

CAPACITY: Final = 400_000
"""Records that a reader keeps at most where nothing else is said: about 120 MiB; 100,000 accounts have 134,000."""

_Key: TypeAlias = int | bytes


class TrieRoot(NamedTuple):
    """The root of a trie: its 32-byte hash, and the location of its node (0 where the database goes by hashes)."""

    hash: bytes
    location: int = 0


EMPTY_ROOT: Final = TrieRoot(EMPTY_TRIE_ROOT)


class TrieReader:
    """Read access to all tries of one database. What is at a location never changes, so what was read stays right.

    It keeps the records used last, from half of `capacity` to all of it and what one block makes: two generations stand
    in for a list in order of use. Threads may share a reader: each step on the dictionaries is atomic under the
    interpreter's lock, and a lost race costs only a second read.
    """

    __slots__ = ("_database", "_half", "_old", "_young")

    def __init__(self, database: StateDatabase, capacity: int = CAPACITY) -> None:
        self._database = database
        self._half = capacity // 2
        self._young: dict[_Key, bytes] = {}
        self._old: dict[_Key, bytes] = {}

    def root(self, state_root: bytes, block_hash: bytes | None = None) -> TrieRoot:
        """Return the root of a state's trie; raise `MissingNode` where the database does not have the state.

        Where a new block is built on the state, `block_hash` says which block's it is: others may have an equal one.
        """
        if state_root == EMPTY_TRIE_ROOT:
            return EMPTY_ROOT
        location = self._database.state_location(state_root, block_hash)
        if location is None:
            raise MissingNode(state_root)
        return TrieRoot(state_root, location)

    def get(self, root: TrieRoot, key: bytes) -> bytes | None:
        """Return the value of `key`, None for none; raise `MissingNode`."""
        entry = self.entry(root, key)
        return None if entry is None else entry.value

    def entry(self, root: TrieRoot, key: bytes) -> Entry | None:
        """Return what is under `key`, None where there is nothing; raise `MissingNode`."""
        if root.hash == EMPTY_TRIE_ROOT:
            return None
        record = self.root_record(root)
        known = self._young.get
        position = 0
        for nibble in key_nibbles(key):
            if record[0] != HASHED_BRANCH:
                break
            # The way down nearly all of a trie: what `child_location` does, without a call for each branch.
            from_here_on = (record[1] << 8 | record[2]) >> nibble
            if not from_here_on & 1:
                return None
            location = location_at(record, len(record) - LOCATION_LENGTH * from_here_on.bit_count())[0]
            record = known(location) or self.child(record, nibble, location)
            position += 1
        return read_leaf(record, key, position) if record[0] == LEAF else self._entry_below(record, key, position)

    def _entry_below(self, record: bytes, key: bytes, position: int) -> Entry | None:
        """Go on from any node to what is under `key`, of which the nodes above have taken `position` nibbles."""
        path = key_nibbles(key)
        while True:
            if record[0] == LEAF:
                return read_leaf(record, key, position)
            node = decode_record(record)
            if type(node) is Branch and position == len(path):
                return Entry(node.value) if node.value else None
            slot, position = _step(node, path, position)
            if slot is None:
                return None
            record = self.record(*slot)

    def path_nodes(self, root: TrieRoot, key: bytes) -> list[bytes]:
        """Return the RLP of the nodes from `root` down to `key`, or to where the way ends (EIP-1186)."""
        if root.hash == EMPTY_TRIE_ROOT:
            return []
        path = key_nibbles(key)
        slot: Slot | None = _root_slot(root)
        position = 0
        nodes = []
        while slot is not None:
            record = self.record(*slot)
            # A node shorter than a hash is part of its parent and has no entry of its own in a proof.
            if len(slot[0]) == HASH_REFERENCE_LENGTH:
                nodes.append(record_rlp(record))
            slot, position = _step(decode_record(record), path, position)
        return nodes

    def locations(self, root: TrieRoot, *, with_storage: bool = False) -> Iterator[int]:
        """Yield the locations of all nodes under `root`; `with_storage` is for a state's root and follows accounts."""
        if not root.location:
            return
        pending = [_root_slot(root)]
        while pending:
            reference, location = pending.pop()
            node = self.node(reference, location)
            yield location
            if type(node) is Branch:
                pending += [slot for slot in zip(node.children, node.locations, strict=True) if slot[1]]
            elif type(node) is Extension and node.location:
                pending.append((node.child, node.location))
            elif type(node) is Leaf and with_storage and node.link:
                pending.append((HASH_PREFIX + decode_account(node.value).storage_root, node.link))

    def node(self, reference: bytes, location: int) -> Node:
        """Return the node behind a non-empty reference; raise `MissingNode` where the database lacks it."""
        return decode_record(self.record(reference, location))

    def root_record(self, root: TrieRoot) -> bytes:
        """Return the record of a root that is not the empty one; raise `MissingNode`."""
        return self.record(*_root_slot(root))

    def child(self, branch: bytes, nibble: int, location: int) -> bytes:
        """Return the record of a child that a hashed branch has at `location`; raise `MissingNode`."""
        record = self._young.get(location)
        if record is None:
            record = self._old.get(location)
            if record is None:
                return self.record(child_reference(branch, nibble), location)
            self._young[location] = record
        return record

    def record(self, reference: bytes, location: int) -> bytes:
        """Return the record of the node behind a non-empty reference; raise `MissingNode`."""
        key: _Key = location or reference
        record = self._young.get(key)
        if record is not None:
            return record
        if len(reference) != HASH_REFERENCE_LENGTH:
            return bare_record(reference)
        record = self._old.get(key)
        if record is None:
            record = self._database.node(reference[1:], location)
            if record is None:
                raise MissingNode(reference[1:])
            if not location:
                record = bare_record(record)
        self._make_room()
        self._young[key] = record
        return record

    def adopt(self, records: Iterable[tuple[int, bytes]]) -> None:
        """Keep records, by location, that the next block will read, such as those just made."""
        self._make_room()
        self._young.update(records)

    def forget(self, locations: Iterable[int]) -> None:
        """Drop records that no later block will read."""
        forget_young, forget_old = self._young.pop, self._old.pop
        for location in locations:
            if forget_young(location, None) is None:
                forget_old(location, None)

    def _make_room(self) -> None:
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}


def _root_slot(root: TrieRoot) -> Slot:
    return HASH_PREFIX + root.hash, root.location


def _step(node: Node, path: bytes, position: int) -> tuple[Slot | None, int]:
    """Return the child through which `path` goes on from `position`, None for none, and the position there."""
    if type(node) is Branch and position < len(path):
        nibble = path[position]
        reference = node.children[nibble]
        slot = None if reference == EMPTY_REFERENCE else (reference, node.locations[nibble])
        return slot, position + 1
    if type(node) is Extension and path.startswith(node.path, position):
        return (node.child, node.location), position + len(node.path)
    return None, position
