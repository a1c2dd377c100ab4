"""The state roots of a Substrate chain's first blocks, recomputed from its genesis and its changes."""

import json
from pathlib import Path

import pytest

from phal2.bridge.migration.export import read_export
from phal2.bridge.migration.snapshot import take_snapshot
from phal2.bridge.migration.state_trie import compute_state_root


@pytest.fixture(scope="module")
def folder(vectors: Path) -> Path:
    return vectors / "migration" / "substrate-state"


@pytest.fixture(scope="module")
def roots(folder: Path) -> list[bytes]:
    return [bytes.fromhex(line.removeprefix("0x")) for line in (folder / "state_roots.txt").read_text().split()]


def test_the_genesis_has_the_chains_first_root(folder: Path, roots: list[bytes]) -> None:
    snapshot = take_snapshot(read_export(folder / "db-0.json"), expected_state_root=roots[0])

    assert snapshot.state_version == 0
    assert snapshot.accounts == 13
    assert snapshot.issuance == 120_000_001 * 10**18
    assert snapshot.total == 120_000_000 * 10**18
    assert snapshot.excluded == {"modl": 10**18, "sibl": 0, "para": 0, "forgeable": 0}


def test_every_block_has_its_root(folder: Path, roots: list[bytes]) -> None:
    # Given the genesis, whose storage is also the first set of changes
    entries = dict(read_export(folder / "db-0.json").entries)
    blocks = json.loads((folder / "changes.json").read_text())["result"]

    computed = []
    for block in blocks[: len(roots)]:
        assert block["childStorageChanges"] == []
        for key, value in block["mainStorageChanges"]:
            if value is None:
                entries.pop(bytes.fromhex(key[2:]), None)
            else:
                entries[bytes.fromhex(key[2:])] = bytes.fromhex(value[2:])
        computed.append(compute_state_root(entries))

    assert len(roots) == 51
    assert computed == roots
