"""Where the state module reads from and what it hands back: trie nodes and code by hash, block hashes by number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from phal2.node.protocol.errors import Phal2Error


class StateDatabase(Protocol):
    """Read access to trie nodes and contract code, both by the Keccak-256 of their bytes; None where unknown."""

    def node(self, node_hash: bytes) -> bytes | None:
        """Return the RLP of a trie node."""
        ...

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        ...


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
    """What must be stored so that the state under `state_root` can be read: new trie nodes and codes by their hash."""

    state_root: bytes
    nodes: Mapping[bytes, bytes]
    codes: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class MemoryDatabase:
    """A `StateDatabase` that lives in two dictionaries: for tests, witnesses and genesis."""

    nodes: dict[bytes, bytes] = field(default_factory=dict)
    codes: dict[bytes, bytes] = field(default_factory=dict)

    def node(self, node_hash: bytes) -> bytes | None:
        """Return the RLP of a trie node."""
        return self.nodes.get(node_hash)

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        return self.codes.get(code_hash)

    def add(self, update: StateUpdate) -> None:
        """Take over the nodes and codes of `update`."""
        self.nodes.update(update.nodes)
        self.codes.update(update.codes)


@dataclass(frozen=True, slots=True)
class OverlayDatabase:
    """The nodes and codes of an update that is not stored yet, over the database that it builds on."""

    update: StateUpdate
    base: StateDatabase

    def node(self, node_hash: bytes) -> bytes | None:
        """Return the RLP of a trie node."""
        found = self.update.nodes.get(node_hash)
        return self.base.node(node_hash) if found is None else found

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
