"""The root of an ordered list in one pass: transactions, receipts and withdrawals roots (Yellow Paper 4.3.2).

Keys are the RLP of the indices 0, 1, …, and nothing is ever looked up, so no trie needs to be kept: the keys are
sorted once and the nodes hashed from the leaves up.
"""

from collections.abc import Sequence

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256


def ordered_trie_root(values: Sequence[bytes]) -> bytes:
    """Return the 32-byte Merkle-Patricia root of the non-empty `values` under the keys rlp(index)."""
    if not values:
        return EMPTY_TRIE_ROOT
    pairs = sorted((_nibbles(rlp.encode_bytes(rlp.encode_uint(index))), value) for index, value in enumerate(values))
    return keccak256(_node(pairs, 0, len(pairs), 0))


def _node(pairs: list[tuple[bytes, bytes]], start: int, end: int, depth: int) -> bytes:
    """Return the RLP of the node that holds pairs[start:end], whose keys share their first `depth` nibbles."""
    first_key, first_value = pairs[start]
    if end - start == 1:
        return _short_node(first_key[depth:], True, rlp.encode_bytes(first_value))
    last_key = pairs[end - 1][0]
    shared = depth
    while first_key[shared] == last_key[shared]:
        shared += 1
    if shared > depth:
        return _short_node(first_key[depth:shared], False, _reference(_node(pairs, start, end, shared)))
    children = []
    position = start
    for nibble in range(16):
        begin = position
        while position < end and pairs[position][0][depth] == nibble:
            position += 1
        children.append(b"\x80" if begin == position else _reference(_node(pairs, begin, position, depth + 1)))
    children.append(b"\x80")
    return rlp.encode_list(children)


def _reference(node: bytes) -> bytes:
    return node if len(node) < 32 else rlp.encode_bytes(keccak256(node))


def _short_node(nibbles: bytes, is_leaf: bool, encoded_value: bytes) -> bytes:
    flag = 2 if is_leaf else 0
    padded = bytes([flag + 1]) + nibbles if len(nibbles) % 2 else bytes([flag, 0]) + nibbles
    compact = bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))
    return rlp.encode_list([rlp.encode_bytes(compact), encoded_value])


def _nibbles(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))
