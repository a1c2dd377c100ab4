import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration.errors import InvalidTree, UnknownLeaf
from phal2.bridge.migration.tree import Leaf, MigrationTree, build_tree, verify_proof
from phal2.bridge.migration.tree_file import dump_tree, parse_tree

LEAVES = [
    Leaf(bytes((number,)) * 32, number * 10**18 + 1, 0 if number % 2 else (2**128 - 1) * 10**6)
    for number in range(1, 6)
]
# JSON.stringify(StandardMerkleTree.of(values, ["bytes32", "uint256", "uint256"]).dump()) of these leaves, and getProof
# of the third, as @openzeppelin/merkle-tree 1.0.8 gives them.
OPENZEPPELIN_DUMP = (
    '{"format":"standard-v1","leafEncoding":["bytes32","uint256","uint256"],"tree":'
    '["0x8c8b556032fedaa2fef534363fdc0dffd25fdfe5992a446df25022fb7f86d86b",'
    '"0x01ca14a2a3aa0e02a5af992b4482f22c1ba4368f47928921e810ed5d41dae033",'
    '"0xf5cf3f281ac66c5ccaeb2bcff8048b53ba94d50621e041336bed06ba15e8acae",'
    '"0x835dccc3454741b5d386379622b174c9e86a22e22b8dc8d66cae5822a164b71c",'
    '"0xa935cb9891b7df05aaec35fa0a1ae594fe73834379e129f30d35742dc6c8d6af",'
    '"0x8a92ae1f39ee1c3f0591766c12c58e50359e3813293aba24dd1326af0e238f01",'
    '"0x3252386207c3a26d0dd2244972dd225f93f36813d7b32e1cfd2f9e0da566e576",'
    '"0x27935660516f2055eacd352818d728fb9c3bdecc7421e11128eccc8d65b7eec1",'
    '"0x034167d925acceb67b5b7935c009d756cac245e1fa7409aec45fd0e9a44fe5ef"],"values":['
    '{"value":["0x0101010101010101010101010101010101010101010101010101010101010101",'
    '"1000000000000000001","0"],"treeIndex":5},'
    '{"value":["0x0202020202020202020202020202020202020202020202020202020202020202",'
    '"2000000000000000001","340282366920938463463374607431768211455000000"],"treeIndex":6},'
    '{"value":["0x0303030303030303030303030303030303030303030303030303030303030303",'
    '"3000000000000000001","0"],"treeIndex":8},'
    '{"value":["0x0404040404040404040404040404040404040404040404040404040404040404",'
    '"4000000000000000001","340282366920938463463374607431768211455000000"],"treeIndex":7},'
    '{"value":["0x0505050505050505050505050505050505050505050505050505050505050505",'
    '"5000000000000000001","0"],"treeIndex":4}]}'
)
OPENZEPPELIN_PROOF = [
    "27935660516f2055eacd352818d728fb9c3bdecc7421e11128eccc8d65b7eec1",
    "a935cb9891b7df05aaec35fa0a1ae594fe73834379e129f30d35742dc6c8d6af",
    "f5cf3f281ac66c5ccaeb2bcff8048b53ba94d50621e041336bed06ba15e8acae",
]

amounts = st.integers(0, 2**256 - 1)
trees = st.dictionaries(st.binary(min_size=32, max_size=32), st.tuples(amounts, amounts), min_size=1, max_size=20).map(
    lambda accounts: build_tree(Leaf(account_id, *amount) for account_id, amount in accounts.items())
)


def test_the_tree_file_is_openzeppelins_to_the_byte() -> None:
    assert dump_tree(build_tree(LEAVES)) == OPENZEPPELIN_DUMP


def test_proofs_are_openzeppelins() -> None:
    assert [node.hex() for node in build_tree(LEAVES).proof(LEAVES[2].account_id)] == OPENZEPPELIN_PROOF


def test_a_tree_of_one_leaf_is_its_hash_and_needs_no_proof() -> None:
    tree = build_tree(LEAVES[:1])

    assert tree.root.hex() == "8a92ae1f39ee1c3f0591766c12c58e50359e3813293aba24dd1326af0e238f01"
    assert tree.proof(LEAVES[0].account_id) == ()
    assert verify_proof(tree.root, LEAVES[0], ())


@given(st.permutations(LEAVES))
def test_the_order_of_leaves_does_not_matter(leaves: list[Leaf]) -> None:
    assert build_tree(leaves) == build_tree(LEAVES)


@given(trees)
def test_every_leaf_has_a_proof_that_verifies(tree: MigrationTree) -> None:
    for leaf in tree.leaves:
        assert verify_proof(tree.root, leaf, tree.proof(leaf.account_id))


@given(trees, st.data())
def test_no_proof_holds_for_another_account_or_amount(tree: MigrationTree, data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(tree.leaves))
    other = data.draw(
        st.builds(Leaf, st.just(leaf.account_id) | st.binary(min_size=32, max_size=32), amounts, amounts).filter(
            lambda candidate: candidate != leaf
        )
    )

    assert not verify_proof(tree.root, other, tree.proof(leaf.account_id))


@given(trees.filter(lambda tree: len(tree.leaves) > 1), st.data())
def test_no_proof_holds_with_any_bit_changed(tree: MigrationTree, data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(tree.leaves))
    proof = [bytearray(node) for node in tree.proof(leaf.account_id)]
    bit = data.draw(st.integers(0, 256 * len(proof) - 1))
    proof[bit // 256][bit % 256 // 8] ^= 1 << bit % 8

    assert not verify_proof(tree.root, leaf, [bytes(node) for node in proof])


def test_a_proof_of_nodes_that_are_no_hashes_does_not_hold() -> None:
    tree = build_tree(LEAVES)
    proof = tree.proof(LEAVES[0].account_id)

    assert not verify_proof(tree.root, LEAVES[0], proof[:-1])
    assert not verify_proof(tree.root, LEAVES[0], (*proof, b""))
    assert not verify_proof(tree.root, LEAVES[0], (proof[0] + proof[1], *proof[2:]))


def test_an_account_with_two_leaves_is_refused() -> None:
    with pytest.raises(InvalidTree, match="has two leaves"):
        build_tree([*LEAVES, Leaf(LEAVES[0].account_id, 7, 0)])


@pytest.mark.parametrize("leaf", [Leaf(b"\x01" * 31, 0, 0), Leaf(b"\x01" * 32, -1, 0), Leaf(b"\x01" * 32, 0, 2**256)])
def test_values_outside_their_types_are_refused(leaf: Leaf) -> None:
    with pytest.raises(InvalidTree):
        build_tree([leaf])


def test_a_tree_needs_a_leaf() -> None:
    with pytest.raises(InvalidTree, match="at least one leaf"):
        build_tree([])


@pytest.mark.parametrize("account_id", [bytes(32), b"\x02" * 31 + b"\x03", b"\xff" * 32])
def test_an_account_without_a_leaf_is_unknown(account_id: bytes) -> None:
    tree = build_tree(LEAVES)

    with pytest.raises(UnknownLeaf, match=account_id.hex()):
        tree.leaf(account_id)
    with pytest.raises(UnknownLeaf):
        tree.proof(account_id)


@given(trees)
def test_a_tree_survives_its_file(tree: MigrationTree) -> None:
    assert parse_tree(dump_tree(tree).encode()) == tree
    assert json.loads(dump_tree(tree))["tree"][0] == f"0x{tree.root.hex()}"
