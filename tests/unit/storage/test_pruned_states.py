"""Retention: whatever is built, left, finalized and pruned, every state that is kept is whole, and nothing else is."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from stored_chains import CHAIN_ID, chain, genesis, header_on

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block, header_hash
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads, pruning
from phal2.node.storage.errors import StatePruned, UnknownBlock
from phal2.node.storage.tables import Table
from phal2.node.storage.transaction import Transaction

ADDRESSES = [bytes([index]) * 20 for index in range(1, 9)]
Accounts = dict[bytes, tuple[int, dict[int, int]]]
"""Balances and non-zero words by address."""

changes = st.lists(
    st.one_of(
        st.tuples(st.just("balance"), st.sampled_from(ADDRESSES), st.integers(1, 3)),
        st.tuples(st.just("word"), st.sampled_from(ADDRESSES), st.integers(0, 3), st.integers(0, 2)),
        st.tuples(st.just("destroy"), st.sampled_from(ADDRESSES)),
    ),
    max_size=6,
)


@dataclass(frozen=True, slots=True)
class Built:
    """A block with the state that it must have."""

    executed: ExecutedBlock
    accounts: Accounts

    @property
    def id(self) -> BlockId:
        return BlockId(self.executed.block.hash, self.executed.block.header.number)

    @property
    def state_root(self) -> bytes:
        return self.executed.block.header.state_root

    @property
    def parent_hash(self) -> bytes:
        return self.executed.block.header.parent_hash


def first_block() -> Built:
    accounts = {address: GenesisAccount(1, storage={1: 1}) for address in ADDRESSES[:5]}
    state = genesis_state(accounts)
    header = replace(genesis().block.header, state_root=state.state_root)
    executed = ExecutedBlock(Block(header, header_hash(header), ()), (), (), {}, state, ())
    return Built(executed, {address: (1, {1: 1}) for address in accounts})


def apply(world: WorldState, accounts: Accounts, steps: list[tuple[Any, ...]]) -> Accounts:
    """Make changes to a world; return what `accounts` are after them."""
    after = {address: (balance, dict(words)) for address, (balance, words) in accounts.items()}
    for kind, address, *values in steps:
        if kind == "destroy":
            world.mark_destroyed(address)
            after.pop(address, None)
        elif kind == "balance":
            world.set_balance(address, values[0])
            after[address] = (values[0], after.get(address, (0, {}))[1])
        elif address in after:
            world.set_storage(address, *values)
            after[address][1][values[0]] = values[1]
        world.end_transaction()
    return {
        address: (balance, {slot: word for slot, word in words.items() if word})
        for address, (balance, words) in after.items()
    }


class PrunedStore(RuleBasedStateMachine):
    """A chain that grows, branches and goes back, beside a plain record of what each of its states must be."""

    @initialize(retention=st.integers(1, 4))
    def begin(self, retention: int) -> None:
        self.folder = TemporaryDirectory()
        self.genesis = first_block()
        self.built: dict[bytes, Built] = {self.genesis.id.hash: self.genesis}
        self.count = 0
        self.open(retention)

    def open(self, retention: int | None) -> None:
        self.retention = retention
        self.store = ChainStore.open(
            Path(self.folder.name), self.genesis.executed, CHAIN_ID, retention=retention, durable=False
        )
        self.reader = TrieReader(self.store)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def is_kept(self, block: Built) -> bool:
        """Tell whether a block is, or descends from, the canonical block at the height of the oldest state."""
        oldest = self.store.oldest_state()
        if block.id.number < oldest:
            return False
        while block.id.number > oldest:
            block = self.built[block.parent_hash]
        return self.store.block_hash(oldest) == block.id.hash

    def kept(self) -> list[Built]:
        return [block for block in self.built.values() if self.is_kept(block)]

    def canonical(self) -> list[Built]:
        head = self.store.head().number
        hashes = (self.store.block_hash(number) for number in range(self.store.oldest_state(), head + 1))
        return [self.built[found] for found in hashes if found is not None]

    @rule(data=st.data(), steps=changes, on_head=st.booleans())
    def build(self, data: st.DataObject, steps: list[tuple[Any, ...]], on_head: bool) -> None:
        parent = self.built[self.store.head().hash] if on_head else data.draw(st.sampled_from(self.kept()))
        world = WorldState(self.store, parent.state_root, self.reader, parent.id.hash)
        accounts = apply(world, parent.accounts, steps)
        update = world.commit()
        self.count += 1
        header = header_on(parent.executed, update.state_root, self.count.to_bytes(4, "big"))
        executed = ExecutedBlock(Block(header, header_hash(header), ()), (), (), {}, update, ())
        self.store.write_block(executed)
        self.built[executed.block.hash] = Built(executed, accounts)
        assert self.store.oldest_state() <= max(0, self.store.read_heads().finalized.number)

    @rule(data=st.data(), steps=changes)
    def build_in_vain(self, data: st.DataObject, steps: list[tuple[Any, ...]]) -> None:
        parent = data.draw(st.sampled_from(self.kept()))
        world = WorldState(self.store, parent.state_root, self.reader, parent.id.hash)
        apply(world, parent.accounts, steps)
        world.commit()

    @rule(data=st.data())
    def write_again(self, data: st.DataObject) -> None:
        block = data.draw(st.sampled_from(self.kept()))
        if block.id.number > self.store.oldest_state():
            self.store.write_block(block.executed)

    @rule(data=st.data())
    def finalize(self, data: st.DataObject) -> None:
        heads = self.store.read_heads()
        chain = [block for block in self.canonical() if block.id.number >= heads.finalized.number]
        finalized = data.draw(st.sampled_from(chain)).id if chain else heads.finalized
        self.store.write_heads(Heads(heads.unsafe, heads.unsafe, finalized))

    @rule(data=st.data())
    def move_head(self, data: st.DataObject) -> None:
        head = data.draw(st.sampled_from(self.kept()))
        heads = self.store.read_heads()
        shared = head
        while self.store.block_hash(shared.id.number) != shared.id.hash:
            shared = self.built[shared.parent_hash]
        self.store.write_heads(replace(heads.clamped(shared.id), unsafe=head.id))

    @rule(retention=st.one_of(st.none(), st.integers(1, 4)))
    def open_again(self, retention: int | None) -> None:
        self.store.close()
        self.open(retention)

    @invariant()
    def kept_states_are_whole(self) -> None:
        for block in self.kept():
            for reader in (self.reader, TrieReader(self.store)):
                world = WorldState(self.store, block.state_root, reader, block.id.hash)
                for address in ADDRESSES:
                    balance, words = block.accounts.get(address, (0, {}))
                    assert world.balance(address) == balance
                    assert {slot: word for slot in range(4) if (word := world.storage(address, slot))} == words

    @invariant()
    def others_are_known_to_be_pruned_or_gone(self) -> None:
        oldest = self.store.oldest_state()
        for block in self.built.values():
            if self.is_kept(block):
                continue
            if self.store.block_hash(block.id.number) == block.id.hash:
                with pytest.raises(StatePruned, match=f"block {oldest} "):
                    self.store.state_location(block.state_root, block.id.hash)
            else:
                assert self.store.state_location(block.state_root, block.id.hash) is None
                assert not self.store.has_block(block.id.hash)

    @invariant()
    def only_what_kept_states_need_is_stored(self) -> None:
        reachable: set[int] = set()
        for block in self.kept():
            reader = TrieReader(self.store)
            reachable.update(reader.locations(reader.root(block.state_root, block.id.hash), with_storage=True))
        assert stored_locations(self.store) == reachable


def stored_locations(store: ChainStore) -> set[int]:
    def look(transaction: Transaction) -> set[int]:
        return {int.from_bytes(key, "big") for key, _ in transaction.items_under(Table.NODES, b"")}

    return store._environment.read(look)


TestPrunedStore = PrunedStore.TestCase
TestPrunedStore.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def id_of(block: ExecutedBlock) -> BlockId:
    return BlockId(block.block.hash, block.block.header.number)


def finalized_chain(path: Path, length: int, retention: int | None) -> tuple[ChainStore, list[ExecutedBlock]]:
    """Return a store with blocks of which each is finalized when it is written."""
    store = ChainStore.open(path, genesis(), CHAIN_ID, retention=retention, durable=False)
    blocks = chain(length)
    for block in blocks:
        store.write_block(block, Heads(id_of(block), id_of(block), id_of(block)))
    return store, blocks


def test_the_last_states_are_kept_and_the_error_says_which(tmp_path: Path):
    store, blocks = finalized_chain(tmp_path / "chain", 10, retention=3)
    assert store.oldest_state() == 8
    for block in blocks[7:]:
        assert store.state_location(block.block.header.state_root) is not None
    with pytest.raises(StatePruned) as caught:
        store.state_location(blocks[6].block.header.state_root)
    assert (caught.value.number, caught.value.oldest, caught.value.retention) == (7, 8, 3)
    assert all(part in str(caught.value) for part in ("block 7 is pruned", "last 3 blocks", "block 8", "retention all"))
    store.close()


def test_nothing_above_the_finalized_head_is_pruned(tmp_path: Path):
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, retention=1, durable=False)
    for block in chain(5):
        store.write_block(block)
    assert store.oldest_state() == 0
    assert store.state_location(genesis().block.header.state_root) is not None
    store.close()


def test_a_store_that_kept_all_catches_up_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store, blocks = finalized_chain(tmp_path / "chain", 20, retention=None)
    store.close()
    monkeypatch.setattr(pruning, "_MOST_HEIGHTS_A_WRITE", 5)
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, retention=2, durable=False)
    reached = []
    for block in chain(4, start=blocks[-1]):
        store.write_block(block, Heads(id_of(block), id_of(block), id_of(block)))
        reached.append(store.oldest_state())
    assert reached == [5, 10, 15, 20]
    store.close()


def test_a_long_branch_is_removed_from_its_end_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruning, "_MOST_NODES_A_WRITE", 4)
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, retention=1, durable=False)
    left, main = chain(5, b"left"), chain(12)
    for block in [*left, main[0]]:
        store.write_block(block)
    found = []
    for block in main[1:]:
        store.write_block(block, Heads(id_of(block), id_of(block), id_of(block)))
        found.append([store.has_block(each.block.hash) for each in left])
        for each in left:
            is_there = store.has_block(each.block.hash)
            assert (store.state_location(each.block.header.state_root, each.block.hash) is not None) == is_there
    assert found[0] == [True, True, True, False, False]
    assert found[-1] == [False] * 5
    assert store.oldest_state() == 12
    store.close()


def test_neither_a_head_nor_a_parent_whose_state_is_pruned_is_taken(tmp_path: Path):
    store, blocks = finalized_chain(tmp_path / "chain", 10, retention=3)
    with pytest.raises(StatePruned):
        store.write_heads(Heads(*[id_of(blocks[5])] * 3))
    with pytest.raises(StatePruned):
        store.write_block(chain(1, b"late", start=blocks[5])[0])
    assert store.head() == id_of(blocks[-1])
    store.close()


def test_a_removed_branch_cannot_become_the_head(tmp_path: Path):
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, retention=1, durable=False)
    left, main = chain(8, b"left"), chain(6)
    for block in left:
        store.write_block(block)
    for block in main:
        store.write_block(block, Heads(id_of(block), id_of(block), id_of(block)))
    with pytest.raises(UnknownBlock):
        store.write_heads(replace(store.read_heads(), unsafe=id_of(left[-1])))
    assert store.head() == id_of(main[-1])
    store.close()
