"""Reading and updating Merkle-Patricia tries that are never whole in memory (Yellow Paper, appendix D).

`TrieReader` walks nodes by hash through a `StateDatabase` and keeps what it decoded. `update_trie` applies many
changes in one pass over sorted keys: each node that changes is read once and encoded once, however many of the keys
lie below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.database import MissingNode, StateDatabase
from phal2.node.state.trie_nodes import (
    EMPTY_REFERENCE,
    HASH_REFERENCE_LENGTH,
    Branch,
    Extension,
    Leaf,
    Node,
    decode_node,
    encode_node,
    key_nibbles,
    node_reference,
)

_NO_CHILDREN = (EMPTY_REFERENCE,) * 16


class TrieReader:
    """Read access to all tries of a database. Nodes go by their hash, so what was decoded once stays right for ever.

    At most `capacity` decoded nodes are kept; beyond it they are all dropped at once, which costs less than
    bookkeeping by node.
    """

    __slots__ = ("_capacity", "_database", "_decoded")

    def __init__(self, database: StateDatabase, capacity: int = 200_000) -> None:
        self._database = database
        self._capacity = capacity
        self._decoded: dict[bytes, Node] = {}

    def get(self, root: bytes, key: bytes) -> bytes | None:
        """Return the value of `key` in the trie under the 32-byte `root`, None for none; raise `MissingNode`."""
        if root == EMPTY_TRIE_ROOT:
            return None
        path = key_nibbles(key)
        node = self.node(b"\xa0" + root)
        position = 0
        while True:
            if type(node) is Branch:
                if position == len(path):
                    return node.value or None
                child = node.children[path[position]]
                if child == EMPTY_REFERENCE:
                    return None
                position += 1
                node = self.node(child)
            elif type(node) is Leaf:
                return node.value if node.path == path[position:] else None
            else:
                assert type(node) is Extension  # noqa: S101 - tells the type checker what is left
                if not path.startswith(node.path, position):
                    return None
                position += len(node.path)
                node = self.node(node.child)

    def path_nodes(self, root: bytes, key: bytes) -> list[bytes]:
        """Return the RLP of the nodes from `root` down to `key`, or to where the way ends (EIP-1186)."""
        if root == EMPTY_TRIE_ROOT:
            return []
        path = key_nibbles(key)
        node, position = self.node(b"\xa0" + root), 0
        nodes = [encode_node(node)]
        while True:
            if type(node) is Branch:
                child = node.children[path[position]] if position < len(path) else EMPTY_REFERENCE
                position += 1
            elif type(node) is Extension and path.startswith(node.path, position):
                child = node.child
                position += len(node.path)
            else:
                return nodes
            if child == EMPTY_REFERENCE:
                return nodes
            node = self.node(child)
            # A node shorter than a hash is part of its parent and has no entry of its own in a proof.
            if len(child) == HASH_REFERENCE_LENGTH:
                nodes.append(encode_node(node))

    def node(self, reference: bytes) -> Node:
        """Return the node behind a non-empty reference; raise `MissingNode` where the database lacks it."""
        node = self._decoded.get(reference)
        if node is not None:
            return node
        if len(reference) != HASH_REFERENCE_LENGTH:
            return decode_node(reference)
        encoded = self._database.node(reference[1:])
        if encoded is None:
            raise MissingNode(reference[1:])
        node = decode_node(encoded)
        if len(self._decoded) >= self._capacity:
            self._decoded.clear()
        self._decoded[reference] = node
        return node

    def remember(self, reference: bytes, node: Node) -> None:
        """Keep a node that was just made, as the next block will read it."""
        if len(self._decoded) < self._capacity:
            self._decoded[reference] = node


@dataclass(frozen=True, slots=True)
class TrieUpdate:
    """The root after an update, and the RLP of every node that the trie did not have before, by hash."""

    root: bytes
    nodes: dict[bytes, bytes]


def update_trie(reader: TrieReader, root: bytes, changes: Mapping[bytes, bytes]) -> TrieUpdate:
    """Set each key of `changes` to its value, or remove it where the value is empty; raise `MissingNode`."""
    if not changes:
        return TrieUpdate(root, {})
    pairs = sorted((key_nibbles(key), value) for key, value in changes.items())
    update = _Update(reader, {})
    old = None if root == EMPTY_TRIE_ROOT else reader.node(b"\xa0" + root)
    new = update.apply(old, pairs, 0, len(pairs), 0)
    if new is None:
        return TrieUpdate(EMPTY_TRIE_ROOT, {})
    encoded = encode_node(new)
    new_root = keccak256(encoded)
    if new_root != root:
        update.nodes[new_root] = encoded
        reader.remember(b"\xa0" + new_root, new)
    return TrieUpdate(new_root, update.nodes)


_Pairs = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Update:
    """One pass over a trie. `pairs` are (nibbles, value), sorted; a range of them shares the first `depth` nibbles."""

    reader: TrieReader
    nodes: dict[bytes, bytes]

    def apply(self, node: Node | None, pairs: _Pairs, start: int, end: int, depth: int) -> Node | None:
        """Return what becomes of `node` once pairs[start:end] are set below it; None where nothing is left."""
        if type(node) is Branch:
            return self._apply_to_branch(node, pairs, start, end, depth, {})
        if type(node) is Extension:
            return self._apply_to_extension(node, pairs, start, end, depth)
        present = [pair for pair in pairs[start:end] if pair[1]]
        if node is not None:
            assert type(node) is Leaf  # noqa: S101 - tells the type checker what is left
            key = pairs[start][0][:depth] + node.path
            if all(pair[0] != key for pair in pairs[start:end]):
                present.append((key, node.value))
                present.sort()
        return self._build(present, 0, len(present), depth) if present else None

    def _apply_to_branch(
        self, branch: Branch, pairs: _Pairs, start: int, end: int, depth: int, fresh: dict[int, Node]
    ) -> Node | None:
        """Return what becomes of a branch; `fresh` has the children that have no reference yet, by nibble."""
        children = list(branch.children)
        value = branch.value
        position = start
        if len(pairs[position][0]) == depth:
            value = pairs[position][1]
            position += 1
        while position < end:
            nibble = pairs[position][0][depth]
            begin = position
            position += 1
            while position < end and pairs[position][0][depth] == nibble:
                position += 1
            reference = children[nibble]
            old = fresh.pop(nibble, None)
            if old is None and reference != EMPTY_REFERENCE:
                old = self.reader.node(reference)
            new = self.apply(old, pairs, begin, position, depth + 1)
            if new is None:
                children[nibble] = EMPTY_REFERENCE
            elif new is not old or reference == EMPTY_REFERENCE:
                fresh[nibble] = new
        return self._collapse(children, value, fresh)

    def _collapse(self, children: list[bytes], value: bytes, fresh: dict[int, Node]) -> Node | None:
        """Return the branch with its fresh children, or what stands for it where fewer than two entries are left."""
        left = [nibble for nibble in range(16) if nibble in fresh or children[nibble] != EMPTY_REFERENCE]
        if len(left) + bool(value) >= 2:
            for nibble, node in fresh.items():
                children[nibble] = self._reference(node, children[nibble])
            return Branch(tuple(children), value)
        if not left:
            return Leaf(b"", value) if value else None
        nibble = left[0]
        known = EMPTY_REFERENCE if nibble in fresh else children[nibble]
        return self._prepend(bytes([nibble]), fresh.get(nibble) or self.reader.node(known), known)

    def _apply_to_extension(self, node: Extension, pairs: _Pairs, start: int, end: int, depth: int) -> Node | None:
        path = node.path
        shared = min(
            _shared_length(path, pairs[start][0], depth),
            _shared_length(path, pairs[end - 1][0], depth),
        )
        if shared == len(path):
            child = self.reader.node(node.child)
            new = self.apply(child, pairs, start, end, depth + shared)
            return node if new is child else self._prepend(path, new, node.child)
        # The keys part within the path: cut it there, so that the branch's rules apply.
        nibble, rest = path[shared], path[shared + 1 :]
        children = list(_NO_CHILDREN)
        fresh: dict[int, Node] = {}
        if rest:
            fresh[nibble] = Extension(rest, node.child)
        else:
            children[nibble] = node.child
        cut = self._apply_to_branch(Branch(tuple(children), b""), pairs, start, end, depth + shared, fresh)
        return self._prepend(path[:shared], cut, EMPTY_REFERENCE)

    def _prepend(self, path: bytes, node: Node | None, known_reference: bytes) -> Node | None:
        """Return `node` behind `path`; `known_reference` is the one that the node had before, if any."""
        if node is None or not path:
            return node
        if type(node) is Leaf:
            return Leaf(path + node.path, node.value)
        if type(node) is Extension:
            return Extension(path + node.path, node.child)
        return Extension(path, self._reference(node, known_reference))

    def _build(self, pairs: _Pairs, start: int, end: int, depth: int) -> Node:
        """Return a new node that holds pairs[start:end], none of them empty."""
        first, value = pairs[start]
        if end - start == 1:
            return Leaf(first[depth:], value)
        last = pairs[end - 1][0]
        shared = depth
        limit = min(len(first), len(last))
        while shared < limit and first[shared] == last[shared]:
            shared += 1
        if shared > depth:
            return Extension(
                first[depth:shared], self._reference(self._build(pairs, start, end, shared), EMPTY_REFERENCE)
            )
        position = start
        own_value = b""
        if len(first) == depth:
            own_value = value
            position += 1
        children = list(_NO_CHILDREN)
        while position < end:
            nibble = pairs[position][0][depth]
            begin = position
            position += 1
            while position < end and pairs[position][0][depth] == nibble:
                position += 1
            children[nibble] = self._reference(self._build(pairs, begin, position, depth + 1), EMPTY_REFERENCE)
        return Branch(tuple(children), own_value)

    def _reference(self, node: Node, old_reference: bytes) -> bytes:
        """Encode a node; unless it is the one that was there before, add it to the new nodes. Return its reference."""
        encoded = encode_node(node)
        reference = node_reference(encoded)
        if reference != old_reference and len(reference) == HASH_REFERENCE_LENGTH:
            self.nodes[reference[1:]] = encoded
            self.reader.remember(reference, node)
        return reference


def _shared_length(path: bytes, key: bytes, depth: int) -> int:
    """Return how many nibbles of `path` the key follows from `depth` on."""
    limit = min(len(path), len(key) - depth)
    length = 0
    while length < limit and path[length] == key[depth + length]:
        length += 1
    return length
