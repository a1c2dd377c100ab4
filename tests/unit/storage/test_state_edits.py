"""Edits of a stored block's state: who finds them, how they are undone, and that nothing stored is lost or left."""

import random
from pathlib import Path

import pytest
from state_chains import ADDRESSES, first_block, with_state, write_next
from stored_chains import CHAIN_ID, child

from phal2.node.protocol.block_refs import BlockId
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads
from phal2.node.storage.errors import UnknownBlock
from phal2.node.storage.inspection import inspect_database
from phal2.node.storage.state_records import blocks_at
from phal2.node.storage.tables import Table

EDITED = b"\xed" * 20
RETENTION = 12


def open_store(path: Path, retention: int | None = None) -> ChainStore:
    return ChainStore.open(path / "chain", first_block(), CHAIN_ID, retention=retention, durable=False)


def state_at(store: ChainStore, block: BlockId) -> WorldState:
    header = store.header(block.hash)
    assert header is not None
    return WorldState(store, header.state_root, block_hash=block.hash)


def location_at(store: ChainStore, block: BlockId) -> int:
    header = store.header(block.hash)
    assert header is not None
    location = store.state_location(header.state_root, block.hash)
    assert location is not None
    return location


def edit(store: ChainStore, block: BlockId, balance: int) -> None:
    world = state_at(store, block)
    world.set_balance(EDITED, balance)
    world.end_transaction()
    store.edit_state(block, world.commit())


def test_an_edit_is_found_at_once_under_the_blocks_own_root(tmp_path: Path):
    store = open_store(tmp_path)
    write_next(store, TrieReader(store))
    header = store.header(store.head().hash)
    assert header is not None
    assert WorldState(store, header.state_root).balance(EDITED) == 0

    edit(store, store.head(), 7)

    assert WorldState(store, header.state_root).balance(EDITED) == 7
    assert state_at(store, store.head()).balance(ADDRESSES[50]) == 1


def test_of_blocks_with_equal_states_the_canonical_ones_is_meant(tmp_path: Path):
    store = open_store(tmp_path)
    twins = []
    for extra_data in (b"first", b"second", b"third"):
        store.write_heads(Heads(*[BlockId(store.genesis.hash, 0)] * 3))
        world = state_at(store, store.head())
        world.set_balance(ADDRESSES[0], 5)
        executed = with_state(child(first_block(), extra_data, transactions=1), world.commit())
        store.write_block(executed)
        twins.append(store.head())
    root = executed.block.header.state_root
    for edited, twin in enumerate(twins, 7):
        store.write_heads(Heads(twin, *[BlockId(store.genesis.hash, 0)] * 2))
        assert WorldState(store, root).balance(EDITED) == 0
        edit(store, twin, edited)
        assert WorldState(store, root).balance(EDITED) == edited


def test_blocks_on_top_have_the_edit_and_blocks_below_have_not(tmp_path: Path):
    store = open_store(tmp_path)
    reader = TrieReader(store)
    write_next(store, reader)
    below = store.head()
    write_next(store, reader)

    edit(store, store.head(), 7)
    write_next(store, reader)

    assert state_at(store, store.head()).balance(EDITED) == 7
    assert state_at(store, below).balance(EDITED) == 0


def test_edits_add_up_and_are_there_after_a_restart(tmp_path: Path):
    store = open_store(tmp_path)
    edit(store, store.head(), 7)
    edit(store, store.head(), 8)
    store.close()

    again = open_store(tmp_path)

    assert state_at(again, again.head()).balance(EDITED) == 8
    write_next(again, TrieReader(again))
    assert state_at(again, again.head()).balance(EDITED) == 8


def test_edits_made_after_a_moment_are_undone_and_those_before_stay(tmp_path: Path):
    store = open_store(tmp_path)
    edit(store, store.head(), 7)
    moment = location_at(store, store.head())
    edit(store, store.head(), 8)
    edit(store, store.head(), 9)

    store.undo_edits(store.head(), moment)

    assert state_at(store, store.head()).balance(EDITED) == 7
    edit(store, store.head(), 10)
    assert state_at(store, store.head()).balance(EDITED) == 10
    store.undo_edits(store.head(), moment)
    assert state_at(store, store.head()).balance(EDITED) == 7


def test_an_edit_that_changes_nothing_changes_nothing(tmp_path: Path):
    store = open_store(tmp_path)
    before = location_at(store, store.head())

    edit(store, store.head(), 0)

    assert location_at(store, store.head()) == before


def test_a_block_that_is_written_again_has_its_own_state(tmp_path: Path):
    store = open_store(tmp_path)
    reader = TrieReader(store)
    start = store.read_heads()
    write_next(store, reader)
    block = store.head()
    edit(store, block, 7)
    store.write_heads(start)

    write_next(store, reader)

    assert store.head() == block
    assert state_at(store, block).balance(EDITED) == 0


def test_the_state_of_a_block_that_is_not_stored_cannot_be_edited(tmp_path: Path):
    store = open_store(tmp_path)
    world = state_at(store, store.head())

    with pytest.raises(UnknownBlock):
        store.edit_state(BlockId(b"\x01" * 32, 5), world.commit())


@pytest.mark.parametrize("blocks", [60, 120])
def test_pruning_leaves_what_edited_states_need_and_little_else(tmp_path: Path, blocks: int):
    choices = random.Random(blocks)
    store = open_store(tmp_path, RETENTION)
    reader = TrieReader(store)
    for _ in range(blocks):
        write_next(store, reader)
        for _ in range(choices.randrange(3)):
            before = location_at(store, store.head())
            edit(store, store.head(), choices.randrange(1, 1 << 60))
            if choices.random() < 0.3:
                store.undo_edits(store.head(), before)
    needed = set[int]()
    for number in range(store.oldest_state(), store.head().number + 3):
        for block in store._environment.read(lambda transaction, number=number: blocks_at(transaction, number)):
            header = store.header(block.hash)
            assert header is not None
            fresh = TrieReader(store)
            needed |= set(fresh.locations(fresh.root(header.state_root, block.hash), with_storage=True))
    store.close()
    stored = inspect_database(tmp_path / "chain", 0).tables[Table.NODES].entries
    # What edits have superseded goes with the state of the block before, as what blocks have superseded does.
    assert 0 <= stored - len(needed) <= 5 * RETENTION
