"""The root of an ordered list in one pass: transactions, receipts and withdrawals roots (Yellow Paper 4.3.2).

Keys are the RLP of the indices 0, 1, …, and nothing is ever looked up, so no trie needs to be kept: the keys are
sorted once and the nodes hashed from the leaves up.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256

_NIBBLE_OF_DIGIT: Final = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_EMPTY_REFERENCE: Final = b"\x80"
_HASH_PREFIX: Final = b"\xa0"


def ordered_trie_root(values: Sequence[bytes]) -> bytes:
    """Return the 32-byte Merkle-Patricia root of the non-empty `values` under the keys rlp(index)."""
    if not values:
        return EMPTY_TRIE_ROOT
    keys = _sorted_keys(len(values))
    return keccak256(_node(keys, [values[index] for _, index in keys], 0, len(keys), 0))


@lru_cache(maxsize=16)
def _sorted_keys(count: int) -> tuple[tuple[bytes, int], ...]:
    """Return the nibbles of rlp(index), one a byte, with the index, sorted; a block needs them twice."""
    return tuple(sorted((_nibbles(rlp.encode_bytes(rlp.encode_uint(index))), index) for index in range(count)))


def _node(keys: Sequence[tuple[bytes, int]], values: Sequence[bytes], start: int, end: int, depth: int) -> bytes:
    """Return the RLP of the node that holds the entries start to end, whose keys share their first `depth` nibbles."""
    first_key = keys[start][0]
    if end - start == 1:
        return rlp.encode_list([_compact(first_key[depth:], 2), rlp.encode_bytes(values[start])])
    last_key = keys[end - 1][0]
    shared = depth
    while first_key[shared] == last_key[shared]:
        shared += 1
    if shared > depth:
        child = _reference(_node(keys, values, start, end, shared))
        return rlp.encode_list([_compact(first_key[depth:shared], 0), child])
    references = [_EMPTY_REFERENCE] * 17
    position = start
    while position < end:
        nibble = keys[position][0][depth]
        begin = position
        while position < end and keys[position][0][depth] == nibble:
            position += 1
        references[nibble] = _reference(_node(keys, values, begin, position, depth + 1))
    return rlp.encode_list(references)


def _reference(node: bytes) -> bytes:
    return node if len(node) < 32 else _HASH_PREFIX + keccak256(node)


def _compact(nibbles: bytes, flag: int) -> bytes:
    """Return the RLP of a path with its flag, 2 for leaves and 0 for extensions (Yellow Paper, appendix C)."""
    padded = bytes([flag + 1]) + nibbles if len(nibbles) % 2 else bytes([flag, 0]) + nibbles
    return rlp.encode_bytes(bytes.fromhex(padded.hex()[1::2]))


def _nibbles(key: bytes) -> bytes:
    return key.hex().encode().translate(_NIBBLE_OF_DIGIT)
