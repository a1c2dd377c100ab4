"""The store of one chain: blocks with all that belongs to them, state, and heads."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block, Header, decode_header, encode_header
from phal2.node.protocol.receipts import Receipt
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.storage import block_records, metadata, safe_heads
from phal2.node.storage.attestation_record import decode_attestation, encode_attestation
from phal2.node.storage.canonical_chain import TransactionLocation, locate_transaction, move_head
from phal2.node.storage.environment import INITIAL_MAP_SIZE, Environment, Transaction
from phal2.node.storage.errors import StorageError, UnknownBlock
from phal2.node.storage.heads import Heads, read_heads, write_heads
from phal2.node.storage.recent_cache import RecentCache
from phal2.node.storage.tables import Table, index_key, number_key

_CACHED_HEADERS: Final = 4096
_CACHED_TRANSACTIONS: Final = 16_384
"""Blocks, receipts and senders are kept for about so many transactions each."""
_CACHED_NODES: Final = 32_768
_CACHED_CODES: Final = 256


class ChainStore:
    """Blocks, receipts, indices, state and heads of one chain in one directory.

    Reads may come from any thread, writes are done one after the other. A write is in the database as a whole, and on
    the disk, when its method returns, or not at all. What is not known is None. It is the state module's StateDatabase
    and BlockHashes.
    """

    def __init__(self, environment: Environment, genesis: BlockId, heads: Heads) -> None:
        """Use `ChainStore.open`."""
        self.genesis = genesis
        """The chain's first block."""
        self._environment = environment
        self._heads = heads
        self._headers: RecentCache[bytes, Header] = RecentCache(_CACHED_HEADERS)
        self._blocks: RecentCache[bytes, Block] = RecentCache(_CACHED_TRANSACTIONS)
        self._receipts: RecentCache[bytes, tuple[Receipt, ...]] = RecentCache(_CACHED_TRANSACTIONS)
        self._senders: RecentCache[bytes, tuple[bytes, ...]] = RecentCache(_CACHED_TRANSACTIONS)
        self._nodes: RecentCache[bytes, bytes] = RecentCache(_CACHED_NODES)
        self._codes: RecentCache[bytes, bytes] = RecentCache(_CACHED_CODES)

    @classmethod
    def open(
        cls,
        path: Path,
        genesis: ExecutedBlock,
        chain_id: int,
        *,
        initial_map_size: int = INITIAL_MAP_SIZE,
        durable: bool = True,
    ) -> "ChainStore":
        """Open the store at `path`, or make it and write the genesis.

        Without `durable` commits are not forced to the disk: only for directories that are thrown away. Raises the
        `StorageError` that says why the directory cannot be used: not writable, in use, no database, an unknown format,
        another chain.
        """
        environment = Environment(path, initial_map_size, durable)
        try:
            if metadata.is_new(environment):
                heads = _write_genesis(environment, genesis, chain_id)
            else:
                metadata.check_identity(environment, chain_id, genesis.block.hash)
                heads = _stored_heads(environment)
            return cls(environment, BlockId(genesis.block.hash, genesis.block.header.number), heads)
        except BaseException:
            environment.close()
            raise

    def close(self) -> None:
        """Close the database and give the directory free. Closing twice does nothing."""
        self._environment.close()

    # State: what the state module reads.

    def node(self, node_hash: bytes) -> bytes | None:
        """Return the RLP of a trie node."""
        node = self._nodes.get(node_hash)
        if node is None:
            node = self._environment.get(Table.NODES, node_hash)
            if node is not None:
                self._nodes.put(node_hash, node)
        return node

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

    def find_transaction(self, transaction_hash: bytes) -> TransactionLocation | None:
        """Return where the canonical chain holds a transaction."""
        return self._environment.read(lambda transaction: locate_transaction(transaction, transaction_hash))

    # Heads.

    def head(self) -> BlockId:
        """Return the tip of the canonical chain, which is the unsafe head."""
        return self._heads.unsafe

    def read_heads(self) -> Heads:
        """Return the three heads."""
        return self._heads

    def write_heads(self, heads: Heads) -> None:
        """Set the heads. Another unsafe head makes its branch the canonical chain (it may also be an ancestor).

        Raises `UnknownBlock` where the unsafe head is not stored.
        """

        def change(transaction: Transaction) -> None:
            if heads.unsafe != self._heads.unsafe:
                move_head(transaction, self._heads.unsafe, heads.unsafe)
            write_heads(transaction, heads)

        self._environment.write(change)
        self._heads = heads

    def write_block(self, executed: ExecutedBlock, heads: Heads | None = None) -> None:
        """Store a block with all that belongs to it and make it the tip of the canonical chain, in one transaction.

        Its parent must be stored. Where the parent is not the present tip, the canonical chain moves to the new block's
        branch. Without `heads` the safe and finalized heads stay, but fall back to the last shared block where they
        were on the branch that is left. Raises `UnknownBlock`, or `WriteFailed` where the disk does not take it.
        """
        block = executed.block
        new_head = BlockId(block.hash, block.header.number)

        def change(transaction: Transaction) -> Heads:
            parent = BlockId(block.header.parent_hash, block.header.number - 1)
            if transaction.get(Table.HEADERS, parent.hash) is None:
                raise UnknownBlock(f"parent of block {block.header.number}", parent)
            _put_block(transaction, executed)
            shared = move_head(transaction, self._heads.unsafe, new_head)
            new_heads = replace(self._heads.clamped(shared), unsafe=new_head) if heads is None else heads
            write_heads(transaction, new_heads)
            return new_heads

        self._heads = self._environment.write(change)
        self._remember(executed)

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

    def _remember(self, executed: ExecutedBlock) -> None:
        block_hash = executed.block.hash
        self._headers.put(block_hash, executed.block.header)
        weight = 1 + len(executed.block.transactions)
        self._blocks.put(block_hash, executed.block, weight)
        self._receipts.put(block_hash, executed.receipts, weight)
        self._senders.put(block_hash, executed.senders, weight)
        for node_hash, node in executed.state_update.nodes.items():
            self._nodes.put(node_hash, node)


def _write_genesis(environment: Environment, genesis: ExecutedBlock, chain_id: int) -> Heads:
    head = BlockId(genesis.block.hash, genesis.block.header.number)
    heads = Heads(head, head, head)

    def change(transaction: Transaction) -> None:
        metadata.write_identity(transaction, chain_id, head.hash)
        _put_block(transaction, genesis)
        transaction.put(Table.CANONICAL, number_key(head.number), head.hash)
        write_heads(transaction, heads)

    environment.write(change)
    return heads


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
    transaction.put_new(Table.NODES, executed.state_update.nodes.items())
    transaction.put_new(Table.CODES, executed.state_update.codes.items())
