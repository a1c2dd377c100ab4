"""What a database takes: its tables, its file, and its newest blocks one by one.

Read without the lock of the data directory: LMDB gives a reader one consistent view beside a node that goes on writing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.storage.block_records import decode_body
from phal2.node.storage.canonical_chain import INDEX_ENTRY_LENGTH
from phal2.node.storage.errors import NotADatabase
from phal2.node.storage.heads import Heads, read_heads
from phal2.node.storage.metadata import Identity, oldest_state, read_identity
from phal2.node.storage.opening import DATA_FILE_NAME, reading
from phal2.node.storage.state_records import state_size
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction

_META_PAGES: Final = 2
_RECORDS_BY_HASH: Final = (Table.HEADERS, Table.BODIES, Table.RECEIPTS, Table.SENDERS)


@dataclass(frozen=True, slots=True)
class TableSize:
    """The entries of a table, and the pages of the file that hold them."""

    entries: int
    pages: int


@dataclass(frozen=True, slots=True)
class BlockSize:
    """What is stored for one canonical block: bytes of keys and values by table.

    Of the trie nodes that its state added, `nodes` are still there; later ones may have been pruned.
    """

    number: int
    hash: bytes
    transactions: int
    nodes: int
    parts: Mapping[Table, int]

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class DatabaseSizes:
    """One view of a database.

    `free_pages` are in the file, but hold nothing at present; writes use them first. States are kept from the canonical
    block `oldest_state` on.
    """

    directory: Path
    identity: Identity
    heads: Heads
    oldest_state: int
    file_bytes: int
    page_bytes: int
    pages: int
    free_pages: int
    tables: Mapping[Table, TableSize]
    blocks: tuple[BlockSize, ...]


def databases_in(directory: Path) -> tuple[Path, ...]:
    """Return the directory, or those in it that hold a database (a devnet has several); raise `NotADatabase`."""
    if (directory / DATA_FILE_NAME).exists():
        return (directory,)
    found = tuple(sorted(file.parent for file in directory.glob(f"*/{DATA_FILE_NAME}")))
    if not found:
        raise NotADatabase(directory, f"neither it nor a directory in it has a {DATA_FILE_NAME}")
    return found


def inspect_database(directory: Path, block_count: int) -> DatabaseSizes:
    """Return the sizes, and those of the newest `block_count` blocks, the newest last.

    Raises `NotADatabase`, `UnknownFormat`, or `DirectoryNotReadable`.
    """
    with reading(directory) as (environment, lmdb_transaction, handles):
        transaction = Transaction(lmdb_transaction, handles)
        identity, heads = read_identity(transaction), read_heads(transaction)
        if identity is None or heads is None:
            raise NotADatabase(directory, "nothing was stored in it yet")
        root, page_bytes = environment.stat(), environment.stat()["psize"]
        tables = {table: _table_size(lmdb_transaction.stat(handle)) for table, handle in handles.items()}
        pages = environment.info()["last_pgno"] + 1
        used = _META_PAGES + _table_size(root).pages + sum(size.pages for size in tables.values())
        newest = heads.unsafe.number
        oldest = max(0, newest - block_count + 1)
        return DatabaseSizes(
            directory=directory,
            identity=identity,
            heads=heads,
            oldest_state=oldest_state(transaction),
            file_bytes=(directory / DATA_FILE_NAME).stat().st_size,
            page_bytes=page_bytes,
            pages=pages,
            free_pages=pages - used,
            tables=tables,
            blocks=tuple(_block_sizes(transaction, range(oldest, newest + 1))),
        )


def _table_size(statistics: Mapping[str, int]) -> TableSize:
    pages = sum(statistics[kind] for kind in ("branch_pages", "leaf_pages", "overflow_pages"))
    return TableSize(statistics["entries"], pages)


def _block_sizes(transaction: Transaction, numbers: range) -> Iterator[BlockSize]:
    for number in numbers:
        block_hash = transaction.get(Table.CANONICAL, number_key(number))
        if block_hash is None:
            continue  # below the genesis of a chain that does not begin with 0
        parts = {table: _record_bytes(transaction, table, block_hash) for table in _RECORDS_BY_HASH}
        transactions = len(decode_body(transaction.get(Table.BODIES, block_hash) or b"\xc0"))
        parts[Table.CANONICAL] = len(number_key(number)) + len(block_hash)
        parts[Table.TRANSACTIONS] = transactions * INDEX_ENTRY_LENGTH
        nodes, parts[Table.NODES], parts[Table.CHANGES] = state_size(transaction, BlockId(block_hash, number))
        attestations = transaction.items_under(Table.ATTESTATIONS, block_hash)
        parts[Table.ATTESTATIONS] = sum(len(key) + len(record) for key, record in attestations)
        yield BlockSize(number, block_hash, transactions, nodes, parts)


def _record_bytes(transaction: Transaction, table: Table, key: bytes) -> int:
    record = transaction.get(table, key)
    return 0 if record is None else len(key) + len(record)
