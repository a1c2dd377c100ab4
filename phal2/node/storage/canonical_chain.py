"""The canonical chain.

Block numbers to hashes, and transactions to where they are in it. A reorg is one move of its head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Header, decode_header
from phal2.node.protocol.keccak import keccak256
from phal2.node.storage.block_records import decode_body
from phal2.node.storage.errors import UnknownBlock
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction

_KEY_LENGTH: Final = 8
_LOCATION_LENGTH: Final = 8
_INDEX_BITS: Final = 24
INDEX_ENTRY_LENGTH: Final = _KEY_LENGTH + _LOCATION_LENGTH
"""Bytes that a transaction takes in the index."""


@dataclass(frozen=True, slots=True)
class TransactionLocation:
    """Where a transaction is in the canonical chain; `index` counts from 0."""

    block_hash: bytes
    block_number: int
    index: int


def canonical_hash(transaction: Transaction, number: int) -> bytes | None:
    """Return the hash of the canonical block `number`."""
    return transaction.get(Table.CANONICAL, number_key(number))


def possible_locations(transaction: Transaction, transaction_hash: bytes) -> list[TransactionLocation]:
    """Return where the canonical chain may hold a transaction.

    The index has but the first bytes of hashes, a third of what whole ones would need; so the transaction there may
    be another one, and there may be several.
    """
    found = []
    for record in transaction.values(Table.TRANSACTIONS, transaction_hash[:_KEY_LENGTH]):
        number, index = divmod(int.from_bytes(record, "big"), 1 << _INDEX_BITS)
        block_hash = canonical_hash(transaction, number)
        if block_hash is not None:
            found.append(TransactionLocation(block_hash, number, index))
    return found


def move_head(
    transaction: Transaction,
    old_head: BlockId | None,
    new_head: BlockId,
    transaction_hashes: Sequence[bytes] | None = None,
) -> BlockId:
    """Make `new_head`, which must be stored, the tip of the canonical chain; return the last block that both share.

    `transaction_hashes` are the new head's, where they are at hand. Raises `UnknownBlock` where the new head or one of
    its ancestors is not stored.
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
        known = transaction_hashes if entered == new_head else None
        _enter(transaction, entered, _transaction_hashes(transaction, entered.hash) if known is None else known)
    return block


def _stored_header(transaction: Transaction, block: BlockId) -> Header:
    raw = transaction.get(Table.HEADERS, block.hash)
    if raw is None:
        raise UnknownBlock("canonical chain's next block", block)
    return decode_header(raw)


def _transaction_hashes(transaction: Transaction, block_hash: bytes) -> list[bytes]:
    return [keccak256(envelope) for envelope in decode_body(transaction.get(Table.BODIES, block_hash) or b"\xc0")]


def _enter(transaction: Transaction, block: BlockId, transaction_hashes: Sequence[bytes]) -> None:
    transaction.put_all(Table.TRANSACTIONS, _index_entries(block.number, transaction_hashes))
    transaction.put(Table.CANONICAL, number_key(block.number), block.hash)


def _leave(transaction: Transaction, number: int) -> None:
    block_hash = canonical_hash(transaction, number)
    if block_hash is None:
        return
    for key, record in _index_entries(number, _transaction_hashes(transaction, block_hash)):
        transaction.delete(Table.TRANSACTIONS, key, record)
    transaction.delete(Table.CANONICAL, number_key(number))


def _index_entries(number: int, transaction_hashes: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    first = number << _INDEX_BITS
    return [
        (transaction_hash[:_KEY_LENGTH], location.to_bytes(_LOCATION_LENGTH, "big"))
        for location, transaction_hash in enumerate(transaction_hashes, first)
    ]
