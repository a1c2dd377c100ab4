"""What a database says of itself: its format, its chain, and how far its states go."""

from dataclasses import dataclass
from typing import Final

from phal2.node.storage.environment import Environment
from phal2.node.storage.errors import NotADatabase, OtherChain
from phal2.node.storage.tables import FORMAT_KEY, FORMAT_VERSION, Table, number_key
from phal2.node.storage.transaction import Transaction

_CHAIN_ID: Final = b"chain_id"
_GENESIS: Final = b"genesis"
_NEXT_SERIAL: Final = b"next_serial"
_OLDEST_STATE: Final = b"oldest_state"


@dataclass(frozen=True, slots=True)
class Identity:
    """The format of a database, and the chain that it holds."""

    format: int
    chain_id: int
    genesis_hash: bytes


def read_identity(transaction: Transaction) -> Identity | None:
    """Return what a database says of itself, None in a new one."""
    version = transaction.get(Table.METADATA, FORMAT_KEY)
    if version is None:
        return None
    chain_id, genesis_hash = (transaction.get(Table.METADATA, key) or b"" for key in (_CHAIN_ID, _GENESIS))
    return Identity(int.from_bytes(version, "big"), int.from_bytes(chain_id, "big"), genesis_hash)


def is_new(environment: Environment) -> bool:
    """Tell whether nothing was ever stored; raise `NotADatabase` where there is data but no word of its format."""

    def look(transaction: Transaction) -> bool:
        if read_identity(transaction) is not None:
            return False
        if not all(transaction.is_empty(table) for table in Table):
            raise NotADatabase(environment.directory, "it has data but no format version")
        return True

    return environment.read(look)


def write_identity(transaction: Transaction, chain_id: int, genesis_hash: bytes) -> None:
    """Note the present format and the chain in a new database."""
    transaction.put(Table.METADATA, FORMAT_KEY, FORMAT_VERSION.to_bytes(8, "big"))
    transaction.put(Table.METADATA, _CHAIN_ID, chain_id.to_bytes(32, "big"))
    transaction.put(Table.METADATA, _GENESIS, genesis_hash)


def check_identity(environment: Environment, chain_id: int, genesis_hash: bytes) -> None:
    """Raise `OtherChain` where the database is not of this chain. Its format was looked at when it was opened."""
    identity = environment.read(read_identity)
    found = (0, b"") if identity is None else (identity.chain_id, identity.genesis_hash)
    if found != (chain_id, genesis_hash):
        raise OtherChain(environment.directory, found, (chain_id, genesis_hash))


def next_serial(transaction: Transaction) -> int:
    """Return the least serial that no stored commit has or had."""
    return _number(transaction, _NEXT_SERIAL)


def write_next_serial(transaction: Transaction, serial: int) -> None:
    """Note that all serials below `serial` may have been used; the note never goes back."""
    if serial > next_serial(transaction):
        transaction.put(Table.METADATA, _NEXT_SERIAL, number_key(serial))


def oldest_state(transaction: Transaction) -> int:
    """Return the number of the oldest canonical block whose state is kept."""
    return _number(transaction, _OLDEST_STATE)


def write_oldest_state(transaction: Transaction, number: int) -> None:
    """Note that the states of blocks below `number` are no longer kept."""
    transaction.put(Table.METADATA, _OLDEST_STATE, number_key(number))


def _number(transaction: Transaction, key: bytes) -> int:
    return int.from_bytes(transaction.get(Table.METADATA, key) or b"", "big")
