"""Where the state module reads from and what it hands back: trie nodes, code by hash, block hashes by number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Protocol

from phal2.node.protocol.errors import Phal2Error

GENESIS_SERIAL: Final = 1
"""The serial of the commit that a chain begins with."""

_NODES_OF_A_COMMIT: Final = 1 << 24


class StateDatabase(Protocol):
    """Read access to trie nodes and contract code; None where unknown.

    A node is asked for by its hash and its location (see `trie_records`), which is 0 where it is not known: such nodes
    go by their hash. Code goes by its hash.
    """

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        """Return the record of a trie node; with location 0 its bare RLP."""
        ...

    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:
        """Return the location of a state's root node, 0 where it goes by its hash.

        Blocks may have equal states that are stored twice; `block_hash` says whose is meant, without it any will do.
        """
        ...

    def new_serial(self) -> int:
        """Return a number that no other commit to this database has: with it begin the locations of its nodes."""
        ...

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        ...


def first_location(serial: int) -> int:
    """Return the location of a commit's first node."""
    return serial * _NODES_OF_A_COMMIT


def serial_after(location: int) -> int:
    """Return the least serial whose locations are all above `location`."""
    return location // _NODES_OF_A_COMMIT + 1


class BlockHashes(Protocol):
    """The hashes of canonical ancestors, for the opcode BLOCKHASH."""

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the canonical block `number`; None where unknown."""
        ...


class MissingNode(Phal2Error):
    """The database lacks a trie node that a read needs: the state was pruned, or a witness is incomplete."""

    def __init__(self, node_hash: bytes) -> None:
        super().__init__(
            f"trie node 0x{node_hash.hex()} is not in the database; the state that needs it is not kept here"
        )
        self.node_hash = node_hash


class MissingCode(Phal2Error):
    """The database lacks the code of a contract: the state was pruned, or a witness is incomplete."""

    def __init__(self, code_hash: bytes) -> None:
        super().__init__(f"code 0x{code_hash.hex()} is not in the database; the state that needs it is not kept here")
        self.code_hash = code_hash


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """What a commit made of the state that it began with.

    The new state's trie has its root at `location` and may be read once `records`, the new nodes by ascending location
    from `first_location` on without a gap, and `codes`, by their hash, are added to the database. `superseded` are the
    locations of nodes that the state before has and the new one has not.
    """

    state_root: bytes
    codes: Mapping[bytes, bytes]
    location: int = 0
    first_location: int = 0
    records: Sequence[bytes] = ()
    superseded: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class MemoryDatabase:
    """A `StateDatabase` in memory: for tests, witnesses and genesis.

    It begins with bare `nodes` and `codes`, both by hash, a witness; `add` takes updates on top of them.
    """

    nodes: Mapping[bytes, bytes] = field(default_factory=dict)
    codes: Mapping[bytes, bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict, init=False)
    _added_codes: dict[bytes, bytes] = field(default_factory=dict, init=False)
    _states: dict[bytes, int] = field(default_factory=dict, init=False)
    _serials: Iterator[int] = field(default_factory=lambda: count(GENESIS_SERIAL + 1), init=False)

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        """Return the record of a trie node; with location 0 its bare RLP."""
        return self.records.get(location) if location else self.nodes.get(node_hash)

    # The protocol's signature: there are no blocks here to tell equal states apart by.
    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:  # noqa: ARG002 - as above
        """Return the location of a state's root node; of equal states, the one added last."""
        location = self._states.get(state_root)
        return 0 if location is None and state_root in self.nodes else location

    def new_serial(self) -> int:
        """Return a number that no other commit to this database has."""
        return next(self._serials)

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        found = self._added_codes.get(code_hash)
        return self.codes.get(code_hash) if found is None else found

    def add(self, update: StateUpdate) -> None:
        """Take over what `update` made. Nothing is dropped: the states before remain readable."""
        self.records.update(enumerate(update.records, update.first_location))
        self._added_codes.update(update.codes)
        self._states[update.state_root] = update.location


@dataclass(frozen=True, slots=True)
class OverlayDatabase:
    """An update that is not stored, over the database that it builds on."""

    update: StateUpdate
    base: StateDatabase

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        """Return the record of a trie node; with location 0 its bare RLP."""
        index = location - self.update.first_location
        if 0 <= index < len(self.update.records):
            return self.update.records[index]
        return self.base.node(node_hash, location)

    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:
        """Return the location of a state's root node."""
        if state_root == self.update.state_root:
            return self.update.location
        return self.base.state_location(state_root, block_hash)

    def new_serial(self) -> int:
        """Return a number that no other commit to the base has."""
        return self.base.new_serial()

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        found = self.update.codes.get(code_hash)
        return self.base.code(code_hash) if found is None else found


@dataclass(frozen=True, slots=True)
class KnownBlockHashes:
    """`BlockHashes` from a dictionary of numbers; with none, every hash is unknown (BLOCKHASH gives 0)."""

    hashes: Mapping[int, bytes] = field(default_factory=dict)

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the canonical block `number`; None where unknown."""
        return self.hashes.get(number)
