"""The store of one chain: blocks with all that belongs to them, state, and heads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block, Header, decode_header, encode_header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Receipt
from phal2.node.state.database import StateUpdate
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.trie import CAPACITY, TrieReader
from phal2.node.storage import blob_records, block_records, metadata, safe_heads, state_edits
from phal2.node.storage.attestation_record import decode_attestation, encode_attestation
from phal2.node.storage.canonical_chain import TransactionLocation, move_head, possible_locations
from phal2.node.storage.environment import INITIAL_MAP_SIZE, Environment
from phal2.node.storage.errors import StatePruned, StorageError, UnknownBlock
from phal2.node.storage.heads import Heads, read_heads, write_heads
from phal2.node.storage.pruning import Pruned, prune
from phal2.node.storage.recent_cache import RecentCache
from phal2.node.storage.state_records import StoredState, read_states, write_state
from phal2.node.storage.tables import Table, index_key, number_key
from phal2.node.storage.transaction import Transaction

_CACHED_HEADERS: Final = 4096
_CACHED_TRANSACTIONS: Final = 16_384
"""Blocks, receipts and senders are kept for about so many transactions each."""
_CACHED_STATES: Final = 1024
_CACHED_CODES: Final = 256


class ChainStore:
    """Blocks, receipts, indices, state and heads of one chain in one directory.

    Reads may come from any thread, writes are done one after the other. A write is in the database as a whole, and on
    the disk, when its method returns, or not at all. What is not known is None. It is the state module's StateDatabase
    and BlockHashes.
    """

    def __init__(
        self, environment: Environment, genesis: BlockId, retention: int | None, blob_retention: int | None
    ) -> None:
        """Use `ChainStore.open`."""
        self.genesis = genesis
        """The chain's first block."""
        self.retention = retention
        """Of how many of the last blocks the states are kept; None for all."""
        self.blob_retention = blob_retention
        """Of how many of the last blocks the blobs are kept; None for all."""
        self.reader = TrieReader(self)
        """Reads the newest states, for the blocks on them and for admission to the pool: it lasts, and is shared."""
        self._environment = environment
        self._heads = _stored_heads(environment)
        self._serials = count(environment.read(metadata.next_serial))
        self._oldest_state = environment.read(metadata.oldest_state)
        self._headers: RecentCache[bytes, Header] = RecentCache(_CACHED_HEADERS)
        self._blocks: RecentCache[bytes, Block] = RecentCache(_CACHED_TRANSACTIONS)
        self._receipts: RecentCache[bytes, tuple[Receipt, ...]] = RecentCache(_CACHED_TRANSACTIONS)
        self._senders: RecentCache[bytes, tuple[bytes, ...]] = RecentCache(_CACHED_TRANSACTIONS)
        self._states: RecentCache[tuple[bytes, bytes | None], StoredState] = RecentCache(_CACHED_STATES)
        self._codes: RecentCache[bytes, bytes] = RecentCache(_CACHED_CODES)

    @classmethod
    def open(
        cls,
        path: Path,
        genesis: ExecutedBlock,
        chain_id: int,
        *,
        retention: int | None = None,
        blob_retention: int | None = None,
        initial_map_size: int = INITIAL_MAP_SIZE,
        durable: bool = True,
    ) -> "ChainStore":
        """Open the store at `path`, or make it and write the genesis.

        The states of the last `retention` blocks are kept, and all of those above the finalized head; None keeps all.
        The blobs of the last `blob_retention` blocks are kept; None keeps all.
        Without `durable` commits are not forced to the disk: only for directories that are thrown away. Raises the
        `StorageError` that says why the directory cannot be used: not writable, in use, no database, an unknown format,
        another chain.
        """
        environment = Environment(path, initial_map_size, durable)
        try:
            if metadata.is_new(environment):
                _write_genesis(environment, genesis, chain_id)
            else:
                metadata.check_identity(environment, chain_id, genesis.block.hash)
            genesis_id = BlockId(genesis.block.hash, genesis.block.header.number)
            store = cls(environment, genesis_id, retention, blob_retention)
            store.reader.adopt(store._newest_nodes(CAPACITY // 2))
            return store
        except BaseException:
            environment.close()
            raise

    def close(self) -> None:
        """Close the database and give the directory free. Closing twice does nothing."""
        self._environment.close()

    # State: what the state module reads.

    def node(self, node_hash: bytes, location: int) -> bytes | None:  # noqa: ARG002 - here nodes go by location
        """Return the record of a trie node."""
        return self._environment.get(Table.NODES, number_key(location))

    def state_location(self, state_root: bytes, block_hash: bytes | None = None) -> int | None:
        """Return the location of the root node of a state; raise `StatePruned` where it was kept and no longer is.

        `block_hash` says whose state is meant where several blocks have equal ones; else it is a canonical block's.
        """
        state = self._states.get((state_root, block_hash))
        if state is None or state.block.number < self._oldest_state:
            cache = self._states
            states = self._environment.read(lambda transaction: read_states(transaction, state_root))
            meant = [found for found in states if block_hash in (None, found.block.hash)]
            if not meant:
                return None
            canonical = [found for found in meant if self.block_hash(found.block.number) == found.block.hash]
            state = max(canonical or meant, key=lambda found: found.block.number)
            # Where the state was edited meanwhile, the present cache is another one.
            cache.put((state_root, block_hash), state)
        if state.block.number < self._oldest_state:
            raise self._pruned(state.block.number)
        return state.location

    def oldest_state(self) -> int:
        """Return the number of the oldest canonical block whose state is kept."""
        return self._oldest_state

    def new_serial(self) -> int:
        """Return a number that no other commit to this store has."""
        return next(self._serials)

    def code(self, code_hash: bytes) -> bytes | None:
        """Return the code of a contract."""
        code = self._codes.get(code_hash)
        if code is None:
            code = self._environment.get(Table.CODES, code_hash)
            if code is not None:
                self._codes.put(code_hash, code)
        return code

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the canonical block `number`."""
        return self._environment.get(Table.CANONICAL, number_key(number))

    # Blocks.

    def has_block(self, block_hash: bytes) -> bool:
        """Tell whether a block is stored, canonical or not."""
        return self.header(block_hash) is not None

    def header(self, block_hash: bytes) -> Header | None:
        """Return the header of a block, canonical or not."""
        header = self._headers.get(block_hash)
        if header is None:
            record = self._environment.get(Table.HEADERS, block_hash)
            if record is None:
                return None
            header = decode_header(record)
            self._headers.put(block_hash, header)
        return header

    def header_by_number(self, number: int) -> Header | None:
        """Return the header of the canonical block `number`."""
        block_hash = self.block_hash(number)
        return None if block_hash is None else self.header(block_hash)

    def block(self, block_hash: bytes) -> Block | None:
        """Return a block, canonical or not."""
        block = self._blocks.get(block_hash)
        if block is None:
            header, body = self.header(block_hash), self._environment.get(Table.BODIES, block_hash)
            if header is None or body is None:
                return None
            block = Block(header, block_hash, block_records.decode_body(body))
            self._blocks.put(block_hash, block, 1 + len(block.transactions))
        return block

    def block_by_number(self, number: int) -> Block | None:
        """Return the canonical block `number`."""
        block_hash = self.block_hash(number)
        return None if block_hash is None else self.block(block_hash)

    def receipts(self, block_hash: bytes) -> tuple[Receipt, ...] | None:
        """Return the receipts of a block in the order of its transactions."""
        receipts = self._receipts.get(block_hash)
        if receipts is None:
            record = self._environment.get(Table.RECEIPTS, block_hash)
            if record is None:
                return None
            receipts = block_records.decode_receipts(record)
            self._receipts.put(block_hash, receipts, 1 + len(receipts))
        return receipts

    def senders(self, block_hash: bytes) -> tuple[bytes, ...] | None:
        """Return the 20-byte senders of a block's transactions in their order."""
        senders = self._senders.get(block_hash)
        if senders is None:
            record = self._environment.get(Table.SENDERS, block_hash)
            if record is None:
                return None
            senders = block_records.decode_senders(record)
            self._senders.put(block_hash, senders, 1 + len(senders))
        return senders

    def attestation(self, block_hash: bytes, index: int) -> VerifiedAttestation | None:
        """Return what the attestation of the transaction at `index` of a block was verified to prove."""
        record = self._environment.get(Table.ATTESTATIONS, index_key(block_hash, index))
        return None if record is None else decode_attestation(record)

    def blob(self, versioned_hash: bytes) -> BlobSidecar | None:
        """Return a blob that a block carried, canonical or not."""
        record = self._environment.get(Table.BLOBS, versioned_hash)
        return None if record is None else blob_records.decode_blob(record)

    def find_transaction(self, transaction_hash: bytes) -> TransactionLocation | None:
        """Return where the canonical chain holds a transaction."""
        for location in self._environment.read(lambda found: possible_locations(found, transaction_hash)):
            block = self.block(location.block_hash)
            if block is not None and keccak256(block.transactions[location.index]) == transaction_hash:
                return location
        return None

    # Heads.

    def head(self) -> BlockId:
        """Return the tip of the canonical chain, which is the unsafe head."""
        return self._heads.unsafe

    def read_heads(self) -> Heads:
        """Return the three heads."""
        return self._heads

    def write_heads(self, heads: Heads) -> None:
        """Set the heads. Another unsafe head makes its branch the canonical chain (it may also be an ancestor).

        Raises `UnknownBlock` where the unsafe head is not stored, `StatePruned` where its state is not.
        """
        if heads.unsafe.number < self._oldest_state:
            raise self._pruned(heads.unsafe.number)

        def change(transaction: Transaction) -> None:
            if heads.unsafe != self._heads.unsafe:
                move_head(transaction, self._heads.unsafe, heads.unsafe)
            write_heads(transaction, heads)

        self._environment.write(change)
        if heads.unsafe != self._heads.unsafe:
            # Of equal states, those of other blocks are meant from now on.
            self._states = RecentCache(_CACHED_STATES)
        self._heads = heads

    def write_block(
        self, executed: ExecutedBlock, heads: Heads | None = None, sidecars: Sequence[BlobSidecar] = ()
    ) -> None:
        """Store a block with all that belongs to it and make it the tip of the canonical chain, in one transaction.

        Its parent must be stored. Where the parent is not the present tip, the canonical chain moves to the new block's
        branch. Without `heads` the safe and finalized heads stay, but fall back to the last shared block where they
        were on the branch that is left. `sidecars` are those of the block's blob transactions. States and blobs that
        the retention does not ask for are pruned. Raises `UnknownBlock`, `StatePruned`, or `WriteFailed` where the disk
        does not take it.
        """
        block = executed.block
        new_head = BlockId(block.hash, block.header.number)
        parent = BlockId(block.header.parent_hash, block.header.number - 1)
        if parent.number < self._oldest_state:
            raise self._pruned(parent.number)

        def change(transaction: Transaction) -> tuple[Heads, Pruned]:
            if transaction.get(Table.HEADERS, parent.hash) is None:
                raise UnknownBlock(f"parent of block {block.header.number}", parent)
            if transaction.get(Table.HEADERS, block.hash) is None:
                _put_block(transaction, executed)
            else:
                state_edits.undo_edits(transaction, block.header.state_root, new_head)
            shared = move_head(transaction, self._heads.unsafe, new_head, executed.transaction_hashes)
            new_heads = replace(self._heads.clamped(shared), unsafe=new_head) if heads is None else heads
            write_heads(transaction, new_heads)
            blob_records.write_blobs(transaction, new_head.number, sidecars)
            if self.blob_retention is not None:
                blob_records.prune_blobs(transaction, new_head.number - self.blob_retention + 1)
            return new_heads, prune(transaction, self.retention, new_heads)

        self._heads, pruned = self._environment.write(change)
        self._states.remove((block.header.state_root, None))
        self._states.remove((block.header.state_root, block.hash))
        self._remember(executed)
        self._forget(pruned)

    # Edits of states, which development chains make.

    def edit_state(self, block: BlockId, update: StateUpdate) -> None:
        """Have a block's state root lead to the state of `update`, a commit on the state that it leads to now.

        Raises `UnknownBlock` where the block is not stored.
        """

        def change(transaction: Transaction, state_root: bytes) -> None:
            state_edits.write_edit(transaction, state_root, block, update)

        self._change_state(block, change)

    def undo_edits(self, block: BlockId, location: int) -> None:
        """Have a block's state root lead to the state at `location` again, which it led to before some edits.

        Raises `UnknownBlock` where the block is not stored.
        """

        def change(transaction: Transaction, state_root: bytes) -> None:
            state_edits.undo_edits(transaction, state_root, block, location)

        self._change_state(block, change)

    def _change_state(self, block: BlockId, change: Callable[[Transaction, bytes], None]) -> None:
        header = self.header(block.hash)
        if header is None:
            raise UnknownBlock("block whose state is edited", block)
        self._environment.write(lambda transaction: change(transaction, header.state_root))
        self._states = RecentCache(_CACHED_STATES)

    # The history of safe heads.

    def record_safe_head(self, l1: BlockId, l2: BlockId) -> None:
        """Note that `l2` is the safe head that follows from L1 up to `l1`."""
        self._environment.write(lambda transaction: safe_heads.record_safe_head(transaction, l1, l2))

    def forget_safe_heads_above(self, l1_number: int) -> None:
        """Drop what was noted of L1 blocks above `l1_number`, after a reset."""
        self._environment.write(lambda transaction: safe_heads.forget_safe_heads_above(transaction, l1_number))

    def safe_head_at_l1(self, l1_number: int) -> tuple[BlockId, BlockId] | None:
        """Return the last (L1 block, L2 safe head) noted at or below `l1_number`."""
        return self._environment.read(lambda transaction: safe_heads.safe_head_at_l1(transaction, l1_number))

    # Within.

    def _newest_nodes(self, count: int) -> list[tuple[int, bytes]]:
        """Return at most `count` trie nodes, those stored last, as (location, record)."""
        nodes = self._environment.read(lambda transaction: transaction.newest(Table.NODES, count))
        return [(int.from_bytes(key, "big"), record) for key, record in nodes]

    def _remember(self, executed: ExecutedBlock) -> None:
        block_hash = executed.block.hash
        self._headers.put(block_hash, executed.block.header)
        weight = 1 + len(executed.block.transactions)
        self._blocks.put(block_hash, executed.block, weight)
        self._receipts.put(block_hash, executed.receipts, weight)
        self._senders.put(block_hash, executed.senders, weight)

    def _forget(self, pruned: Pruned) -> None:
        self._oldest_state = pruned.oldest_state
        if pruned.removed_blocks:
            self._states = RecentCache(_CACHED_STATES)
        for block_hash in pruned.removed_blocks:
            for cache in (self._headers, self._blocks, self._receipts, self._senders):
                cache.remove(block_hash)

    def _pruned(self, number: int) -> StatePruned:
        return StatePruned(number, self._oldest_state, self.retention)


def _write_genesis(environment: Environment, genesis: ExecutedBlock, chain_id: int) -> None:
    head = BlockId(genesis.block.hash, genesis.block.header.number)

    def change(transaction: Transaction) -> None:
        metadata.write_identity(transaction, chain_id, head.hash)
        metadata.write_oldest_state(transaction, head.number)
        _put_block(transaction, genesis)
        transaction.put(Table.CANONICAL, number_key(head.number), head.hash)
        write_heads(transaction, Heads(head, head, head))

    environment.write(change)


def _stored_heads(environment: Environment) -> Heads:
    heads = environment.read(read_heads)
    if heads is None:
        raise StorageError(f"{environment.directory} has no heads; it is damaged, synchronise into a new directory")
    return heads


def _put_block(transaction: Transaction, executed: ExecutedBlock) -> None:
    block = executed.block
    transaction.put(Table.HEADERS, block.hash, encode_header(block.header))
    transaction.put(Table.BODIES, block.hash, block_records.encode_body(block.transactions))
    transaction.put(Table.RECEIPTS, block.hash, block_records.encode_receipts(executed.receipts))
    transaction.put(Table.SENDERS, block.hash, block_records.encode_senders(executed.senders))
    for index, attestation in executed.attestations.items():
        transaction.put(Table.ATTESTATIONS, index_key(block.hash, index), encode_attestation(attestation))
    block_id = BlockId(block.hash, block.header.number)
    write_state(transaction, block.header.state_root, block_id, executed.state_update)
