"""Databases in memory, and the reader's cache over any database."""

from phal2.node.state.database import GENESIS_SERIAL, MemoryDatabase, OverlayDatabase, StateUpdate, first_location
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.trie import TrieReader
from phal2.node.state.trie_records import bare_nodes
from phal2.node.state.world_state import WorldState

ALICE, BOB = b"\xaa" * 20, b"\xbb" * 20
GENESIS = genesis_state({ALICE: GenesisAccount(5, code=b"code", storage={1: 1}), BOB: GenesisAccount(7)})


def with_genesis() -> MemoryDatabase:
    database = MemoryDatabase()
    database.add(GENESIS)
    return database


def committed(database: MemoryDatabase, balance: int) -> StateUpdate:
    world = WorldState(database, GENESIS.state_root)
    world.set_balance(ALICE, balance)
    world.set_code(ALICE, b"new code")
    return world.commit()


class Counting(MemoryDatabase):
    """Counts the nodes that are asked for."""

    asked = 0

    def node(self, node_hash: bytes, location: int) -> bytes | None:
        Counting.asked += 1
        return super().node(node_hash, location)


def test_what_is_added_is_read_and_what_was_there_remains() -> None:
    database = with_genesis()
    update = committed(database, 6)
    database.add(update)
    assert WorldState(database, update.state_root).balance(ALICE) == 6
    assert WorldState(database, update.state_root).code(ALICE) == b"new code"
    assert WorldState(database, GENESIS.state_root).balance(ALICE) == 5


def test_an_overlay_shows_both_and_changes_neither() -> None:
    database = with_genesis()
    update = committed(database, 6)
    overlay = OverlayDatabase(update, database)
    assert WorldState(overlay, update.state_root).balance(ALICE) == 6
    assert WorldState(overlay, update.state_root).code(ALICE) == b"new code"
    assert WorldState(overlay, update.state_root).storage(ALICE, 1) == 1
    assert WorldState(overlay, GENESIS.state_root).balance(ALICE) == 5
    assert database.state_location(update.state_root) is None


def test_no_two_commits_share_locations() -> None:
    database = with_genesis()
    overlay = OverlayDatabase(committed(database, 6), database)
    serials = [database.new_serial(), overlay.new_serial(), database.new_serial()]
    assert len({GENESIS_SERIAL, *serials}) == 4
    updates = [committed(database, balance) for balance in (6, 7)]
    ranges = [
        range(update.first_location, update.first_location + len(update.records)) for update in (GENESIS, *updates)
    ]
    assert len(set().union(*ranges)) == sum(map(len, ranges))
    assert first_location(serials[1]) - first_location(serials[0]) >= 2**24


def test_a_commit_may_be_made_again_and_leaves_the_world_as_it_is() -> None:
    database = with_genesis()
    world = WorldState(database, GENESIS.state_root)
    world.set_balance(BOB, 8)
    first = world.commit()
    world.set_storage(ALICE, 1, 2)
    second = world.commit()
    assert world.balance(BOB) == 8
    database.add(second)
    read = WorldState(database, second.state_root)
    assert (read.balance(BOB), read.storage(ALICE, 1)) == (8, 2)
    assert first.state_root != second.state_root


def test_a_witness_is_read_by_hashes_and_a_commit_on_it_by_locations() -> None:
    witness = MemoryDatabase(bare_nodes(GENESIS.records), GENESIS.codes)
    world = WorldState(witness, GENESIS.state_root)
    assert (world.balance(ALICE), world.storage(ALICE, 1), world.code(ALICE)) == (5, 1, b"code")
    world.set_balance(ALICE, 6)
    update = world.commit()
    assert update.superseded == []
    witness.add(update)
    again = WorldState(witness, update.state_root)
    assert (again.balance(ALICE), again.storage(ALICE, 1), again.balance(BOB)) == (6, 1, 7)


def test_a_reader_asks_for_a_node_once_and_keeps_a_bounded_number() -> None:
    database = Counting()
    accounts = {bytes([index]) * 20: GenesisAccount(index) for index in range(1, 100)}
    state = genesis_state(accounts)
    database.add(state)
    Counting.asked = 0
    reader = TrieReader(database, capacity=10_000)
    for _ in range(3):
        world = WorldState(database, state.state_root, reader)
        assert all(world.balance(address) == account.balance for address, account in accounts.items())
    assert Counting.asked == len(state.records)

    small = TrieReader(database, capacity=8)
    world = WorldState(database, state.state_root, small)
    assert all(world.balance(address) == account.balance for address, account in accounts.items())
    assert len(small._young) + len(small._old) <= 8
