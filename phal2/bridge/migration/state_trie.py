"""The root of a Substrate state trie, recomputed from all of its keys and values.

A radix-16 trie without extension nodes: each node carries the nibbles between its parent and itself. A node's
encoding of less than 32 bytes stands in its parent as it is; a longer one stands there as its BLAKE2b-256 hash.
Layout version 1 differs in one thing: values of more than 32 bytes stand in their node as their hash.
Source: Polkadot specification, "State Storage Trie" (definitions of node header, node value and node subvalue).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from phal2.bridge.migration.scale import encode_bytes

STATE_VERSIONS: Final = (0, 1)
"""The layout versions of the state trie."""

_HASH_LENGTH: Final = 32
_EMPTY_TRIE: Final = b"\x00"
_LONGEST_INLINE_VALUE: Final = 32

# The node kinds: the header's highest bits, and how many low bits remain for the count of nibbles.
_LEAF: Final = (0b0100_0000, 6)
_BRANCH: Final = (0b1000_0000, 6)
_BRANCH_WITH_VALUE: Final = (0b1100_0000, 6)
_LEAF_WITH_HASHED_VALUE: Final = (0b0010_0000, 5)
_BRANCH_WITH_HASHED_VALUE: Final = (0b0001_0000, 4)


class _OpenNode:
    """A node on the path to the newest key: its place in the trie is known, its children are not all known yet."""

    __slots__ = ("children", "depth", "path", "value")

    def __init__(self, path: str, depth: int, value: bytes | None) -> None:
        self.path = path
        self.depth = depth
        self.value = value
        self.children: dict[int, bytes] = {}


def compute_state_root(entries: Mapping[bytes, bytes], state_version: int = 0) -> bytes:
    """Return the 32-byte root of the trie of `entries` under layout version 0 or 1.

    The keys are taken in ascending order, so that the nodes still open are always those of one path: depth of the
    trie costs no recursion, and each node is encoded once. Raises ValueError for an unknown layout version.
    """
    if state_version not in STATE_VERSIONS:
        raise ValueError(f"the layout versions of a state trie are 0 and 1, got {state_version}")
    path: list[_OpenNode] = []
    previous_key = b""
    for key in sorted(entries):
        # As hex digits, nibbles slice at the speed of strings.
        nibbles = key.hex()
        if path:
            _close_below(path, _shared_nibbles(previous_key, key), state_version)
        path.append(_OpenNode(nibbles, len(nibbles), entries[key]))
        previous_key = key
    if not path:
        return _hash(_EMPTY_TRIE)
    while len(path) > 1:
        _close_deepest(path, state_version)
    root = path[0]
    return _hash(_encode_node(root, root.path[: root.depth], state_version))


def _close_below(path: list[_OpenNode], depth: int, state_version: int) -> None:
    """Close the nodes of `path` that are deeper than `depth`, under a new branch there if `path` has no node there."""
    while path[-1].depth > depth:
        parent_depth = path[-2].depth if len(path) > 1 else -1
        if parent_depth < depth:
            path.insert(-1, _OpenNode(path[-1].path, depth, None))
        _close_deepest(path, state_version)


def _close_deepest(path: list[_OpenNode], state_version: int) -> None:
    node = path.pop()
    parent = path[-1]
    encoded = _encode_node(node, node.path[parent.depth + 1 : node.depth], state_version)
    parent.children[int(node.path[parent.depth], 16)] = encoded if len(encoded) < _HASH_LENGTH else _hash(encoded)


def _shared_nibbles(first: bytes, second: bytes) -> int:
    length = min(len(first), len(second))
    difference = int.from_bytes(first[:length], "big") ^ int.from_bytes(second[:length], "big")
    return (8 * length - difference.bit_length()) // 4


def _encode_node(node: _OpenNode, partial: str, state_version: int) -> bytes:
    value = node.value
    hashed = value is not None and state_version == 1 and len(value) > _LONGEST_INLINE_VALUE
    if not node.children:
        kind = _LEAF_WITH_HASHED_VALUE if hashed else _LEAF
    elif value is None:
        kind = _BRANCH
    else:
        kind = _BRANCH_WITH_HASHED_VALUE if hashed else _BRANCH_WITH_VALUE
    parts = [_encode_header(kind, len(partial)), bytes.fromhex(partial if len(partial) % 2 == 0 else "0" + partial)]
    if node.children:
        parts.append(sum(1 << nibble for nibble in node.children).to_bytes(2, "little"))
    if value is not None:
        parts.append(_hash(value) if hashed else encode_bytes(value))
    # Keys come in ascending order, and so do the children that they closed.
    parts += [encode_bytes(reference) for reference in node.children.values()]
    return b"".join(parts)


def _encode_header(kind: tuple[int, int], nibble_count: int) -> bytes:
    marker, count_bits = kind
    highest = (1 << count_bits) - 1
    if nibble_count < highest:
        return bytes((marker | nibble_count,))
    full, rest = divmod(nibble_count - highest, 255)
    return bytes((marker | highest,)) + b"\xff" * full + bytes((rest,))


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=_HASH_LENGTH).digest()
