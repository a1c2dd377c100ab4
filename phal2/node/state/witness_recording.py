"""What an execution reads, noted while it runs: enough to execute the block again from nothing else."""

from dataclasses import dataclass, field

from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.trie_records import record_rlp


@dataclass(frozen=True, slots=True)
class RecordingDatabase:
    """A `StateDatabase` that notes every trie node and code that is read, as RLP and as it is, by hash."""

    base: StateDatabase
    nodes: dict[bytes, bytes] = field(default_factory=dict)
    codes: dict[bytes, bytes] = field(default_factory=dict)

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        """Return the record of a trie node; with location 0 its bare RLP."""
        record = self.base.node(node_hash, location)
        if record is not None:
            self.nodes[node_hash] = record_rlp(record) if location else record
        return record

    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:
        """Return the location of a state's root node."""
        return self.base.state_location(state_root, block_hash)

    def new_serial(self) -> int:
        """Return a number that no other commit to the base has."""
        return self.base.new_serial()

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        code = self.base.code(code_hash)
        if code is not None:
            self.codes[code_hash] = code
        return code


class RecordingBlockHashes:
    """`BlockHashes` that note the oldest block that was asked for."""

    def __init__(self, base: BlockHashes) -> None:
        self._base = base
        self.oldest: int | None = None

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the canonical block `number`; None where unknown."""
        found = self._base.block_hash(number)
        if found is not None:
            self.oldest = number if self.oldest is None else min(self.oldest, number)
        return found
