import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from substrate_state import ALICE, BOB, CHARLIE, PARACHAIN, SIBLING, TREASURY, account_value, storage_of

from phal2.bridge.migration.errors import InvalidExport, InvalidStakes, IssuanceMismatch, StateRootMismatch
from phal2.bridge.migration.export import StateExport, parse_export
from phal2.bridge.migration.snapshot import take_snapshot
from phal2.bridge.migration.storage_keys import TOTAL_ISSUANCE_KEY, account_key
from phal2.bridge.migration.tree import Leaf

FORGEABLE = bytes(32)


def export_of(accounts: Mapping[bytes, tuple[int, int]], issuance: int | None = None) -> StateExport:
    values = {account_id: account_value(free, reserved) for account_id, (free, reserved) in accounts.items()}
    if issuance is None:
        issuance = sum(free + reserved for free, reserved in accounts.values())
    return parse_export(json.dumps(storage_of(values, issuance)).encode())


ACCOUNTS = {
    ALICE: (1_000, 1),
    BOB: (0, 20),
    CHARLIE: (0, 0),
    TREASURY: (500, 7),
    SIBLING: (3, 0),
    PARACHAIN: (2, 0),
    FORGEABLE: (11, 0),
}


def test_accounts_become_leaves_with_reserved_folded_into_free_and_18_decimals() -> None:
    snapshot = take_snapshot(export_of(ACCOUNTS))

    assert snapshot.leaves == (Leaf(BOB, 20_000_000, 0), Leaf(ALICE, 1_001_000_000, 0))
    assert snapshot.total == 1_021_000_000
    assert snapshot.reserved == 21_000_000
    assert (snapshot.accounts, snapshot.empty_accounts) == (7, 1)


def test_accounts_without_a_key_go_to_the_treasury_by_class() -> None:
    snapshot = take_snapshot(export_of(ACCOUNTS))

    assert snapshot.excluded == {"modl": 507_000_000, "sibl": 3_000_000, "para": 2_000_000, "forgeable": 11_000_000}
    assert [entry.account_id for entry in snapshot.treasury] == sorted((FORGEABLE, TREASURY, SIBLING, PARACHAIN))


def test_frozen_balance_is_a_part_of_free() -> None:
    storage = storage_of({ALICE: account_value(free=100, frozen=60)}, issuance=100)

    snapshot = take_snapshot(parse_export(json.dumps(storage).encode()))

    assert snapshot.leaves == (Leaf(ALICE, 100_000_000, 0),)


balances = st.tuples(st.integers(0, 2**100), st.integers(0, 2**100))
account_ids = st.binary(min_size=32, max_size=32) | st.sampled_from([TREASURY, SIBLING, PARACHAIN, FORGEABLE])


@given(st.dictionaries(account_ids, balances, min_size=1, max_size=8))
def test_leaves_and_excluded_add_up_to_the_issuance(accounts: dict[bytes, tuple[int, int]]) -> None:
    snapshot = take_snapshot(export_of(accounts))

    assert snapshot.total + sum(snapshot.excluded.values()) == snapshot.issuance
    assert snapshot.total == sum(leaf.free + leaf.staked for leaf in snapshot.leaves)


@pytest.mark.parametrize("issuance", [1_543, 1_545])
def test_balances_that_miss_the_issuance_are_refused_with_the_figures(issuance: int) -> None:
    with pytest.raises(IssuanceMismatch) as refusal:
        take_snapshot(export_of(ACCOUNTS, issuance))

    assert (refusal.value.issuance, refusal.value.balances) == (issuance, 1_544)
    assert f"--issuance-difference={issuance - 1_544}" in str(refusal.value)


def test_a_declared_difference_is_published() -> None:
    snapshot = take_snapshot(export_of(ACCOUNTS, 1_549), issuance_difference=5)

    assert snapshot.difference == 5_000_000
    assert snapshot.total + sum(snapshot.excluded.values()) + snapshot.difference == snapshot.issuance
    assert snapshot.to_json()["difference"] == "5000000"


def test_a_difference_other_than_the_declared_one_is_refused() -> None:
    with pytest.raises(IssuanceMismatch, match="of which 4 was declared"):
        take_snapshot(export_of(ACCOUNTS, 1_549), issuance_difference=4)


def test_stakes_move_from_the_pallets_class_to_the_leaves() -> None:
    snapshot = take_snapshot(export_of(ACCOUNTS), stakes={ALICE: 100, CHARLIE: 7})

    assert Leaf(ALICE, 1_001_000_000, 100_000_000) in snapshot.leaves
    assert Leaf(CHARLIE, 0, 7_000_000) in snapshot.leaves
    assert snapshot.excluded["modl"] == 400_000_000
    assert snapshot.staked == 107_000_000
    assert snapshot.total + sum(snapshot.excluded.values()) == snapshot.issuance


@pytest.mark.parametrize(
    ("stakes", "reason"),
    [
        ({b"\x77" * 32: 1}, "not among the 7 of the export"),
        ({TREASURY: 1}, "has no key"),
        ({ALICE: 507, BOB: 1}, "the stakes are 508 planks, more than the 507 on the pallet accounts"),
    ],
)
def test_stakes_that_do_not_fit_are_refused(stakes: dict[bytes, int], reason: str) -> None:
    with pytest.raises(InvalidStakes, match=reason):
        take_snapshot(export_of(ACCOUNTS), stakes=stakes)


@pytest.mark.parametrize("state_version", [0, 1])
def test_the_layout_of_the_expected_state_root_is_kept(state_version: int) -> None:
    export = export_of(ACCOUNTS)
    root = export.state_root(state_version)

    snapshot = take_snapshot(export, expected_state_root=root)

    assert (snapshot.state_root, snapshot.state_version) == (root, state_version)


def test_an_export_with_another_state_root_is_refused() -> None:
    with pytest.raises(StateRootMismatch):
        take_snapshot(export_of(ACCOUNTS), expected_state_root=bytes(32))


@pytest.mark.parametrize("key", [account_key(ALICE)[:40], account_key(ALICE) + b"\0"])
def test_an_entry_that_only_begins_like_an_account_is_refused(key: bytes) -> None:
    export = export_of(ACCOUNTS)

    with pytest.raises(InvalidExport, match=r"is not a System\.Account key"):
        take_snapshot(StateExport({**export.entries, key: account_value(0)}))


def test_a_state_without_accounts_or_issuance_is_refused() -> None:
    entries = dict(export_of(ACCOUNTS).entries)
    with pytest.raises(InvalidExport, match=r"no System\.Account"):
        take_snapshot(StateExport({TOTAL_ISSUANCE_KEY: entries.pop(TOTAL_ISSUANCE_KEY)}))
    with pytest.raises(InvalidExport, match=r"no Balances\.TotalIssuance"):
        take_snapshot(StateExport(entries))


def test_the_published_form_keeps_amounts_as_text_and_names_all_classes() -> None:
    export = export_of({ALICE: (2**90, 0), TREASURY: (1, 0)})

    published = json.loads(json.dumps(take_snapshot(export).to_json(prefix=42)))

    assert published["stateRoot"] == f"0x{export.state_root().hex()}"
    assert published["accounts"] == 2
    assert published["issuance"] == str((2**90 + 1) * 10**6)
    assert published["total"] == str(2**90 * 10**6)
    assert published["excluded"] == {"modl": "1000000", "sibl": "0", "para": "0", "forgeable": "0"}
    assert published["excludedAccounts"] == {"modl": 1, "sibl": 0, "para": 0, "forgeable": 0}
    assert published["treasury"] == [
        {
            "accountId": f"0x{TREASURY.hex()}",
            "address": "5EYCAe5ijiYfyeZ2JJCGq56LmPyNRAKzpG4QkoQkkQNB5e6Z",
            "class": "modl",
            "balance": "1000000",
        }
    ]
