"""The world state against a plain model of it: whatever is done and taken back, both agree, down to the root."""

from copy import deepcopy
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.receipts import Log
from phal2.node.state.database import MemoryDatabase, MissingCode, MissingNode
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.world_state import WorldState

ADDRESSES = [bytes([index]) * 20 for index in range(1, 5)]
addresses = st.sampled_from(ADDRESSES)
slots = st.integers(0, 3)
words = st.integers(0, 2)


@dataclass
class Model:
    """What the state must be: accounts as dictionaries, transaction scope as sets."""

    accounts: dict[bytes, dict[str, object]] = field(default_factory=dict)
    transient: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    warm: set[object] = field(default_factory=set)
    touched: set[bytes] = field(default_factory=set)
    destroyed: set[bytes] = field(default_factory=set)
    logs: list[Log] = field(default_factory=list)

    def account(self, address: bytes) -> dict[str, object]:
        return self.accounts.setdefault(address, {"balance": 0, "nonce": 0, "code": b"", "storage": {}})

    def is_empty(self, address: bytes) -> bool:
        account = self.accounts.get(address)
        return account is None or not (account["balance"] or account["nonce"] or account["code"])

    def root(self) -> bytes:
        accounts = {address: GenesisAccount(**fields) for address, fields in self.accounts.items()}
        return genesis_state(accounts).state_root


class WorldStateMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.database = MemoryDatabase()
        first, second = GenesisAccount(5, storage={1: 1}), GenesisAccount(code=b"x")
        genesis = genesis_state({ADDRESSES[0]: first, ADDRESSES[1]: second})
        self.database.add(genesis)
        self.world = WorldState(self.database, genesis.state_root)
        self.model = Model()
        self.model.account(ADDRESSES[0]).update(balance=5, storage={1: 1})
        self.model.account(ADDRESSES[1]).update(code=b"x")
        self.begin()

    def begin(self) -> None:
        self.at_start = deepcopy(self.model)
        self.marks: list[tuple[int, Model]] = []

    @rule(address=addresses, balance=st.integers(0, 2))
    def set_balance(self, address: bytes, balance: int) -> None:
        self.world.set_balance(address, balance)
        if balance or address in self.model.accounts:
            self.model.account(address)["balance"] = balance
        if not balance and address in self.model.accounts:
            self.model.touched.add(address)

    @rule(address=addresses)
    def increment_nonce(self, address: bytes) -> None:
        self.world.increment_nonce(address)
        account = self.model.account(address)
        account["nonce"] = account["nonce"] + 1

    @rule(address=addresses, code=st.sampled_from([b"", b"a", b"bb"]))
    def set_code(self, address: bytes, code: bytes) -> None:
        self.world.set_code(address, code)
        self.model.account(address)["code"] = code

    @rule(address=addresses, slot=slots, word=words)
    def set_storage(self, address: bytes, slot: int, word: int) -> None:
        if address not in self.model.accounts:
            return
        self.world.set_storage(address, slot, word)
        self.model.account(address)["storage"][slot] = word

    @rule(address=addresses, slot=slots, word=st.binary(max_size=2))
    def set_transient(self, address: bytes, slot: int, word: bytes) -> None:
        self.world.set_transient_storage(address, slot, word)
        self.model.transient[address, slot] = word

    @rule(address=addresses, slot=slots)
    def warm(self, address: bytes, slot: int) -> None:
        self.world.warm_address(address)
        self.world.warm_slot(address, slot)
        self.model.warm |= {address, (address, slot)}

    @rule(address=addresses)
    def log(self, address: bytes) -> None:
        self.world.add_log(Log(address, (), b""))
        self.model.logs.append(Log(address, (), b""))

    @rule(address=addresses)
    def touch(self, address: bytes) -> None:
        self.world.touch(address)
        self.model.touched.add(address)

    @rule(address=addresses)
    def destroy(self, address: bytes) -> None:
        self.world.mark_destroyed(address)
        self.model.destroyed.add(address)

    @rule()
    def snapshot(self) -> None:
        self.marks.append((self.world.snapshot(), deepcopy(self.model)))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.marks) - 1))
        mark, self.model = self.marks[index]
        self.model = deepcopy(self.model)
        self.world.revert(mark)
        del self.marks[index:]

    @rule()
    def end_transaction(self) -> None:
        self.world.end_transaction()
        gone = self.model.destroyed | {address for address in self.model.touched if self.model.is_empty(address)}
        accounts = {address: fields for address, fields in self.model.accounts.items() if address not in gone}
        self.model = Model(accounts)
        self.begin()

    @rule()
    def commit_and_read_again(self) -> None:
        self.end_transaction()
        update = self.world.commit()
        assert update.state_root == self.model.root()
        self.database.add(update)
        self.world = WorldState(self.database, update.state_root)

    @invariant()
    def both_agree(self) -> None:
        for address in ADDRESSES:
            account = self.model.accounts.get(address)
            assert self.world.exists(address) == (account is not None)
            assert self.world.is_empty(address) == self.model.is_empty(address)
            if account is not None:
                assert self.world.balance(address) == account["balance"]
                assert self.world.nonce(address) == account["nonce"]
                assert self.world.code(address) == account["code"]
            for slot in range(4):
                storage = {} if account is None else account["storage"]
                before = self.at_start.accounts.get(address)
                assert self.world.storage(address, slot) == storage.get(slot, 0)
                if before is not None:
                    original = before["storage"].get(slot, 0)
                    assert self.world.original_storage(address, slot) == original
                assert self.world.transient_storage(address, slot) == self.model.transient.get((address, slot), b"")
                assert self.world.is_warm_slot(address, slot) == ((address, slot) in self.model.warm)
            assert self.world.is_warm_address(address) == (address in self.model.warm)
        assert self.world.logs() == tuple(self.model.logs)


TestWorldStateAgainstItsModel = WorldStateMachine.TestCase
TestWorldStateAgainstItsModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_storage_root_follows_changes_that_are_not_committed() -> None:
    world = WorldState(MemoryDatabase(), EMPTY_TRIE_ROOT)
    world.set_balance(ADDRESSES[0], 1)
    world.set_storage(ADDRESSES[0], 1, 1)
    before = world.storage_root(ADDRESSES[0])
    assert before != EMPTY_TRIE_ROOT
    world.commit()
    assert world.storage_root(ADDRESSES[0]) == before
    world.set_storage(ADDRESSES[0], 1, 0)
    assert world.storage_root(ADDRESSES[0]) == EMPTY_TRIE_ROOT


def test_missing_nodes_and_codes_are_named() -> None:
    with pytest.raises(MissingNode) as missing_node:
        WorldState(MemoryDatabase(), b"\x01" * 32).balance(ADDRESSES[0])
    assert missing_node.value.node_hash == b"\x01" * 32
    genesis = genesis_state({ADDRESSES[0]: GenesisAccount(code=b"x")})
    database = MemoryDatabase()
    database.add(replace(genesis, codes={}))
    with pytest.raises(MissingCode):
        WorldState(database, genesis.state_root).code(ADDRESSES[0])
