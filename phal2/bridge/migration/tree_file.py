"""Tree files: the "standard-v1" JSON format of OpenZeppelin's merkle-tree library, which loads them as they are."""

import json
import re
from pathlib import Path
from typing import Any, Final

from phal2.bridge.migration.bounded_json import parse_json
from phal2.bridge.migration.errors import InvalidTree
from phal2.bridge.migration.tree import LEAF_TYPES, Leaf, MigrationTree, build_tree

LARGEST_FILE: Final = 1 << 30

_FORMAT: Final = "standard-v1"
_MEMBERS: Final = {"format", "leafEncoding", "tree", "values"}
_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_AMOUNT: Final = re.compile(r"0|[1-9][0-9]{0,77}")


def dump_tree(tree: MigrationTree) -> str:
    """Return the text of a tree file, with the values in the order of their account ids."""
    document = {
        "format": _FORMAT,
        "leafEncoding": list(LEAF_TYPES),
        "tree": [f"0x{node.hex()}" for node in tree.nodes],
        "values": [
            {"value": [f"0x{leaf.account_id.hex()}", str(leaf.free), str(leaf.staked)], "treeIndex": position}
            for leaf, position in zip(tree.leaves, tree.positions, strict=True)
        ],
    }
    return json.dumps(document, separators=(",", ":"))


def read_tree(path: Path) -> MigrationTree:
    """Read and verify a tree file of at most 1 GiB. Raises InvalidTree; its text begins with the file's name."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidTree(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise InvalidTree(f"{path} is larger than {LARGEST_FILE} bytes, the largest tree file that is read")
    try:
        return parse_tree(content)
    except InvalidTree as error:
        raise InvalidTree(f"{path}: {error}") from None


def parse_tree(content: bytes) -> MigrationTree:
    """Parse a tree file, and recompute it: every node, root included, must follow from the values.

    Raises InvalidTree, also where the values are not in ascending order of account ids.
    """
    try:
        document = parse_json(content.decode("utf-8"))
    except RecursionError:
        raise InvalidTree("nested too deeply to be a tree file") from None
    except ValueError as error:
        raise InvalidTree(f"not a tree file: {error}") from None
    if not isinstance(document, dict) or set(document) != _MEMBERS:
        raise InvalidTree(f"not a tree file: expected an object of {', '.join(sorted(_MEMBERS))}")
    if document["format"] != _FORMAT or document["leafEncoding"] != list(LEAF_TYPES):
        raise InvalidTree(f"expected the format {_FORMAT} and the leaf encoding {', '.join(LEAF_TYPES)}")
    if not isinstance(document["values"], list):
        raise InvalidTree("values is not a list")
    values = [_parse_value(entry, index) for index, entry in enumerate(document["values"])]
    leaves = tuple(leaf for leaf, _ in values)
    tree = build_tree(leaves)
    if tree.leaves != leaves:
        raise InvalidTree("the values are not in ascending order of account ids")
    if document["tree"] != [f"0x{node.hex()}" for node in tree.nodes]:
        raise InvalidTree(
            f"the nodes do not follow from the values, whose root is 0x{tree.root.hex()}: "
            "the file has been changed; make it again from the export"
        )
    for (leaf, stated), position in zip(values, tree.positions, strict=True):
        if stated != position:
            raise InvalidTree(f"account 0x{leaf.account_id.hex()} has treeIndex {stated}, expected {position}")
    return tree


def _parse_value(entry: Any, index: int) -> tuple[Leaf, int]:
    if not isinstance(entry, dict) or set(entry) != {"value", "treeIndex"} or type(entry["treeIndex"]) is not int:
        raise InvalidTree(f"value {index} is not an object of value and treeIndex")
    fields = entry["value"]
    if not isinstance(fields, list) or len(fields) != len(LEAF_TYPES) or not all(isinstance(f, str) for f in fields):
        raise InvalidTree(f"value {index} is not a list of account id, free and staked, all text")
    account_id, free, staked = fields
    if not _HASH.fullmatch(account_id):
        raise InvalidTree(f"value {index}: {account_id[:70]!r} is not 0x and 64 lower-case hex digits")
    for amount in (free, staked):
        if not _AMOUNT.fullmatch(amount):
            raise InvalidTree(f"value {index}: {amount[:80]!r} is not a whole number in decimal digits")
    return Leaf(bytes.fromhex(account_id[2:]), int(free), int(staked)), entry["treeIndex"]
