"""What a database says of itself: its format and its chain."""

from pathlib import Path
from typing import Final

from phal2.node.storage.environment import Environment, Transaction
from phal2.node.storage.errors import NotADatabase, OtherChain, UnknownFormat
from phal2.node.storage.tables import FORMAT_VERSION, Table

_FORMAT: Final = b"format"
_CHAIN_ID: Final = b"chain_id"
_GENESIS: Final = b"genesis"


def is_new(environment: Environment) -> bool:
    """Tell whether nothing was ever stored; raise `NotADatabase` where there is data but no word of its format."""

    def look(transaction: Transaction) -> bool:
        if transaction.get(Table.METADATA, _FORMAT) is not None:
            return False
        if not all(transaction.is_empty(table) for table in Table):
            raise NotADatabase(environment.directory, "it has data but no format version")
        return True

    return environment.read(look)


def write_identity(transaction: Transaction, chain_id: int, genesis_hash: bytes) -> None:
    """Note the present format and the chain in a new database."""
    transaction.put(Table.METADATA, _FORMAT, FORMAT_VERSION.to_bytes(8, "big"))
    transaction.put(Table.METADATA, _CHAIN_ID, chain_id.to_bytes(32, "big"))
    transaction.put(Table.METADATA, _GENESIS, genesis_hash)


def check_identity(environment: Environment, chain_id: int, genesis_hash: bytes) -> None:
    """Raise `UnknownFormat` or `OtherChain` where the database is not of this format and chain."""

    def look(transaction: Transaction) -> tuple[int, int, bytes]:
        version, chain, genesis = (
            transaction.get(Table.METADATA, key) or b"" for key in (_FORMAT, _CHAIN_ID, _GENESIS)
        )
        return int.from_bytes(version, "big"), int.from_bytes(chain, "big"), genesis

    found_version, found_chain, found_genesis = environment.read(look)
    path: Path = environment.directory
    if found_version != FORMAT_VERSION:
        raise UnknownFormat(path, found_version, FORMAT_VERSION)
    if (found_chain, found_genesis) != (chain_id, genesis_hash):
        raise OtherChain(path, (found_chain, found_genesis), (chain_id, genesis_hash))
