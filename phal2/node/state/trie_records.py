"""How a database keeps the nodes of tries: by location rather than by hash, in a form that is used as it is.

A *location* is a number that no other node of the database has or had; locations of one commit follow each other, so
that nodes are written in order and lie beside each other on the disk, where hashes would scatter them. A *record* is a
byte that tells the kind, the node's RLP, and 8 bytes of location for each child that stands there by its hash (a leaf:
for the storage trie of its account, where that has one with a known location). A location that is not known is 0: the
child is then found by its hash, as in a witness.

Nearly all branches have no value and no child that is short enough to stand in them itself: *hashed branches*. Their
records have two more bytes before the RLP, a bit for each child that is there. So the place of a child is computed, and
a changed branch is its old record with some bytes replaced; neither needs the branch to be taken apart.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import encode_bytes
from phal2.node.state.trie_nodes import (
    EMPTY_REFERENCE,
    HASH_REFERENCE_LENGTH,
    Branch,
    Extension,
    InvalidNode,
    Leaf,
    Node,
    decode_node,
    decode_path,
    element_end,
    encode_node,
)

HASHED_BRANCH: Final = 0
LEAF: Final = 1
OTHER: Final = 2
"""What the first byte of a record may be. Other nodes are extensions, and branches that are not hashed ones."""

LOCATION_LENGTH: Final = 8


class Entry(NamedTuple):
    """The value of a key; for an account with storage, `link` is the location of its storage trie."""

    value: bytes
    link: int = 0


Slot: TypeAlias = tuple[bytes, int]
"""Reference and location of a child."""

_LONG_LIST: Final = 0xF8
"""First byte of the RLP of a list of 56 to 255 bytes, as of every account's leaf; a lower one is of a shorter list."""
_LEAF_BYTE: Final = bytes([LEAF])
_OTHER_BYTE: Final = bytes([OTHER])
# What stands before the whole bytes of a leaf's path, by their number and the path's flags (with the odd nibble).
_LEAF_HEADS: Final = tuple(
    tuple(encode_bytes(bytes((flags,)) + bytes(length))[: -length or None] for flags in range(0x40))
    for length in range(33)
)
_MASK_END: Final = 3
_ONE_LOCATION: Final = Struct(">Q")
location_at: Final = _ONE_LOCATION.unpack_from
_LOCATIONS: Final = tuple(Struct(f">{count}Q") for count in range(17))
# A child takes 33 bytes, an empty place 1, and the value, which is empty, 1: from 8 children on the length has 2 bytes.
_FIRST_REFERENCE: Final = tuple(_MASK_END + (2 if count < 8 else 3) for count in range(17))


def encode_record(node: Node, encoded: bytes) -> bytes:
    """Return the record of a node; `encoded` is its RLP."""
    if type(node) is Leaf:
        return leaf_record(encoded, node.link)
    if type(node) is Branch:
        return _encode_branch(node, encoded)
    assert type(node) is Extension  # noqa: S101 - tells the type checker what is left
    is_inline = len(node.child) != HASH_REFERENCE_LENGTH
    return _OTHER_BYTE + encoded + (b"" if is_inline else _ONE_LOCATION.pack(node.location))


def decode_record(record: bytes) -> Node:
    """Read a record that `encode_record` gave; it is not checked."""
    if record[0] == HASHED_BRANCH:
        return _decode_hashed_branch(record)
    start = _path_start(record)
    end = element_end(record, 1)
    if record[0] == OTHER:
        elements = list(_elements(record, start, end))
        if len(elements) == 17:
            return _decode_branch(elements, record[end:])
    first_end = element_end(record, start)
    path, is_leaf = decode_path(_string(record[start:first_end]))
    location = int.from_bytes(record[end:], "big")
    if is_leaf:
        return Leaf(path, _string(record[first_end:end]), location)
    return Extension(path, record[first_end:end], location)


def bare_record(encoded: bytes) -> bytes:
    """Return the record of a node from its RLP alone, with no locations; raise `InvalidEncoding` where it is none."""
    node = decode_node(encoded)
    if encode_node(node) != encoded:
        raise InvalidNode("trie node that is not encoded canonically")
    if type(node) is Extension and not node.path:
        # Such nodes lead nowhere, and a chain of them deeper than any trie.
        raise InvalidNode("trie extension with an empty path")
    return encode_record(node, encoded)


def record_rlp(record: bytes) -> bytes:
    """Return the RLP of a record's node."""
    if record[0] == HASHED_BRANCH:
        return record[_MASK_END : len(record) - LOCATION_LENGTH * _mask(record).bit_count()]
    return record[1 : element_end(record, 1)]


def bare_nodes(records: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the nodes of records as a witness has them: RLP by hash."""
    nodes = map(record_rlp, records)
    return {keccak256(node): node for node in nodes}


def leaf_record(encoded: bytes, link: int) -> bytes:
    """Return the record of a leaf from its RLP and the location of its account's storage trie, 0 for none."""
    return _LEAF_BYTE + encoded + _ONE_LOCATION.pack(link) if link else _LEAF_BYTE + encoded


def leaf_path(key: bytes, depth: int) -> bytes:
    """Return what stands in the RLP of the leaf of `key` for its path, the key without the first `depth` nibbles."""
    rest = key[depth + 1 >> 1 :]
    flags = 0x30 | key[depth >> 1] & 0x0F if depth & 1 else 0x20
    if len(rest) < len(_LEAF_HEADS):
        return _LEAF_HEADS[len(rest)][flags] + rest
    return encode_bytes(bytes((flags,)) + rest)


def has_path(record: bytes, encoded_path: bytes) -> bool:
    """Tell whether a leaf's record is of a path, given as `leaf_path` has it."""
    return record.startswith(encoded_path, _path_start(record))


def read_leaf(record: bytes, key: bytes, depth: int) -> Entry | None:
    """Return what a leaf's record has where it is the leaf of `key`, below the first `depth` nibbles."""
    path = leaf_path(key, depth)
    start = _path_start(record)
    if not record.startswith(path, start):
        return None
    prefix = record[1]
    end = prefix - 0xBE if prefix < _LONG_LIST else start + int.from_bytes(record[2:start], "big")
    start += len(path)
    prefix = record[start]
    if prefix >= 0x80:
        start += 1 if prefix < 0xB8 else prefix - 0xB6
    return Entry(record[start:end], int.from_bytes(record[end:], "big") if end < len(record) else 0)


def _path_start(record: bytes) -> int:
    """Return where the path begins in the record of a leaf or extension."""
    prefix = record[1]
    return 2 if prefix < _LONG_LIST else prefix - 0xF5


# Hashed branches.


def child_location(branch: bytes, nibble: int) -> int | None:
    """Return the location of a child of a hashed branch's record, 0 where it is not known, None for no child."""
    from_here_on = (branch[1] << 8 | branch[2]) >> nibble
    if not from_here_on & 1:
        return None
    location: int = _ONE_LOCATION.unpack_from(branch, len(branch) - LOCATION_LENGTH * from_here_on.bit_count())[0]
    return location


def child_reference(branch: bytes, nibble: int) -> bytes:
    """Return the reference of a child that a hashed branch's record has."""
    mask = _mask(branch)
    before = (mask & ((1 << nibble) - 1)).bit_count()
    start = _FIRST_REFERENCE[mask.bit_count()] + (HASH_REFERENCE_LENGTH - 1) * before + nibble
    return branch[start : start + HASH_REFERENCE_LENGTH]


def with_children(branch: bytes, changed: Iterable[tuple[int, Slot]]) -> bytes:
    """Return a hashed branch's record with other hashes in place of some children that it has, by nibble."""
    mask = _mask(branch)
    count = mask.bit_count()
    first_reference = _FIRST_REFERENCE[count]
    first_location = len(branch) - LOCATION_LENGTH * count
    record = bytearray(branch)
    for nibble, (reference, location) in changed:
        before = (mask & ((1 << nibble) - 1)).bit_count()
        start = first_reference + (HASH_REFERENCE_LENGTH - 1) * before + nibble
        record[start : start + HASH_REFERENCE_LENGTH] = reference
        _ONE_LOCATION.pack_into(record, first_location + LOCATION_LENGTH * before, location)
    return bytes(record)


def _mask(branch: bytes) -> int:
    return branch[1] << 8 | branch[2]


def _encode_branch(branch: Branch, encoded: bytes) -> bytes:
    mask, is_hashed = 0, not branch.value
    locations = []
    for nibble, (reference, location) in enumerate(zip(branch.children, branch.locations, strict=True)):
        if len(reference) == HASH_REFERENCE_LENGTH:
            mask |= 1 << nibble
            locations.append(location)
        elif reference != EMPTY_REFERENCE:
            is_hashed = False
    packed = _LOCATIONS[len(locations)].pack(*locations)
    # With one child the length would take no byte; but such a branch is none that a trie needs.
    if is_hashed and len(locations) > 1:
        return bytes((HASHED_BRANCH, mask >> 8, mask & 0xFF)) + encoded + packed
    return _OTHER_BYTE + encoded + packed


def _decode_hashed_branch(record: bytes) -> Branch:
    mask = _mask(record)
    count = mask.bit_count()
    start = _FIRST_REFERENCE[count]
    stored = iter(_LOCATIONS[count].unpack_from(record, len(record) - LOCATION_LENGTH * count))
    children, locations = [], []
    for nibble in range(16):
        if mask >> nibble & 1:
            children.append(record[start : start + HASH_REFERENCE_LENGTH])
            locations.append(next(stored))
            start += HASH_REFERENCE_LENGTH
        else:
            children.append(EMPTY_REFERENCE)
            locations.append(0)
            start += 1
    return Branch(tuple(children), b"", tuple(locations))


def _decode_branch(elements: list[bytes], packed: bytes) -> Branch:
    stored = iter(_LOCATIONS[len(packed) // LOCATION_LENGTH].unpack(packed))
    children = elements[:16]
    locations = [next(stored) if len(child) == HASH_REFERENCE_LENGTH else 0 for child in children]
    return Branch(tuple(children), _string(elements[16]), tuple(locations))


def _elements(record: bytes, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        following = element_end(record, start)
        yield record[start:following]
        start = following


def _string(encoded: bytes) -> bytes:
    """Return the byte string whose RLP is given."""
    prefix = encoded[0]
    if prefix < 0x80:
        return encoded
    return encoded[1 if prefix < 0xB8 else prefix - 0xB6 :]
