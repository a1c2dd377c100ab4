"""TrieTests of ethereum/tests: in the given order one by one, and where order must not matter in others and at once.

Left out is trietestnextprev: it asks for the key before and the key after one, and no part of the node walks a trie in
order.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from phal2.node.protocol.keccak import keccak256
from phal2.node.state.database import MemoryDatabase, StateUpdate, first_location
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.trie import EMPTY_ROOT, TrieReader
from phal2.node.state.trie_update import update_trie

ORDERED = ("trietest", "trietest_secureTrie")
ANY_ORDER = ("trieanyorder", "trieanyorder_secureTrie", "hex_encoded_securetrie_test")


@pytest.mark.parametrize("name", ORDERED)
def test_changes_in_their_order_lead_to_the_root(vectors: Path, name: str) -> None:
    for title, test in _tests(vectors, name).items():
        assert _root_after(name, test["in"]) == test["root"], title


@pytest.mark.parametrize("name", ANY_ORDER)
def test_changes_in_any_order_lead_to_the_same_root(vectors: Path, name: str) -> None:
    for title, test in _tests(vectors, name).items():
        pairs = sorted(test["in"].items())
        for turn in range(len(pairs)):
            turned = pairs[turn:] + pairs[:turn]
            assert _root_after(name, turned) == _root_after(name, turned[::-1]) == test["root"], title


@pytest.mark.parametrize("name", ORDERED + ANY_ORDER)
def test_one_batch_leads_to_the_same_root(vectors: Path, name: str) -> None:
    for title, test in _tests(vectors, name).items():
        pairs = test["in"].items() if isinstance(test["in"], dict) else test["in"]
        changes = {_key(name, key): _bytes(value) for key, value in pairs}
        root = update_trie(TrieReader(MemoryDatabase()), EMPTY_ROOT, changes, NodeChanges(first_location(1)))
        assert "0x" + root.hash.hex() == test["root"], title


def _root_after(name: str, changes: Iterable[tuple[str, str | None]]) -> str:
    """Return the root of a trie to which changes are made one by one, each with its own update."""
    database, root = MemoryDatabase(), EMPTY_ROOT
    for key, value in changes:
        added = NodeChanges(first_location(database.new_serial()))
        root = update_trie(TrieReader(database), root, {_key(name, key): _bytes(value)}, added)
        database.add(StateUpdate(root.hash, {}, root.location, added.first_location, added.records))
    return "0x" + root.hash.hex()


def _tests(vectors: Path, name: str) -> dict[str, Any]:
    tests: dict[str, Any] = json.loads((vectors / "ethereum-tests" / "TrieTests" / f"{name}.json").read_text())
    return tests


def _key(name: str, text: str) -> bytes:
    key = _bytes(text)
    return keccak256(key) if "secure" in name else key


def _bytes(text: str | None) -> bytes:
    if text is None:
        return b""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
