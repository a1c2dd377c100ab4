"""The trie, against the `trie` package as its oracle."""

import random

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from phal2.node.protocol.keccak import keccak256
from phal2.node.state.database import MemoryDatabase, StateUpdate, first_location
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.trie import EMPTY_ROOT, TrieReader, TrieRoot
from phal2.node.state.trie_records import bare_nodes
from phal2.node.state.trie_update import update_trie

# Few bytes and short keys make shared prefixes, keys within keys and collapses likely.
keys = st.binary(min_size=1, max_size=4).map(lambda key: bytes(byte & 0x13 for byte in key))
# Nodes of all lengths: within their parents, in records with a short and with a long prefix.
values = st.one_of(
    st.just(b""),
    st.binary(min_size=1, max_size=3),
    st.binary(min_size=30, max_size=40),
    st.binary(min_size=70, max_size=80),
)
whole_keys = st.lists(st.sampled_from(b"\x00\x01\x10\x11"), min_size=3, max_size=3).map(bytes)
rounds = st.lists(st.dictionaries(keys, values, max_size=12), max_size=6)


class Tries:
    """The trie under test, its oracle where one is given, and what they should hold, side by side.

    The oracle cannot look up an absent key that ends within an extension (py-trie raises), so it never has to.
    """

    def __init__(self, oracle: HexaryTrie | None = None) -> None:
        self.database = MemoryDatabase()
        self.oracle = oracle
        self.content: dict[bytes, bytes] = {}
        self.root = EMPTY_ROOT

    def apply(self, changes: dict[bytes, bytes]) -> NodeChanges:
        reader, added = TrieReader(self.database), NodeChanges(first_location(self.database.new_serial()))
        self.root = update_trie(reader, self.root, changes, added)
        for key, value in changes.items():
            present = self.content.pop(key, b"")
            if value:
                self.content[key] = value
            if self.oracle is not None and value:
                self.oracle[key] = value
            elif self.oracle is not None and present:
                del self.oracle[key]
        add(self.database, self.root, added)
        return added


def add(database: MemoryDatabase, root: TrieRoot, added: NodeChanges) -> None:
    database.add(StateUpdate(root.hash, {}, root.location, added.first_location, added.records, added.superseded))


@settings(max_examples=300, deadline=None)
@given(rounds)
def test_batches_give_the_oracles_root_and_values(batches: list[dict[bytes, bytes]]) -> None:
    oracle = HexaryTrie({})
    tries = Tries(oracle)
    for changes in batches:
        tries.apply(changes)
        assert tries.root.hash == oracle.root_hash
    reader = TrieReader(tries.database)
    for key in {key for changes in batches for key in changes}:
        assert (reader.get(tries.root, key) or b"") == tries.content.get(key, b"")


@settings(max_examples=150, deadline=None)
@given(rounds)
def test_an_update_adds_and_supersedes_what_differs_between_the_tries(batches: list[dict[bytes, bytes]]) -> None:
    tries = Tries()
    for changes in batches:
        before = set(TrieReader(tries.database).locations(tries.root))
        added = tries.apply(changes)
        after = set(TrieReader(tries.database).locations(tries.root))
        new = set(range(added.first_location, added.first_location + len(added.records)))
        assert new == after - before
        assert set(added.superseded) == before - after
        assert len(added.superseded) == len(set(added.superseded))


@settings(max_examples=150, deadline=None)
@given(rounds)
def test_setting_what_is_there_changes_nothing(batches: list[dict[bytes, bytes]]) -> None:
    tries = Tries()
    for changes in batches:
        tries.apply(changes)
    root = tries.root
    absent = {key: b"" for changes in batches for key in changes if key not in tries.content}
    added = tries.apply(tries.content | absent)
    assert tries.root == root
    assert (added.records, added.superseded) == ([], [])


@settings(max_examples=150, deadline=None)
@given(rounds)
def test_a_trie_is_read_and_changed_from_its_bare_nodes_as_from_its_records(batches: list[dict[bytes, bytes]]) -> None:
    tries = Tries()
    for changes in batches:
        witness = MemoryDatabase(bare_nodes(tries.database.records.values()))
        added = NodeChanges(first_location(witness.new_serial()))
        root = update_trie(TrieReader(witness), TrieRoot(tries.root.hash), changes, added)
        tries.apply(changes)
        assert root.hash == tries.root.hash
        assert added.superseded == []
        add(witness, root, added)
        reader = TrieReader(witness)
        assert all((reader.get(root, key) or b"") == tries.content.get(key, b"") for key in changes)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(whole_keys, values, max_size=12), max_size=6), whole_keys)
def test_proofs_are_the_oracles(batches: list[dict[bytes, bytes]], key: bytes) -> None:
    tries = Tries()
    for changes in batches:
        tries.apply(changes)
    proof = TrieReader(tries.database).path_nodes(tries.root, key)
    if tries.root != EMPTY_ROOT:
        value = HexaryTrie.get_from_proof(tries.root.hash, key, [rlp.decode(node) for node in proof])
        assert value == tries.content.get(key, b"")


@pytest.mark.parametrize("removals", [0, 0.2])
def test_a_wide_trie_changed_in_rounds_is_the_one_built_at_once(removals: float) -> None:
    choices = random.Random(removals)
    keys = [keccak256(number.to_bytes(4, "big")) for number in range(1500)]
    links = {key: choices.randrange(2**30) for key in keys[::3]}
    tries = Tries()
    reader = TrieReader(tries.database)
    for _ in range(12):
        changes = {
            key: b"" if choices.random() < removals else choices.randbytes(choices.choice((1, 40, 75)))
            for key in choices.sample(keys, 300)
        }
        before = set(reader.locations(tries.root))
        added = NodeChanges(first_location(tries.database.new_serial()))
        tries.root = update_trie(reader, tries.root, changes, added, links)
        tries.content = {key: value for key, value in (tries.content | changes).items() if value}
        add(tries.database, tries.root, added)
        reader.forget(added.superseded)
        reader.adopt(enumerate(added.records, added.first_location))

        at_once = update_trie(reader, EMPTY_ROOT, tries.content, NodeChanges(1), links)
        assert tries.root.hash == at_once.hash
        after = set(reader.locations(tries.root))
        assert before - after == set(added.superseded)
        assert after - before == set(range(added.first_location, added.first_location + len(added.records)))
    for fresh in (reader, TrieReader(tries.database)):
        for key in keys:
            assert fresh.entry(tries.root, key) == (
                (tries.content[key], links.get(key, 0)) if key in tries.content else None
            )


def test_a_capacity_of_nothing_is_enough() -> None:
    database = MemoryDatabase()
    reader = TrieReader(database, capacity=0)
    oracle = HexaryTrie({})
    root = EMPTY_ROOT
    for number in range(200):
        key, value = (number * 7919).to_bytes(3, "big"), b"value %d" % number
        added = NodeChanges(first_location(database.new_serial()))
        root = update_trie(reader, root, {key: value}, added)
        add(database, root, added)
        oracle[key] = value
    assert root.hash == oracle.root_hash
