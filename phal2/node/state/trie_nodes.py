"""Nodes of the Merkle-Patricia trie and their encoding (Yellow Paper, appendix D).

Paths are byte strings of one nibble a byte. A child is held as its *reference*, the very bytes that stand for it in
its parent's RLP: 0xa0 and the hash, the node's own RLP where that is shorter than 32 bytes, or 0x80 for none. So a
changed branch is encoded again by joining its children.
"""

from binascii import unhexlify
from typing import Final, NamedTuple, TypeAlias

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256

EMPTY_REFERENCE: Final = b"\x80"
HASH_REFERENCE_LENGTH: Final = 33

_HEX_DIGITS: Final = b"0123456789abcdef"
_NIBBLE_OF_DIGIT: Final = bytes.maketrans(_HEX_DIGITS, bytes(range(16)))
_DIGIT_OF_NIBBLE: Final = bytes.maketrans(bytes(range(16)), _HEX_DIGITS)


class Leaf(NamedTuple):
    """The rest of a key and its value."""

    path: bytes
    value: bytes


class Extension(NamedTuple):
    """A stretch of key that all keys below share, and the reference of the branch there."""

    path: bytes
    child: bytes


class Branch(NamedTuple):
    """Sixteen references by the next nibble, and the value of the key that ends here (empty for none)."""

    children: tuple[bytes, ...]
    value: bytes


Node: TypeAlias = Leaf | Extension | Branch


class InvalidNode(InvalidEncoding):
    """Bytes that are not a trie node."""


def key_nibbles(key: bytes) -> bytes:
    """Return the nibbles of a key, one a byte."""
    return key.hex().encode().translate(_NIBBLE_OF_DIGIT)


def encode_node(node: Node) -> bytes:
    """Return the RLP of a node."""
    if type(node) is Branch:
        return rlp.encode_list([*node.children, rlp.encode_bytes(node.value)])
    if type(node) is Leaf:
        return rlp.encode_list([rlp.encode_bytes(_compact(node.path, b"2", b"3")), rlp.encode_bytes(node.value)])
    assert type(node) is Extension  # noqa: S101 - tells the type checker what is left
    return rlp.encode_list([rlp.encode_bytes(_compact(node.path, b"0", b"1")), node.child])


def decode_node(encoded: bytes) -> Node:
    """Read the RLP of a node; raise `InvalidNode` (or `RlpError`) where it is none."""
    references = _elements(encoded)
    if len(references) == 17:
        for reference in references[:16]:
            if len(reference) == 1 and reference != EMPTY_REFERENCE:
                raise InvalidNode("trie branch with a child that is neither a node nor a hash")
        return Branch(tuple(references[:16]), rlp.expect_bytes(rlp.decode(references[16])))
    if len(references) != 2:
        raise InvalidNode(f"trie node of {len(references)} elements, expected 2 or 17")
    path = key_nibbles(rlp.expect_bytes(rlp.decode(references[0])))
    flag = path[0] if path else 4
    if flag > 3 or (flag in (0, 2) and path[1] != 0):
        raise InvalidNode("trie node whose path has a malformed flag")
    rest = path[1:] if flag in (1, 3) else path[2:]
    if flag >= 2:
        return Leaf(rest, rlp.expect_bytes(rlp.decode(references[1])))
    return Extension(rest, references[1])


def node_reference(encoded: bytes) -> bytes:
    """Return what stands in a parent for the node with the given RLP."""
    return encoded if len(encoded) < 32 else b"\xa0" + keccak256(encoded)


def _compact(path: bytes, even_flag: bytes, odd_flag: bytes) -> bytes:
    """Return the hex-prefix encoding of a path: a nibble of flags, one of padding where the path is even, the path."""
    digits = path.translate(_DIGIT_OF_NIBBLE)
    return unhexlify(odd_flag + digits if len(digits) % 2 else even_flag + b"0" + digits)


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
        prefix = encoded[position]
        if prefix == 0xA0:
            following = position + HASH_REFERENCE_LENGTH
        elif prefix < 0x80:
            following = position + 1
        elif prefix < 0xB8:
            following = position + prefix - 0x7F
        elif prefix < 0xC0:
            head = position + prefix - 0xB6
            following = head + int.from_bytes(encoded[position + 1 : head], "big")
        elif prefix < 0xF8:
            following = position + prefix - 0xBF
        else:
            head = position + prefix - 0xF6
            following = head + int.from_bytes(encoded[position + 1 : head], "big")
        if following > end:
            raise InvalidNode("trie node that ends within an element")
        elements.append(encoded[position:following])
        position = following
    return elements
