"""Updating Merkle-Patricia tries: many changes in one pass over sorted keys.

Each node that changes is read once and encoded once, however many of the keys lie below it. What becomes of a node is
the same object where nothing changes below it; so nothing is written for values that are what they were.

There are two ways down. Where keys are only set, a hashed branch remains one, and its record is changed as it is
(`_change_record`): nearly all of what a block does. Where keys are removed, or nodes of other kinds are in the way,
nodes are taken apart, and stored only when it is known that they do not become part of what is above (`_apply`).
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import encode_bytes, list_of_payload
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.trie import EMPTY_ROOT, TrieReader, TrieRoot
from phal2.node.state.trie_nodes import (
    EMPTY_REFERENCE,
    HASH_PREFIX,
    HASH_REFERENCE_LENGTH,
    NO_CHILDREN,
    NO_LOCATIONS,
    Branch,
    Extension,
    Leaf,
    Node,
    encode_node,
    key_nibbles,
)
from phal2.node.state.trie_records import (
    HASHED_BRANCH,
    LEAF,
    Slot,
    child_location,
    decode_record,
    encode_record,
    has_path,
    leaf_path,
    leaf_record,
    record_rlp,
    with_children,
)

_Entry: TypeAlias = tuple[bytes, bytes, int]
"""Nibbles of a key, its value (empty: remove it), and the link of its leaf."""


def update_trie(
    reader: TrieReader,
    root: TrieRoot,
    changes: Mapping[bytes, bytes],
    added: NodeChanges,
    links: Mapping[bytes, int] | None = None,
) -> TrieRoot:
    """Set each key of `changes` to its value, or remove it where the value is empty; return the new root.

    New and superseded nodes go to `added`. `links` has, by key, the locations of accounts' storage tries. Raises
    `MissingNode`.
    """
    if not changes:
        return root
    keys = sorted(changes)
    if links:
        entries = [(key_nibbles(key), changes[key], links.get(key, 0)) for key in keys]
    else:
        entries = [(key_nibbles(key), changes[key], 0) for key in keys]
    slot = _Update(reader, added, keys, entries).apply_to_root(root)
    if slot is None:
        return root
    added.supersede(root.location)
    reference, location = slot
    return TrieRoot(reference[1:], location) if reference else EMPTY_ROOT


class _Update:
    """One pass over a trie. The entries, of the keys, are sorted; a range shares the first `depth` nibbles."""

    __slots__ = ("_added", "_entries", "_keys", "_reader", "_removals_before")

    def __init__(
        self, reader: TrieReader, added: NodeChanges, keys: Sequence[bytes], entries: Sequence[_Entry]
    ) -> None:
        self._reader = reader
        self._added = added
        self._keys = keys
        self._entries = entries
        self._removals_before = list(accumulate((not value for _, value, _ in entries), initial=0))

    def apply_to_root(self, root: TrieRoot) -> Slot | None:
        """Return the new root, with an empty reference where nothing is left; None where it is the old one."""
        end = len(self._entries)
        old = None
        if root.hash != EMPTY_TRIE_ROOT:
            record = self._reader.root_record(root)
            if record[0] == HASHED_BRANCH and self._only_sets(0, end):
                return self._change_record(record, 0, end, 0)
            old = decode_record(record)
        new = self._apply(old, 0, end, 0)
        if new is old:
            return None
        if new is None:
            return b"", 0
        encoded = encode_node(new)
        return HASH_PREFIX + keccak256(encoded), self._added.add(encode_record(new, encoded))

    # Records.

    def _only_sets(self, start: int, end: int) -> bool:
        return self._removals_before[start] == self._removals_before[end]

    def _change_record(self, branch: bytes, start: int, end: int, depth: int) -> Slot | None:
        """Set entries[start:end], none of them a removal, below a hashed branch; None where that changes nothing."""
        entries, reader, added = self._entries, self._reader, self._added
        if len(entries[start][0]) == depth:
            return self._change_node(branch, start, end, depth)
        changed: list[tuple[int, Slot]] = []
        stays_hashed = True
        while start < end:
            nibble = entries[start][0][depth]
            begin = start
            start += 1
            # Most ways are gone by one key alone.
            if start < end and entries[start][0][depth] == nibble:
                start = _group_end(entries, begin, end, depth)
            location = child_location(branch, nibble)
            slot: Slot | None
            if location is None:
                slot = self._store(self._build(entries, begin, start, depth + 1))
                stays_hashed = False
            else:
                child = reader.child(branch, nibble, location)
                kind = child[0]
                if kind == LEAF and start - begin == 1:
                    slot = self._change_leaf(child, begin, depth + 1)
                elif kind == HASHED_BRANCH:
                    slot = self._change_record(child, begin, start, depth + 1)
                else:
                    slot = self._change_node(child, begin, start, depth + 1)
                if slot is None:
                    continue
                if len(slot[0]) != HASH_REFERENCE_LENGTH:
                    stays_hashed = False
                added.supersede(location)
            changed.append((nibble, slot))
        if not changed:
            return None
        if not stays_hashed:
            return self._store(_with_slots(decode_record(branch), changed))
        record = with_children(branch, changed)
        return HASH_PREFIX + keccak256(record_rlp(record)), added.add(record)

    def _change_leaf(self, record: bytes, index: int, depth: int) -> Slot | None:
        """Set the entry at `index`, which is no removal, where a leaf is; None where that changes nothing."""
        _, value, link = self._entries[index]
        path = leaf_path(self._keys[index], depth)
        if not has_path(record, path):
            return self._change_node(record, index, index + 1, depth)
        encoded = list_of_payload(path + encode_bytes(value))
        if len(encoded) < 32:
            return encoded, 0
        new = leaf_record(encoded, link)
        return None if new == record else (HASH_PREFIX + keccak256(encoded), self._added.add(new))

    def _change_node(self, record: bytes, start: int, end: int, depth: int) -> Slot | None:
        """Set entries[start:end], none of them a removal, below any node; None where that changes nothing."""
        old = decode_record(record)
        new = self._apply(old, start, end, depth)
        return None if new is old or new is None else self._store(new)

    # Nodes.

    def _apply(self, node: Node | None, start: int, end: int, depth: int) -> Node | None:
        """Return what becomes of `node` once entries[start:end] are set below it; None where nothing is left."""
        if type(node) is Branch:
            return self._apply_to_branch(node, start, end, depth)
        if type(node) is Extension:
            return self._apply_to_extension(node, start, end, depth)
        assert node is None or type(node) is Leaf  # noqa: S101 - tells the type checker what is left
        if end - start == 1:
            key, value, link = self._entries[start]
            path = key[depth:]
            if node is None:
                return Leaf(path, value, link) if value else None
            if path == node.path:
                if not value:
                    return None
                return node if node == (path, value, link) else Leaf(path, value, link)
        return self._apply_to_leaf(node, start, end, depth)

    def _apply_to_leaf(self, leaf: Leaf | None, start: int, end: int, depth: int) -> Node | None:
        entries = self._entries[start:end]
        present = [entry for entry in entries if entry[1]]
        if leaf is not None:
            key = entries[0][0][:depth] + leaf.path
            if all(entry[0] != key for entry in entries):
                if not present:
                    return leaf
                insort(present, (key, leaf.value, leaf.link))
        if not present:
            return None
        new = self._build(present, 0, len(present), depth)
        return leaf if new == leaf else new

    def _apply_to_branch(self, branch: Branch, start: int, end: int, depth: int) -> Node | None:
        children, locations = list(branch.children), list(branch.locations)
        fresh: dict[int, Node] = {}
        value = branch.value
        if len(self._entries[start][0]) == depth:
            value = self._entries[start][1]
            start += 1
        if not self._change_children(children, locations, fresh, start, end, depth) and value == branch.value:
            return branch
        return self._collapse(children, locations, value, fresh)

    def _change_children(
        self,
        children: list[bytes],
        locations: list[int],
        fresh: dict[int, Node],
        start: int,
        end: int,
        depth: int,
    ) -> bool:
        """Set entries[start:end] below a branch's children; tell whether that changes any.

        A child that has no reference yet is in `fresh`, by its nibble, before and after.
        """
        is_changed = False
        while start < end:
            begin, start = start, _group_end(self._entries, start, end, depth)
            nibble = self._entries[begin][0][depth]
            reference = children[nibble]
            old = fresh.get(nibble)
            if old is None and reference != EMPTY_REFERENCE:
                record = self._reader.record(reference, locations[nibble])
                if record[0] == HASHED_BRANCH and self._only_sets(begin, start):
                    # It remains a branch, which may stand alone: nothing speaks against storing it now.
                    slot = self._change_record(record, begin, start, depth + 1)
                    if slot is not None:
                        is_changed = True
                        self._added.supersede(locations[nibble])
                        children[nibble], locations[nibble] = slot
                    continue
                old = decode_record(record)
            new = self._apply(old, begin, start, depth + 1)
            if new is old:
                continue
            is_changed = True
            self._added.supersede(locations[nibble])
            children[nibble], locations[nibble] = EMPTY_REFERENCE, 0
            if new is None:
                fresh.pop(nibble, None)
            else:
                fresh[nibble] = new
        return is_changed

    def _collapse(
        self, children: list[bytes], locations: list[int], value: bytes, fresh: dict[int, Node]
    ) -> Node | None:
        """Return the branch with its fresh children, or what stands for it where fewer than two entries are left."""
        if len(fresh) + 16 - children.count(EMPTY_REFERENCE) + bool(value) >= 2:
            for nibble, node in fresh.items():
                children[nibble], locations[nibble] = self._store(node)
            return Branch(tuple(children), value, tuple(locations))
        for nibble, node in fresh.items():
            return self._prepend(bytes([nibble]), node, None)
        for nibble, reference in enumerate(children):
            if reference != EMPTY_REFERENCE:
                slot = reference, locations[nibble]
                record = self._added.record(slot[1]) or self._reader.record(*slot)
                return self._prepend(bytes([nibble]), decode_record(record), slot)
        return Leaf(b"", value) if value else None

    def _apply_to_extension(self, extension: Extension, start: int, end: int, depth: int) -> Node | None:
        path = extension.path
        shared = min(
            _shared_length(path, self._entries[start][0], depth),
            _shared_length(path, self._entries[end - 1][0], depth),
        )
        if shared == len(path):
            child = self._reader.node(extension.child, extension.location)
            new = self._apply(child, start, end, depth + shared)
            if new is child:
                return extension
            self._added.supersede(extension.location)
            return None if new is None else self._prepend(path, new, None)
        new = self._part(extension, shared, start, end, depth + shared)
        if new is None or new is extension or not shared:
            return new
        return self._prepend(path[:shared], new, None)

    def _part(self, extension: Extension, shared: int, start: int, end: int, depth: int) -> Node | None:
        """Return what becomes of an extension behind the first `shared` nibbles of its path, where the keys part.

        The path is cut there into a branch with one child, so that the branch's rules apply. It is the extension
        itself where nothing changes.
        """
        nibble, rest = extension.path[shared], extension.path[shared + 1 :]
        children, locations = list(NO_CHILDREN), list(NO_LOCATIONS)
        fresh: dict[int, Node] = {}
        if rest:
            fresh[nibble] = Extension(rest, extension.child, extension.location)
        else:
            children[nibble], locations[nibble] = extension.child, extension.location
        value = b""
        if len(self._entries[start][0]) == depth:
            value = self._entries[start][1]
            start += 1
        if not self._change_children(children, locations, fresh, start, end, depth) and not value:
            return extension
        return self._collapse(children, locations, value, fresh)

    def _prepend(self, path: bytes, node: Node, slot: Slot | None) -> Node:
        """Return `node` behind `path`; `slot` is where it is, None where it is new."""
        if type(node) is Branch:
            return Extension(path, *(slot or self._store(node)))
        if slot is not None:
            self._added.supersede(slot[1])
        if type(node) is Leaf:
            return Leaf(path + node.path, node.value, node.link)
        assert type(node) is Extension  # noqa: S101 - tells the type checker what is left
        return Extension(path + node.path, node.child, node.location)

    def _build(self, entries: Sequence[_Entry], start: int, end: int, depth: int) -> Node:
        """Return a new node that holds entries[start:end], none of them empty."""
        first, value, link = entries[start]
        if end - start == 1:
            return Leaf(first[depth:], value, link)
        last = entries[end - 1][0]
        shared = depth
        limit = min(len(first), len(last))
        while shared < limit and first[shared] == last[shared]:
            shared += 1
        if shared > depth:
            return Extension(first[depth:shared], *self._store(self._build(entries, start, end, shared)))
        position = start
        own_value = b""
        if len(first) == depth:
            own_value = value
            position += 1
        children, locations = list(NO_CHILDREN), list(NO_LOCATIONS)
        while position < end:
            begin, position = position, _group_end(entries, position, end, depth)
            nibble = entries[begin][0][depth]
            children[nibble], locations[nibble] = self._store(self._build(entries, begin, position, depth + 1))
        return Branch(tuple(children), own_value, tuple(locations))

    def _store(self, node: Node) -> Slot:
        """Add a new node, unless it is short enough to stand in its parent; return its reference and location."""
        encoded = encode_node(node)
        if len(encoded) < 32:
            return encoded, 0
        return HASH_PREFIX + keccak256(encoded), self._added.add(encode_record(node, encoded))


def _group_end(entries: Sequence[_Entry], start: int, end: int, depth: int) -> int:
    """Return where the entries end that have the nibble of the one at `start` at `depth`."""
    nibble = entries[start][0][depth]
    start += 1
    while start < end and entries[start][0][depth] == nibble:
        start += 1
    return start


def _with_slots(node: Node, changed: Sequence[tuple[int, Slot]]) -> Branch:
    """Return a branch with other children in some places."""
    assert type(node) is Branch  # noqa: S101 - tells the type checker what it is
    children, locations = list(node.children), list(node.locations)
    for nibble, (reference, location) in changed:
        children[nibble], locations[nibble] = reference, location
    return Branch(tuple(children), node.value, tuple(locations))


def _shared_length(path: bytes, key: bytes, depth: int) -> int:
    """Return how many nibbles of `path` the key follows from `depth` on."""
    limit = min(len(path), len(key) - depth)
    length = 0
    while length < limit and path[length] == key[depth + length]:
        length += 1
    return length
