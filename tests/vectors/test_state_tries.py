"""TrieTests of ethereum/tests: in the given order one by one, and where order must not matter all at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.database import MemoryDatabase, StateUpdate
from phal2.node.state.trie import TrieReader, update_trie

ORDERED = ("trietest", "trietest_secureTrie")
ANY_ORDER = ("trieanyorder", "trieanyorder_secureTrie", "hex_encoded_securetrie_test")


@pytest.mark.parametrize("name", ORDERED)
def test_changes_in_their_order_lead_to_the_root(vectors: Path, name: str) -> None:
    for title, test in _tests(vectors, name).items():
        database, root = MemoryDatabase(), EMPTY_TRIE_ROOT
        for key, value in test["in"]:
            update = update_trie(TrieReader(database), root, {_key(name, key): _bytes(value)})
            database.add(StateUpdate(update.root, update.nodes, {}))
            root = update.root
        assert "0x" + root.hex() == test["root"], title


@pytest.mark.parametrize("name", ORDERED + ANY_ORDER)
def test_one_batch_leads_to_the_same_root(vectors: Path, name: str) -> None:
    for title, test in _tests(vectors, name).items():
        pairs = test["in"].items() if isinstance(test["in"], dict) else test["in"]
        changes = {_key(name, key): _bytes(value) for key, value in pairs}
        update = update_trie(TrieReader(MemoryDatabase()), EMPTY_TRIE_ROOT, changes)
        assert "0x" + update.root.hex() == test["root"], title


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
