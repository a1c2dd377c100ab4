"""The Merkle tree of the migration: OpenZeppelin's StandardMerkleTree.

A leaf is (bytes32 accountId, uint256 free, uint256 staked). It is hashed twice over its ABI encoding; the hashes stand
in ascending order from the end of a complete binary tree kept in an array with the root first; a node is the hash of
its two children, the lower first.
Source: https://github.com/OpenZeppelin/merkle-tree (README, "Standard Merkle Trees").
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.bridge.migration.errors import InvalidTree, UnknownLeaf
from phal2.bridge.migration.ss58 import ACCOUNT_ID_LENGTH
from phal2.node.protocol.keccak import HASH_LENGTH, keccak256

LEAF_TYPES: Final = ("bytes32", "uint256", "uint256")

_HIGHEST_AMOUNT: Final = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one account may claim: `free` and `staked` as integers of 18 decimals."""

    account_id: bytes
    free: int
    staked: int


@dataclass(frozen=True, slots=True)
class MigrationTree:
    """A tree over `leaves`, sorted by account id; `nodes` has the root first, `positions` each leaf's node."""

    leaves: tuple[Leaf, ...]
    nodes: tuple[bytes, ...]
    positions: tuple[int, ...]

    @property
    def root(self) -> bytes:
        """The 32-byte root."""
        return self.nodes[0]

    @property
    def total(self) -> int:
        """The sum of all leaves' amounts, with 18 decimals."""
        return sum(leaf.free + leaf.staked for leaf in self.leaves)

    def leaf(self, account_id: bytes) -> Leaf:
        """Return an account's leaf. Raises UnknownLeaf."""
        return self.leaves[self._index(account_id)]

    def proof(self, account_id: bytes) -> tuple[bytes, ...]:
        """Return the sibling hashes from an account's leaf up to below the root. Raises UnknownLeaf."""
        position = self.positions[self._index(account_id)]
        siblings: list[bytes] = []
        while position > 0:
            siblings.append(self.nodes[position + 1 if position % 2 else position - 1])
            position = (position - 1) // 2
        return tuple(siblings)

    def _index(self, account_id: bytes) -> int:
        index = bisect_left(self.leaves, account_id, key=lambda leaf: leaf.account_id)
        if index == len(self.leaves) or self.leaves[index].account_id != account_id:
            raise UnknownLeaf(account_id)
        return index


def build_tree(leaves: Iterable[Leaf]) -> MigrationTree:
    """Build the tree of leaves given in any order.

    Raises InvalidTree where there is no leaf, an account occurs twice, or an amount is no uint256.
    """
    ordered = tuple(sorted(leaves, key=lambda leaf: leaf.account_id))
    if not ordered:
        raise InvalidTree("a tree needs at least one leaf, but no account has anything to claim")
    for before, after in pairwise(ordered):
        if before.account_id == after.account_id:
            raise InvalidTree(
                f"account 0x{after.account_id.hex()} has two leaves; only one could ever be claimed: add them up"
            )
    hashes = [hash_leaf(leaf) for leaf in ordered]
    by_hash = sorted(range(len(hashes)), key=hashes.__getitem__)
    nodes = [b""] * (2 * len(hashes) - 1)
    positions = [0] * len(hashes)
    for rank, index in enumerate(by_hash):
        position = len(nodes) - 1 - rank
        nodes[position] = hashes[index]
        positions[index] = position
    for position in range(len(hashes) - 2, -1, -1):
        nodes[position] = _hash_pair(nodes[2 * position + 1], nodes[2 * position + 2])
    return MigrationTree(ordered, tuple(nodes), tuple(positions))


def verify_proof(root: bytes, leaf: Leaf, proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` leads from a leaf to a root, as OpenZeppelin's MerkleProof contract judges it."""
    node = hash_leaf(leaf)
    for sibling in proof:
        if len(sibling) != HASH_LENGTH:
            return False
        node = _hash_pair(node, sibling)
    return node == root


def hash_leaf(leaf: Leaf) -> bytes:
    """Return the hash of a leaf: keccak256(keccak256(abi.encode(accountId, free, staked))).

    Hashing twice keeps a leaf from passing for an inner node. Raises InvalidTree for a value outside its type.
    """
    if len(leaf.account_id) != ACCOUNT_ID_LENGTH:
        raise InvalidTree(f"an account id has {ACCOUNT_ID_LENGTH} bytes, got {len(leaf.account_id)}")
    for amount in (leaf.free, leaf.staked):
        if not 0 <= amount <= _HIGHEST_AMOUNT:
            raise InvalidTree(f"account 0x{leaf.account_id.hex()}: the amount {amount} is not a uint256")
    encoded = leaf.account_id + leaf.free.to_bytes(32, "big") + leaf.staked.to_bytes(32, "big")
    return keccak256(keccak256(encoded))


def _hash_pair(first: bytes, second: bytes) -> bytes:
    return keccak256(first + second if first < second else second + first)
