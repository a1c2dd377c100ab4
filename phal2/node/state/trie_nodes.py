"""Nodes of the Merkle-Patricia trie and their encoding (Yellow Paper, appendix D).

Paths are byte strings of one nibble a byte. A child is held as its *reference*, the very bytes that stand for it in
its parent's RLP: 0xa0 and the hash, the node's own RLP where that is shorter than 32 bytes, or 0x80 for none. So a
changed branch is encoded again by joining its children.

Beside the reference stands the child's *location*, the number under which a database has stored it (see
`trie_records`). It is no part of the RLP; 0 is a child that is not stored by number: an inline one, or a witness's.
"""

from binascii import unhexlify
from typing import Final, NamedTuple, TypeAlias

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256

EMPTY_REFERENCE: Final = b"\x80"
HASH_PREFIX: Final = b"\xa0"
HASH_REFERENCE_LENGTH: Final = 33
NO_CHILDREN: Final = (EMPTY_REFERENCE,) * 16
NO_LOCATIONS: Final = (0,) * 16

_HEX_DIGITS: Final = b"0123456789abcdef"
_NIBBLE_OF_DIGIT: Final = bytes.maketrans(_HEX_DIGITS, bytes(range(16)))
_DIGIT_OF_NIBBLE: Final = bytes.maketrans(bytes(range(16)), _HEX_DIGITS)


class Leaf(NamedTuple):
    """The rest of a key and its value; for an account with storage, `link` is the location of its storage trie."""

    path: bytes
    value: bytes
    link: int = 0


class Extension(NamedTuple):
    """A stretch of key that all keys below share, and the branch there."""

    path: bytes
    child: bytes
    location: int = 0


class Branch(NamedTuple):
    """Sixteen references by the next nibble with their locations, and the value of a key that ends here, or nothing."""

    children: tuple[bytes, ...]
    value: bytes
    locations: tuple[int, ...] = NO_LOCATIONS


Node: TypeAlias = Leaf | Extension | Branch


class InvalidNode(InvalidEncoding):
    """Bytes that are not a trie node."""


def key_nibbles(key: bytes) -> bytes:
    """Return the nibbles of a key, one a byte."""
    return key.hex().encode().translate(_NIBBLE_OF_DIGIT)


def encode_node(node: Node) -> bytes:
    """Return the RLP of a node."""
    if type(node) is Branch:
        return rlp.list_of_payload(b"".join(node.children) + rlp.encode_bytes(node.value))
    if type(node) is Leaf:
        return rlp.list_of_payload(
            rlp.encode_bytes(encode_path(node.path, is_leaf=True)) + rlp.encode_bytes(node.value)
        )
    assert type(node) is Extension  # noqa: S101 - tells the type checker what is left
    return rlp.list_of_payload(rlp.encode_bytes(encode_path(node.path, is_leaf=False)) + node.child)


def decode_node(encoded: bytes) -> Node:
    """Read the RLP of a node, with no locations; raise `InvalidNode` (or `RlpError`) where it is none."""
    references = _elements(encoded)
    if len(references) == 17:
        for reference in references[:16]:
            if len(reference) == 1 and reference != EMPTY_REFERENCE:
                raise InvalidNode("trie branch with a child that is neither a node nor a hash")
        return Branch(tuple(references[:16]), rlp.expect_bytes(rlp.decode(references[16])))
    if len(references) != 2:
        raise InvalidNode(f"trie node of {len(references)} elements, expected 2 or 17")
    compact = rlp.expect_bytes(rlp.decode(references[0]))
    path, is_leaf = decode_path(compact)
    if encode_path(path, is_leaf) != compact:
        raise InvalidNode("trie node whose path has a malformed flag")
    if is_leaf:
        return Leaf(path, rlp.expect_bytes(rlp.decode(references[1])))
    return Extension(path, references[1])


def node_reference(encoded: bytes) -> bytes:
    """Return what stands in a parent for the node with the given RLP."""
    return encoded if len(encoded) < 32 else HASH_PREFIX + keccak256(encoded)


def decode_path(compact: bytes) -> tuple[bytes, bool]:
    """Return the nibbles of a hex-prefix encoded path, and whether it is a leaf's; flags are not checked."""
    nibbles = key_nibbles(compact)
    flag = nibbles[0] if nibbles else 0
    return nibbles[2 - (flag & 1) :], flag & 2 != 0


def encode_path(path: bytes, is_leaf: bool) -> bytes:
    """Return the hex-prefix encoding of a path (appendix C): flags, padding where its length is even, the nibbles."""
    digits = path.translate(_DIGIT_OF_NIBBLE)
    if len(digits) % 2:
        return unhexlify((b"3" if is_leaf else b"1") + digits)
    return unhexlify((b"20" if is_leaf else b"00") + digits)


def _elements(encoded: bytes) -> list[bytes]:
    """Split the RLP of a list into its elements, each still encoded."""
    end = len(encoded)
    prefix = encoded[0] if end else 0
    if prefix < 0xC0:
        raise InvalidNode("trie node that is not an RLP list")
    position = 1 if prefix < 0xF8 else prefix - 0xF6
    declared = prefix - 0xC0 if prefix < 0xF8 else int.from_bytes(encoded[1:position], "big")
    if position + declared != end:
        raise InvalidNode(f"trie node of {end} bytes that declares {declared}")
    elements = []
    while position < end:
        following = element_end(encoded, position)
        if following > end:
            raise InvalidNode("trie node that ends within an element")
        elements.append(encoded[position:following])
        position = following
    return elements


def element_end(encoded: bytes, position: int) -> int:
    """Return where the RLP item that begins at `position` ends, which may be behind the end of the bytes."""
    prefix = encoded[position]
    if prefix == 0xA0:
        return position + HASH_REFERENCE_LENGTH
    if prefix < 0x80:
        return position + 1
    if prefix < 0xB8:
        return position + prefix - 0x7F
    if prefix < 0xC0:
        head = position + prefix - 0xB6
        return head + int.from_bytes(encoded[position + 1 : head], "big")
    if prefix < 0xF8:
        return position + prefix - 0xBF
    head = position + prefix - 0xF6
    return head + int.from_bytes(encoded[position + 1 : head], "big")
