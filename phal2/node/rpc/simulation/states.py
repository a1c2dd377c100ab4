"""The states of simulated blocks, one on the other, over the chain's; and their hashes."""

from phal2.node.state.database import BlockHashes, StateDatabase, StateUpdate


class SimulatedStates:
    """A `StateDatabase` that takes the updates of any number of blocks and stores none of them."""

    def __init__(self, base: StateDatabase) -> None:
        self._base = base
        self._records: dict[int, bytes] = {}
        self._codes: dict[bytes, bytes] = {}
        self._states: dict[bytes, int] = {}

    def add(self, update: StateUpdate) -> None:
        """Take over what a commit to this database made."""
        self._records.update(enumerate(update.records, update.first_location))
        self._codes.update(update.codes)
        self._states[update.state_root] = update.location

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        """Return the record of a trie node; with location 0 its bare RLP."""
        record = self._records.get(location)
        return self._base.node(node_hash, location) if record is None else record

    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:
        """Return the location of a state's root node."""
        location = self._states.get(state_root)
        return self._base.state_location(state_root, block_hash) if location is None else location

    def new_serial(self) -> int:
        """Return a number that no other commit to the base has."""
        return self._base.new_serial()

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        code = self._codes.get(code_hash)
        return self._base.code(code_hash) if code is None else code


class SimulatedBlockHashes:
    """The hashes of simulated blocks, over those of the chain up to the block that they build on."""

    def __init__(self, base: BlockHashes, base_number: int, base_hash: bytes) -> None:
        self._base = base
        self._base_number = base_number
        self._hashes = {base_number: base_hash}

    def add(self, number: int, block_hash: bytes) -> None:
        """Note the hash of a simulated block."""
        self._hashes[number] = block_hash

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of a block, None where there is none."""
        found = self._hashes.get(number)
        return self._base.block_hash(number) if found is None and number < self._base_number else found
