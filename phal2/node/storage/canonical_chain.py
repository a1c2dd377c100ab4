"""The canonical chain.

Block numbers to hashes, and transactions to where they are in it. A reorg is one move of its head.
"""

from dataclasses import dataclass

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Header, decode_header
from phal2.node.protocol.keccak import keccak256
from phal2.node.storage.block_records import decode_body
from phal2.node.storage.environment import Transaction
from phal2.node.storage.errors import UnknownBlock
from phal2.node.storage.tables import Table, number_key


@dataclass(frozen=True, slots=True)
class TransactionLocation:
    """Where a transaction is in the canonical chain; `index` counts from 0."""

    block_hash: bytes
    block_number: int
    index: int


def canonical_hash(transaction: Transaction, number: int) -> bytes | None:
    """Return the hash of the canonical block `number`."""
    return transaction.get(Table.CANONICAL, number_key(number))


def locate_transaction(transaction: Transaction, transaction_hash: bytes) -> TransactionLocation | None:
    """Return where the canonical chain holds a transaction."""
    record = transaction.get(Table.TRANSACTIONS, transaction_hash)
    if record is None:
        return None
    block_hash = transaction.get(Table.CANONICAL, record[:8])
    if block_hash is None:
        return None
    return TransactionLocation(block_hash, int.from_bytes(record[:8], "big"), int.from_bytes(record[8:], "big"))


def move_head(transaction: Transaction, old_head: BlockId | None, new_head: BlockId) -> BlockId:
    """Make `new_head`, which must be stored, the tip of the canonical chain; return the last block that both share.

    Raises `UnknownBlock` where the new head or one of its ancestors is not stored.
    """
    branch: list[BlockId] = []
    block = new_head
    while canonical_hash(transaction, block.number) != block.hash:
        header = _stored_header(transaction, block)
        branch.append(block)
        if header.number == 0:
            break
        block = BlockId(header.parent_hash, header.number - 1)
    if old_head is not None:
        for number in range(old_head.number, block.number, -1):
            _leave(transaction, number)
    for entered in reversed(branch):
        _enter(transaction, entered)
    return block


def _stored_header(transaction: Transaction, block: BlockId) -> Header:
    raw = transaction.get(Table.HEADERS, block.hash)
    if raw is None:
        raise UnknownBlock("canonical chain's next block", block)
    return decode_header(raw)


def _leave(transaction: Transaction, number: int) -> None:
    block_hash = canonical_hash(transaction, number)
    if block_hash is None:
        return
    for envelope in decode_body(transaction.get(Table.BODIES, block_hash) or b"\xc0"):
        transaction.delete(Table.TRANSACTIONS, keccak256(envelope))
    transaction.delete(Table.CANONICAL, number_key(number))


def _enter(transaction: Transaction, block: BlockId) -> None:
    number = number_key(block.number)
    envelopes = decode_body(transaction.get(Table.BODIES, block.hash) or b"\xc0")
    locations = {keccak256(envelope): number + index.to_bytes(4, "big") for index, envelope in enumerate(envelopes)}
    transaction.put_all(Table.TRANSACTIONS, locations.items())
    transaction.put(Table.CANONICAL, number_key(block.number), block.hash)
