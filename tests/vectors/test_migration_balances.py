"""Balances of real chains: Khala's genesis, and the distribution of another Substrate chain's migration."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from phal2.bridge.migration.errors import InvalidTree, StateRootUnavailable
from phal2.bridge.migration.export import read_export
from phal2.bridge.migration.keyless import excluded_class
from phal2.bridge.migration.snapshot import take_snapshot
from phal2.bridge.migration.ss58 import decode_address, encode_address
from phal2.bridge.migration.stakes import parse_stakes
from phal2.bridge.migration.tree import Leaf, build_tree
from phal2.bridge.migration.tree_file import dump_tree, parse_tree


@pytest.fixture(scope="module")
def tangle_rows(vectors: Path) -> list[dict[str, str]]:
    with (vectors / "migration" / "tangle-distribution.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["type"] == "substrate"]


def test_khalas_genesis_has_five_accounts_and_the_treasury(vectors: Path) -> None:
    snapshot = take_snapshot(read_export(vectors / "migration" / "khala-genesis.json"))

    assert snapshot.accounts == 6
    assert [leaf.free for leaf in snapshot.leaves] == [1_000 * 10**18] * 5
    assert snapshot.excluded == {"modl": 10**17, "sibl": 0, "para": 0, "forgeable": 0}
    assert snapshot.issuance == snapshot.total + 10**17
    assert snapshot.state_root is None


def test_khalas_genesis_cannot_be_held_against_a_root(vectors: Path) -> None:
    export = read_export(vectors / "migration" / "khala-genesis.json")

    with pytest.raises(StateRootUnavailable):
        take_snapshot(export, expected_state_root=bytes(32))


def test_the_trees_of_real_exports_are_openzeppelins(vectors: Path) -> None:
    # The root that StandardMerkleTree of @openzeppelin/merkle-tree 1.0.8 computes from the file's values.
    export = read_export(vectors / "migration" / "substrate-state" / "db-0.json")

    tree = build_tree(take_snapshot(export).leaves)

    assert tree.root.hex() == "99a32a3d360057a20050b17a848b0f47af352c2cdaa98b2ef6ecab0a951c1608"


def test_every_address_of_a_real_migration_is_read_and_written(tangle_rows: list[dict[str, str]]) -> None:
    for row in tangle_rows:
        prefix, account_id = decode_address(row["address"])
        assert encode_address(account_id, prefix) == row["address"]


def test_amounts_of_a_real_migration_are_kept_to_the_last_digit(tangle_rows: list[dict[str, str]]) -> None:
    # Given the rows of accounts that occur once, thousands of whose published totals went through floating point
    occurrences = Counter(row["address"] for row in tangle_rows)
    rows = {row["address"]: row for row in tangle_rows if occurrences[row["address"]] == 1}
    assert sum(row["final"] != row["total"] for row in rows.values()) > 2_000

    # When they go through a file of amounts, a tree and its file
    lines = [f"{address},{row['total']}" for address, row in rows.items()]
    amounts = parse_stakes("\n".join(["account,staked", *lines]).encode())
    tree = build_tree(Leaf(account_id, amount, 0) for account_id, amount in amounts.items())
    loaded = parse_tree(dump_tree(tree).encode())

    # Then each is the row's total, digit for digit
    assert len(loaded.leaves) == len(rows)
    for address, row in rows.items():
        assert loaded.leaf(decode_address(address)[1]).free == int(row["total"])


def test_the_accounts_that_a_real_migration_had_twice_are_refused(tangle_rows: list[dict[str, str]]) -> None:
    leaves = [Leaf(decode_address(row["address"])[1], int(row["total"]), 0) for row in tangle_rows]
    assert len(leaves) - len({leaf.account_id for leaf in leaves}) == 4

    with pytest.raises(InvalidTree, match="has two leaves"):
        build_tree(leaves)


def test_the_pallet_accounts_that_a_real_migration_gave_leaves_are_excluded(tangle_rows: list[dict[str, str]]) -> None:
    classes = Counter(excluded_class(decode_address(row["address"])[1]) for row in tangle_rows)

    assert classes["modl"] == 39
    assert set(classes) == {"modl", None}
