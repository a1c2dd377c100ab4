import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration.errors import InvalidTree
from phal2.bridge.migration.tree import Leaf, build_tree
from phal2.bridge.migration.tree_file import dump_tree, parse_tree, read_tree

TREE = build_tree(Leaf(bytes((number,)) * 32, number, 10 * number) for number in range(1, 5))


def set_value(index: int, field: int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        document["values"][index]["value"][field] = value

    return change


def swap_values(document: Any) -> None:
    document["values"][0], document["values"][1] = document["values"][1], document["values"][0]


def swap_positions(document: Any) -> None:
    first, second = document["values"][0], document["values"][1]
    first["treeIndex"], second["treeIndex"] = second["treeIndex"], first["treeIndex"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_value(0, 1, "2"), "the nodes do not follow from the values"),
        (set_value(0, 0, "0x" + "0a" * 32), "not in ascending order"),
        (set_value(0, 0, "0x" + "02" * 32), "has two leaves"),
        (set_value(0, 0, "0x" + "AA" * 32), "lower-case hex digits"),
        (set_value(0, 1, "01"), "not a whole number"),
        (set_value(0, 1, "1\n"), "not a whole number"),
        (set_value(0, 1, "1.0"), "not a whole number"),
        (set_value(0, 1, 1), "all text"),
        (set_value(0, 2, "9" * 78), "is not a uint256"),
        (swap_values, "not in ascending order"),
        (swap_positions, "expected"),
        (lambda document: document["tree"].reverse(), "the nodes do not follow"),
        (lambda document: document["tree"].pop(), "the nodes do not follow"),
        (lambda document: document["values"].clear(), "at least one leaf"),
        (lambda document: document["values"][0].update(treeIndex=True), "value 0 is not an object"),
        (lambda document: document["values"][0].update(extra=1), "value 0 is not an object"),
        (lambda document: document["values"].append(5), "value 4 is not an object"),
        (lambda document: document.update(values={}), "values is not a list"),
        (lambda document: document.update(format="simple-v1"), "expected the format standard-v1"),
        (lambda document: document.update(leafEncoding=["bytes32", "uint256"]), "leaf encoding"),
        (lambda document: document.pop("tree"), "expected an object of"),
        (lambda document: document.update(more=1), "expected an object of"),
    ],
)
def test_a_changed_tree_file_is_refused(change: Callable[[Any], None], reason: str) -> None:
    document = json.loads(dump_tree(TREE))
    change(document)

    with pytest.raises(InvalidTree, match=reason):
        parse_tree(json.dumps(document).encode())


@given(st.binary(max_size=100))
def test_bytes_that_are_no_tree_file_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidTree):
        parse_tree(content)


def test_a_deeply_nested_file_is_refused() -> None:
    with pytest.raises(InvalidTree, match="nested too deeply"):
        parse_tree(b"[" * 100_000)


def test_a_tree_file_is_read_and_its_name_is_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    with pytest.raises(InvalidTree, match=r"tree\.json cannot be read: No such file"):
        read_tree(path)
    path.write_text(dump_tree(TREE))
    assert read_tree(path) == TREE
    path.write_text("[]")
    with pytest.raises(InvalidTree, match=r"tree\.json: not a tree file"):
        read_tree(path)
