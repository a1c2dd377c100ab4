"""Hostile proofs: what shows a message in the message passer's storage, and all that does not."""

from collections.abc import Sequence
from functools import cache

import pytest
import rlp
from dispute_games import Proposal, register_prover
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from l1_world import L1World
from sent_messages import VERSIONED_NONCE, L2Block, Message
from trie import HexaryTrie

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.output_roots import output_root

ALICE = b"\xa1" * 20
SENT = Message(b"\x71" * 20)
OTHERS = [Message(b"\x72" * 20, nonce=VERSIONED_NONCE + n) for n in range(1, 20)]
UNSENT = Message(b"\x73" * 20)
REFUSED = "OptimismPortal_InvalidMerkleProof()"
STATE_ROOT = b"\x5a" * 32
BLOCK_HASH = b"\xb1" * 32
PATH = keccak256(SENT.slot.to_bytes(32, "big"))


@cache
def world() -> L1World:
    world = L1World.deployed()
    register_prover(world)
    return world


@cache
def block() -> L2Block:
    return L2Block([SENT, *OTHERS])


@cache
def game_of_block() -> int:
    Proposal(world(), block().output_root, 10).create()
    index: int = world().factory.read("gameCount") - 1
    world().chain.pass_time(1)
    return index


def refuse(message: Message, nodes: Sequence[bytes]) -> str:
    arguments = (message.fields, game_of_block(), block().root_proof, list(nodes))
    return world().portal.refuse("proveWithdrawalTransaction", *arguments, sender=ALICE)


def is_taken_under(storage_root: bytes, nodes: Sequence[bytes]) -> bool:
    """Whether the portal of a world of its own takes the nodes for `SENT` where this is the message passer's root."""
    own = L1World(world().chain.copy())
    root_proof = {
        "version": bytes(32),
        "stateRoot": STATE_ROOT,
        "messagePasserStorageRoot": storage_root,
        "latestBlockhash": BLOCK_HASH,
    }
    Proposal(own, output_root(STATE_ROOT, storage_root, BLOCK_HASH), 11).create()
    own.chain.pass_time(1)
    index = own.factory.read("gameCount") - 1
    data = own.portal.data("proveWithdrawalTransaction", SENT.fields, index, root_proof, list(nodes))
    outcome = own.chain.transact(own.portal.address, data, sender=ALICE)
    assert outcome.succeeded or own.portal.reason(outcome) == REFUSED, own.portal.reason(outcome)
    return outcome.succeeded


def is_taken_alone(node: bytes) -> bool:
    return is_taken_under(keccak256(node), [node])


@given(st.data())
@settings(max_examples=25)
def test_a_proof_with_a_changed_byte_shows_nothing(data: st.DataObject) -> None:
    nodes = block().proof(SENT)
    index = data.draw(st.integers(0, len(nodes) - 1))
    position = data.draw(st.integers(0, len(nodes[index]) - 1))
    change = data.draw(st.integers(1, 255))
    node = bytearray(nodes[index])
    node[position] ^= change
    assert refuse(SENT, [*nodes[:index], bytes(node), *nodes[index + 1 :]]) == REFUSED


@given(st.data())
@settings(max_examples=25)
def test_a_proof_with_other_nodes_than_the_path_has_shows_nothing(data: st.DataObject) -> None:
    nodes = block().proof(SENT)
    pool = sorted({node for message in (SENT, *OTHERS) for node in block().proof(message)} | {b"", b"\x80", b"\xc0"})
    chosen = data.draw(
        st.lists(st.sampled_from(pool), max_size=6)
        | st.permutations(nodes)
        | st.sampled_from(pool).map(lambda node: [*nodes, node])
        | st.integers(0, len(nodes) - 1).map(lambda count: nodes[:count])
    )
    assume(chosen != nodes)
    assert refuse(SENT, chosen) == REFUSED


@given(st.data())
@settings(max_examples=15)
def test_no_nodes_of_the_trie_show_a_message_that_was_not_sent(data: st.DataObject) -> None:
    pool = sorted({node for message in (SENT, *OTHERS) for node in block().proof(message)})
    chosen = data.draw(st.lists(st.sampled_from(pool), max_size=6) | st.sampled_from(OTHERS).map(block().proof))
    assert refuse(UNSENT, chosen) == REFUSED


@given(st.lists(st.binary(max_size=80), max_size=4))
@settings(max_examples=15)
def test_arbitrary_bytes_show_nothing(nodes: list[bytes]) -> None:
    assert refuse(SENT, nodes) == REFUSED


@given(st.binary(min_size=1, max_size=80))
@settings(max_examples=20)
def test_arbitrary_bytes_show_nothing_even_under_their_own_hash(node: bytes) -> None:
    assert not is_taken_alone(node)


def test_more_nodes_than_a_path_has_show_nothing() -> None:
    assert refuse(SENT, [*block().proof(SENT), *[b"\xc0"] * 70]) == REFUSED


def hex_prefix(nibbles: Sequence[int], flags: int) -> bytes:
    """The path of a leaf (flags 2) or an extension (flags 0)."""
    nibbles = [flags + 1, *nibbles] if len(nibbles) % 2 else [flags, 0, *nibbles]
    return bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))


NIBBLES = [nibble for byte in PATH for nibble in (byte >> 4, byte & 15)]
LEAF = rlp.encode([hex_prefix(NIBBLES, 2), b"\x01"])


def test_the_leaf_of_a_single_message_is_taken() -> None:
    assert is_taken_alone(LEAF)


def branch(children: dict[int, object], value: bytes = b"") -> bytes:
    return rlp.encode([children.get(nibble, b"") for nibble in range(16)] + [value])


@pytest.mark.parametrize(
    "leaf",
    [
        # The path: of another key, too short, too long, with unknown flags, of an extension, with a filled half byte.
        rlp.encode([hex_prefix([NIBBLES[0] ^ 1, *NIBBLES[1:]], 2), b"\x01"]),
        rlp.encode([hex_prefix(NIBBLES[1:], 2), b"\x01"]),
        rlp.encode([hex_prefix(NIBBLES[2:], 2), b"\x01"]),
        rlp.encode([hex_prefix([*NIBBLES, 0], 2), b"\x01"]),
        rlp.encode([hex_prefix([*NIBBLES, 0, 0], 2), b"\x01"]),
        rlp.encode([hex_prefix(NIBBLES, 4), b"\x01"]),
        rlp.encode([hex_prefix(NIBBLES, 6), b"\x01"]),
        rlp.encode([hex_prefix(NIBBLES, 0), b"\x01"]),
        rlp.encode([b"\x21" + PATH, b"\x01"]),
        rlp.encode([PATH, b"\x01"]),
        rlp.encode([b"", b"\x01"]),
        rlp.encode([[], b"\x01"]),
        # The value: another, none, a list.
        rlp.encode([hex_prefix(NIBBLES, 2), b"\x02"]),
        rlp.encode([hex_prefix(NIBBLES, 2), b"\x00"]),
        rlp.encode([hex_prefix(NIBBLES, 2), b""]),
        rlp.encode([hex_prefix(NIBBLES, 2), b"\x01\x01"]),
        rlp.encode([hex_prefix(NIBBLES, 2), [b"\x01"]]),
        # Items: too few, too many.
        rlp.encode([hex_prefix(NIBBLES, 2)]),
        rlp.encode([hex_prefix(NIBBLES, 2), b"\x01", b""]),
        rlp.encode([]),
        rlp.encode([b""] * 18),
        # Encodings that are not the shortest, or do not end where they should.
        LEAF + b"\x00",
        LEAF[:-1],
        b"\xf8" + bytes([LEAF[0] - 0xC0]) + LEAF[1:],
        b"\xf9\x00" + bytes([LEAF[0] - 0xC0]) + LEAF[1:],
        bytes([LEAF[0] + 1]) + LEAF[1:-1] + b"\x81\x01",
        bytes([LEAF[0] + 1]) + b"\xb8" + bytes([LEAF[1] - 0x80]) + LEAF[2:],
        b"\xff" * 40,
        b"\xfb\xff\xff\xff\xff" + LEAF[1:],
        rlp.encode(LEAF),
    ],
)
def test_a_leaf_that_is_not_the_one_is_refused(leaf: bytes) -> None:
    assert not is_taken_alone(leaf)


def test_a_path_through_branches_and_extensions_is_followed() -> None:
    leaf = rlp.encode([hex_prefix(NIBBLES[6:], 2), b"\x01"])
    fork = branch({NIBBLES[5]: keccak256(leaf), NIBBLES[5] ^ 1: b"\x11" * 32})
    extension = rlp.encode([hex_prefix(NIBBLES[1:5], 0), keccak256(fork)])
    top = branch({NIBBLES[0]: keccak256(extension), NIBBLES[0] ^ 1: b"\x22" * 32})
    assert is_taken_under(keccak256(top), [top, extension, fork, leaf])
    assert not is_taken_under(keccak256(top), [top, fork, leaf])
    assert not is_taken_under(keccak256(top), [top, extension, fork, leaf, leaf])
    assert not is_taken_under(keccak256(top), [top, extension, fork])


@pytest.mark.parametrize(
    "lead",
    [
        # An extension that leads nowhere on, a branch with a value, a child of another length than a hash has.
        lambda link: rlp.encode([hex_prefix([], 0), link]),
        lambda link: branch({NIBBLES[0]: link}, b"\x01"),
        lambda link: branch({NIBBLES[0]: link[:31]}),
        lambda link: branch({NIBBLES[0]: link + b"\x00"}),
        lambda link: branch({NIBBLES[0] ^ 1: link}),
    ],
)
def test_a_node_that_no_trie_has_leads_nowhere(lead: object) -> None:
    assert callable(lead)
    for rest in (NIBBLES, NIBBLES[1:]):
        leaf = rlp.encode([hex_prefix(rest, 2), b"\x01"])
        node = lead(keccak256(leaf))
        assert not is_taken_under(keccak256(node), [node, leaf])


def test_nodes_within_their_parent_may_be_listed_or_left_out() -> None:
    near = bytearray(PATH)
    near[-2] ^= 0x01
    trie = HexaryTrie({})
    trie[PATH] = b"\x01"
    trie[bytes(near)] = b"\x01"
    listed = [rlp.encode(node) for node in trie.get_proof(PATH)]
    assert [len(node) < 32 for node in listed] == [False, True, True]

    for count in range(1, 4):
        assert is_taken_under(trie.root_hash, listed[:count])
    assert not is_taken_under(trie.root_hash, [listed[0], listed[2]])
    assert not is_taken_under(trie.root_hash, [*listed, listed[2]])
    assert not is_taken_under(trie.root_hash, [listed[0], listed[1], rlp.encode([hex_prefix([0, 0, 0], 2), b"\x01"])])


def test_a_node_of_32_bytes_is_not_within_its_parent() -> None:
    """A list of 32 bytes or more in a node's place is no node of a trie."""
    inner = [hex_prefix(NIBBLES[1:], 2), b"\x01"]
    node = branch({NIBBLES[0]: inner})
    assert not is_taken_under(keccak256(node), [node])
    assert not is_taken_under(keccak256(node), [node, rlp.encode(inner)])


def key_near(path: bytes, shared: int, change: int) -> bytes:
    """Another key, with the same first `shared` nibbles, another one after them, and the same rest."""
    number = int.from_bytes(path, "big") ^ change << 4 * (63 - shared)
    return number.to_bytes(32, "big")


@given(st.sets(st.tuples(st.integers(0, 63), st.integers(1, 15)), max_size=12), st.binary(min_size=32, max_size=32))
@settings(max_examples=6, deadline=None)
def test_a_trie_of_any_shape_shows_what_it_holds_and_nothing_else(forks: set[tuple[int, int]], other: bytes) -> None:
    """Keys that part anywhere make branches, extensions and leaves of any depth, within their parents or not."""
    trie = HexaryTrie({})
    for key in (PATH, other, *(key_near(PATH, shared, change) for shared, change in forks)):
        trie[key] = b"\x01"
    assert is_taken_under(trie.root_hash, [rlp.encode(node) for node in trie.get_proof(PATH)])

    trie[PATH] = b"\x02"
    assert not is_taken_under(trie.root_hash, [rlp.encode(node) for node in trie.get_proof(PATH)])
    del trie[PATH]
    assert not is_taken_under(trie.root_hash, [rlp.encode(node) for node in trie.get_proof(PATH)])
