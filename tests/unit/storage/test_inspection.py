"""What a database is said to take is what was stored in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from stored_chains import CHAIN_ID, attested, chain, child, genesis

from phal2.node.protocol.headers import encode_header
from phal2.node.storage import ChainStore
from phal2.node.storage.environment import Environment
from phal2.node.storage.errors import DamagedRecord, NotADatabase
from phal2.node.storage.inspection import databases_in, inspect_database
from phal2.node.storage.tables import FORMAT_VERSION, Table


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A chain of four blocks with 2 transactions each; the last has 5, one of them attested."""
    blocks = chain(3)
    blocks.append(attested(child(blocks[-1], transactions=5), 1))
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, durable=False)
    for block in blocks:
        store.write_block(block)
    store.close()
    return tmp_path / "chain"


def test_the_chain_and_its_heads_are_told(directory: Path):
    sizes = inspect_database(directory, 2)
    identity = sizes.identity
    assert (identity.format, identity.chain_id, identity.genesis_hash) == (
        FORMAT_VERSION,
        CHAIN_ID,
        genesis().block.hash,
    )
    assert (sizes.heads.unsafe.number, sizes.heads.safe.number) == (4, 0)


def test_entries_and_pages_are_those_of_the_tables_and_fit_the_file(directory: Path):
    sizes = inspect_database(directory, 0)
    assert sizes.file_bytes == (directory / "data.mdb").stat().st_size
    assert sizes.tables[Table.HEADERS].entries == 5
    assert sizes.tables[Table.TRANSACTIONS].entries == 3 * 2 + 5
    assert sizes.tables[Table.ATTESTATIONS].entries == 1
    assert sizes.tables[Table.SAFE_HEADS].pages == 0
    used = sum(size.pages for size in sizes.tables.values())
    assert 0 <= sizes.free_pages <= sizes.pages - used
    assert sizes.blocks == ()


def test_the_newest_blocks_are_listed_with_what_was_stored_for_them(directory: Path):
    third, fourth = inspect_database(directory, 2).blocks
    assert [block.number for block in (third, fourth)] == [3, 4]
    assert [block.transactions for block in (third, fourth)] == [2, 5]
    assert third.hash == chain(3)[-1].block.hash
    assert third.parts[Table.HEADERS] == 32 + len(encode_header(chain(3)[-1].block.header))
    assert third.parts[Table.SENDERS] == 32 + 2 * 20
    assert (third.parts[Table.ATTESTATIONS], fourth.parts[Table.ATTESTATIONS] > 200) == (0, True)
    assert third.total == sum(third.parts.values())


def test_more_blocks_than_there_are_is_all_of_them(directory: Path):
    assert [block.number for block in inspect_database(directory, 1_000).blocks] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("damage", [lambda record: record + b"no list", lambda record: record[:9]])
def test_a_damaged_record_is_told(directory: Path, damage: Callable[[bytes], bytes]):
    environment = Environment(directory)
    key, record = environment.read(lambda transaction: transaction.newest(Table.CHANGES, 1))[0]
    environment.write(lambda transaction: transaction.put(Table.CHANGES, key, damage(record)))
    environment.close()

    with pytest.raises(DamagedRecord, match="the database is damaged"):
        inspect_database(directory, 1)


def test_the_databases_of_a_directory_are_its_own_or_those_in_it(directory: Path, tmp_path: Path):
    assert databases_in(directory) == (directory,)
    assert databases_in(tmp_path) == (directory,)
    with pytest.raises(NotADatabase):
        databases_in(tmp_path / "elsewhere")
