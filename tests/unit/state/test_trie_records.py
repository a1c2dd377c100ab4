"""Records of trie nodes: what is stored is read back, and hashed branches are read and changed as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.trie_nodes import (
    EMPTY_REFERENCE,
    Branch,
    Extension,
    Leaf,
    Node,
    encode_node,
    key_nibbles,
    node_reference,
)
from phal2.node.state.trie_records import (
    HASHED_BRANCH,
    Entry,
    bare_nodes,
    bare_record,
    child_location,
    child_reference,
    decode_record,
    encode_record,
    has_path,
    leaf_path,
    leaf_record,
    read_leaf,
    record_rlp,
    with_children,
)

hashes = st.binary(min_size=32, max_size=32).map(lambda digest: b"\xa0" + digest)
locations = st.integers(0, 2**64 - 1)
paths = st.lists(st.integers(0, 15), max_size=64).map(bytes)
hashed_slots = st.tuples(hashes, locations)
no_child = st.just((EMPTY_REFERENCE, 0))
inline_slots = st.builds(
    lambda path, value: (encode_node(Leaf(path, value)), 0), paths.map(lambda path: path[:4]), st.binary(max_size=9)
)


def branch_of(slots: list[tuple[bytes, int]], value: bytes) -> Branch:
    return Branch(tuple(slot[0] for slot in slots), value, tuple(slot[1] for slot in slots))


hashed_branches = (
    st.lists(st.one_of(no_child, hashed_slots), min_size=16, max_size=16)
    .filter(lambda slots: sum(slot[0] != EMPTY_REFERENCE for slot in slots) > 1)
    .map(lambda slots: branch_of(slots, b""))
)
branches = st.builds(
    branch_of,
    st.lists(st.one_of(no_child, hashed_slots, inline_slots), min_size=16, max_size=16),
    st.binary(max_size=80),
)
leaves = st.builds(Leaf, paths, st.binary(min_size=1, max_size=300), locations)
extensions = st.builds(lambda path, slot: Extension(path, *slot), paths.filter(len), hashed_slots)
nodes = st.one_of(leaves, extensions, branches, hashed_branches)


@given(nodes)
def test_a_record_is_read_back_and_has_the_rlp(node: Node) -> None:
    record = encode_record(node, encode_node(node))
    assert decode_record(record) == node
    assert record_rlp(record) == encode_node(node)
    assert bare_nodes([record]) == {keccak256(encode_node(node)): encode_node(node)}


@given(nodes)
def test_from_the_bare_rlp_comes_the_node_without_locations(node: Node) -> None:
    found = decode_record(bare_record(encode_node(node)))
    assert encode_node(found) == encode_node(node)
    if type(found) is Branch:
        assert not any(found.locations)
    else:
        assert found[2] == 0


@given(st.binary(max_size=80))
def test_no_bytes_are_taken_for_a_node_that_they_do_not_encode(encoded: bytes) -> None:
    try:
        record = bare_record(encoded)
    except InvalidEncoding:
        return
    assert record_rlp(record) == encoded


def test_a_length_in_more_bytes_than_it_needs_is_no_node() -> None:
    encoded = encode_node(Leaf(b"\x01", bytes(60)))
    with pytest.raises(InvalidEncoding, match="canonically"):
        bare_record(b"\xf9\x00" + encoded[1:])


def test_an_extension_by_nothing_is_no_node() -> None:
    with pytest.raises(InvalidEncoding, match="empty path"):
        bare_record(encode_node(Extension(b"", b"\xa0" + bytes(32))))


@given(hashed_branches)
def test_children_of_a_hashed_branch_are_found_in_its_record(branch: Branch) -> None:
    record = encode_record(branch, encode_node(branch))
    assert record[0] == HASHED_BRANCH
    for nibble, reference in enumerate(branch.children):
        if reference == EMPTY_REFERENCE:
            assert child_location(record, nibble) is None
        else:
            assert child_location(record, nibble) == branch.locations[nibble]
            assert child_reference(record, nibble) == reference


@given(hashed_branches, st.data())
def test_a_changed_record_is_that_of_the_changed_branch(branch: Branch, data: st.DataObject) -> None:
    present = [nibble for nibble, reference in enumerate(branch.children) if reference != EMPTY_REFERENCE]
    changes = data.draw(st.dictionaries(st.sampled_from(present), hashed_slots))
    slots = list(zip(branch.children, branch.locations, strict=True))
    for nibble, slot in changes.items():
        slots[nibble] = slot
    changed = branch_of(slots, b"")
    record = with_children(encode_record(branch, encode_node(branch)), changes.items())
    assert record == encode_record(changed, encode_node(changed))


@given(st.binary(min_size=1, max_size=80), st.data(), st.binary(min_size=1, max_size=120), locations)
def test_a_leaf_is_read_where_it_is_that_of_the_key(key: bytes, data: st.DataObject, value: bytes, link: int) -> None:
    depth = data.draw(st.integers(0, 2 * len(key)))
    leaf = Leaf(key_nibbles(key)[depth:], value, link)
    record = leaf_record(encode_node(leaf), link)

    assert read_leaf(record, key, depth) == Entry(value, link)
    assert has_path(record, leaf_path(key, depth))


@given(leaves, st.binary(max_size=40), st.data())
def test_the_leaf_of_another_key_is_not_read(leaf: Leaf, key: bytes, data: st.DataObject) -> None:
    depth = data.draw(st.integers(0, 2 * len(key)))
    record = leaf_record(encode_node(leaf), leaf.link)

    is_same = key_nibbles(key)[depth:] == leaf.path
    assert read_leaf(record, key, depth) == (Entry(leaf.value, leaf.link) if is_same else None)


def test_a_branch_with_one_child_is_kept_whole() -> None:
    # No trie has such a branch, but a witness may.
    reference = node_reference(encode_node(Leaf(b"\x01", bytes(40))))
    branch = branch_of([(reference, 7), *[(EMPTY_REFERENCE, 0)] * 15], b"")
    record = encode_record(branch, encode_node(branch))
    assert decode_record(record) == branch
    assert record_rlp(record) == encode_node(branch)
