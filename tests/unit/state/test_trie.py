"""The trie, against the `trie` package as its oracle."""

import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.state.database import MemoryDatabase, StateUpdate
from phal2.node.state.trie import TrieReader, update_trie

# Few bytes and short keys make shared prefixes, keys within keys and collapses likely.
keys = st.binary(min_size=1, max_size=4).map(lambda key: bytes(byte & 0x13 for byte in key))
values = st.one_of(st.just(b""), st.binary(min_size=1, max_size=3), st.binary(min_size=30, max_size=40))
whole_keys = st.lists(st.sampled_from(b"\x00\x01\x10\x11"), min_size=3, max_size=3).map(bytes)
rounds = st.lists(st.dictionaries(keys, values, max_size=12), max_size=6)


class Tries:
    """The trie under test, its oracle, and what they should hold, side by side.

    The oracle cannot look up an absent key that ends within an extension (py-trie raises), so it never has to.
    """

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.oracle = HexaryTrie({})
        self.content: dict[bytes, bytes] = {}
        self.root = EMPTY_TRIE_ROOT

    def apply(self, changes: dict[bytes, bytes]) -> dict[bytes, bytes]:
        update = update_trie(TrieReader(self.database), self.root, changes)
        for key, value in changes.items():
            if value:
                self.oracle[key] = self.content[key] = value
            elif self.content.pop(key, b""):
                del self.oracle[key]
        self.database.add(StateUpdate(update.root, update.nodes, {}))
        self.root = update.root
        return update.nodes


@settings(max_examples=400, deadline=None)
@given(rounds)
def test_batches_give_the_oracles_root_and_values(batches: list[dict[bytes, bytes]]) -> None:
    tries = Tries()
    for changes in batches:
        tries.apply(changes)
        assert tries.root == tries.oracle.root_hash
    reader = TrieReader(tries.database)
    for key in {key for changes in batches for key in changes}:
        assert (reader.get(tries.root, key) or b"") == tries.content.get(key, b"")


@settings(max_examples=200, deadline=None)
@given(rounds)
def test_an_update_gives_only_nodes_that_were_not_there(batches: list[dict[bytes, bytes]]) -> None:
    tries = Tries()
    for changes in batches:
        before = _reachable(tries.database, tries.root)
        new = tries.apply(changes)
        after = _reachable(tries.database, tries.root)
        # A node may also be new at its place and the twin of one elsewhere in the trie.
        assert after - before <= set(new) <= after


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(whole_keys, values, max_size=12), max_size=6), whole_keys)
def test_proofs_are_the_oracles(batches: list[dict[bytes, bytes]], key: bytes) -> None:
    tries = Tries()
    for changes in batches:
        tries.apply(changes)
    proof = TrieReader(tries.database).path_nodes(tries.root, key)
    if tries.root != EMPTY_TRIE_ROOT:
        value = HexaryTrie.get_from_proof(tries.root, key, [rlp.decode(node) for node in proof])
        assert value == tries.content.get(key, b"")


def test_a_capacity_of_nothing_is_enough() -> None:
    database = MemoryDatabase()
    reader = TrieReader(database, capacity=0)
    oracle = HexaryTrie({})
    root = EMPTY_TRIE_ROOT
    for number in range(200):
        key, value = (number * 7919).to_bytes(3, "big"), b"value %d" % number
        update = update_trie(reader, root, {key: value})
        database.add(StateUpdate(update.root, update.nodes, {}))
        root = update.root
        oracle[key] = value
    assert root == oracle.root_hash


def _reachable(database: MemoryDatabase, root: bytes) -> set[bytes]:
    if root == EMPTY_TRIE_ROOT:
        return set()
    found: set[bytes] = set()
    pending = [root]
    while pending:
        node_hash = pending.pop()
        if node_hash in found:
            continue
        found.add(node_hash)
        items = [rlp.decode(database.nodes[node_hash])]
        while items:
            item = items.pop()
            children = item[:16] if len(item) == 17 else item[1:] if item[0][0] >> 4 < 2 else []
            for child in children:
                if isinstance(child, list):
                    items.append(child)
                elif len(child) == 32:
                    pending.append(child)
    return found
