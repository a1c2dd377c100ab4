"""The embedded L1 under development: edits, snapshots, reorganisations, mining on demand, impersonation."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from embedded_l1_rig import (
    ETHER,
    GENESIS_TIME,
    GWEI,
    LOGGER,
    OTHER_KEY,
    RECEIVER,
    SENDER,
    StoppedClock,
    dynamic_fee,
    open_l1,
)

from phal2.devnet.development.impersonation import impersonated_transaction
from phal2.devnet.development.l1_chain import L1Development, ReorganisationTooDeep
from phal2.devnet.development.state_dump import dump_state, load_edit
from phal2.devnet.development.state_edits import balance_edit, code_edit, nonce_edit, storage_edit
from phal2.devnet.l1 import EmbeddedL1
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.transaction_codec import decode_transaction, encode_transaction, recover_transaction
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.unsigned_transaction import TransactionFields
from phal2.node.state.world_state import WorldState

STRANGER = b"\x5a" * 20


@dataclass(slots=True)
class Rig:
    l1: EmbeddedL1
    development: L1Development

    def state(self) -> WorldState:
        header = self.l1.store.header(self.l1.head_id().hash)
        assert header is not None
        return WorldState(self.l1.store, header.state_root)

    def timestamp(self) -> int:
        header = self.l1.store.header(self.l1.head_id().hash)
        assert header is not None
        return header.timestamp


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    l1 = open_l1(tmp_path / "l1")
    yield Rig(l1, L1Development(l1))
    await l1.stop()


async def test_edits_are_found_at_once_and_in_later_blocks(rig: Rig) -> None:
    head = rig.l1.head_id()
    for edit in (
        balance_edit(STRANGER, 5),
        nonce_edit(STRANGER, 9),
        code_edit(STRANGER, b"\x00"),
        storage_edit(STRANGER, 1, 2),
    ):
        await rig.development.edit_state(edit)
    assert rig.l1.head_id() == head

    for _ in range(2):
        state = rig.state()
        found = (state.balance(STRANGER), state.nonce(STRANGER), state.code(STRANGER), state.storage(STRANGER, 1))
        assert found == (5, 9, b"\x00", 2)
        await rig.l1.mine()


async def test_an_account_that_is_edited_to_nothing_is_gone(rig: Rig) -> None:
    await rig.development.edit_state(balance_edit(STRANGER, 5))

    await rig.development.edit_state(balance_edit(STRANGER, 0))

    assert not rig.state().exists(STRANGER)


async def test_a_transaction_is_admitted_on_an_edited_balance(rig: Rig) -> None:
    costly = dynamic_fee(0, value=5_000 * ETHER)
    with pytest.raises(InvalidTransaction, match="insufficient funds"):
        await rig.l1.submit_transaction(costly)

    await rig.development.edit_state(balance_edit(SENDER, 6_000 * ETHER))
    await rig.l1.submit_transaction(costly)
    await rig.l1.mine()

    assert rig.state().balance(RECEIVER) == 5_000 * ETHER


async def test_a_revert_takes_blocks_edits_and_pool_back(rig: Rig) -> None:
    await rig.l1.mine()
    await rig.development.edit_state(balance_edit(STRANGER, 1))
    kept = await rig.l1.submit_transaction(dynamic_fee(1))
    head = rig.l1.head_id()
    snapshot = await rig.development.snapshot()
    await rig.development.edit_state(balance_edit(STRANGER, 2))
    await rig.l1.submit_transaction(dynamic_fee(0))
    await rig.l1.mine()
    await rig.development.edit_state(balance_edit(STRANGER, 3))

    assert await rig.development.revert(snapshot)

    assert rig.l1.head_id() == head
    assert rig.state().balance(STRANGER) == 1
    assert [pooled.hash for pooled in rig.l1.pending_transactions()] == [kept]
    assert not await rig.development.revert(snapshot)


async def test_a_revert_uses_up_all_later_snapshots(rig: Rig) -> None:
    first, second = [await rig.development.snapshot() for _ in range(2)]

    assert await rig.development.revert(first)

    assert not await rig.development.revert(second)
    assert await rig.development.snapshot() > second


async def test_a_reset_returns_to_the_start(rig: Rig) -> None:
    await rig.development.edit_state(balance_edit(STRANGER, 2))
    await rig.development.mine(5)

    await rig.development.reset()

    assert rig.l1.head_id().number == 0
    assert rig.state().balance(STRANGER) == 0


async def test_a_reorganisation_replaces_blocks_and_keeps_their_transactions(rig: Rig) -> None:
    await rig.development.mine(2)
    transaction_hash = await rig.l1.submit_transaction(dynamic_fee(0))
    await rig.development.mine(2)
    before = [rig.l1.store.block_hash(number) for number in range(5)]

    await rig.development.reorganise(2)

    after = [rig.l1.store.block_hash(number) for number in range(6)]
    assert after[:3] == before[:3]
    assert set(after[3:]).isdisjoint(before)
    assert None not in after
    location = rig.l1.store.find_transaction(transaction_hash)
    assert location is not None
    assert location.block_number == 3


async def test_reorganisations_one_after_the_other_give_new_blocks_each(rig: Rig) -> None:
    await rig.development.mine(3)
    seen = set()
    for _ in range(4):
        await rig.development.reorganise(1)
        seen.add(rig.l1.head_id().hash)

    assert len(seen) == 4


@pytest.mark.parametrize("depth", [0, 4, 1 << 62])
async def test_a_reorganisation_below_the_start_is_refused(rig: Rig, depth: int) -> None:
    await rig.development.mine(3)

    with pytest.raises(ReorganisationTooDeep, match="expected 1 to 3"):
        await rig.development.reorganise(depth)


async def test_blocks_are_mined_at_the_asked_distance(rig: Rig) -> None:
    await rig.l1.mine()
    start = rig.timestamp()

    await rig.development.mine(3, interval=10)

    assert rig.l1.head_id().number == 4
    assert rig.timestamp() == start + 30


async def test_blocks_at_a_distance_are_mined_though_others_come_in_between(rig: Rig) -> None:
    await asyncio.gather(*(rig.development.mine(2, interval=1) for _ in range(4)))

    assert rig.l1.head_id().number == 8


async def test_automine_seals_each_transaction_but_those_that_wait(rig: Rig) -> None:
    rig.development.set_automine(is_on=True)

    await rig.l1.submit_transaction(dynamic_fee(1))
    assert rig.l1.head_id().number == 0
    await rig.l1.submit_transaction(dynamic_fee(0))
    await rig.l1.submit_transaction(dynamic_fee(0, OTHER_KEY))

    blocks = [rig.l1.store.block_by_number(number) for number in (1, 2)]
    assert [len(block.transactions) for block in blocks if block] == [2, 1]


async def test_without_an_interval_blocks_come_on_demand_alone(tmp_path: Path) -> None:
    clock = StoppedClock(GENESIS_TIME)
    l1 = open_l1(tmp_path / "l1", clock)
    development = L1Development(l1)
    await l1.start()
    try:
        await development.set_interval(0)
        clock.advance(100)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (l1.head_id().number, development.interval) == (0, None)

        sealed = asyncio.Event()
        l1.on_new_head(lambda _: sealed.set())
        await development.set_interval(5)
        await asyncio.wait_for(sealed.wait(), 60)
        assert l1.head_id().number == 1
    finally:
        await l1.stop()


def fields(**changes: object) -> TransactionFields:
    values: dict[str, object] = {
        "transaction_type": 2,
        "chain_id": 31337,
        "nonce": 0,
        "max_priority_fee_per_gas": GWEI,
        "max_fee_per_gas": 10 * GWEI,
        "gas_limit": 100_000,
        "to": RECEIVER,
        "value": 1,
        "data": b"",
        "access_list": (),
        "authorization_list": (),
        "attestation": None,
    }
    return TransactionFields(**(values | changes))


@pytest.mark.parametrize("kind", [0, 1, 2])
async def test_a_contract_sends_without_a_key(rig: Rig, kind: int) -> None:
    await rig.development.edit_state(balance_edit(LOGGER, ETHER))

    transaction = impersonated_transaction(fields(transaction_type=kind), LOGGER)
    await rig.development.admit(transaction)
    head = await rig.l1.mine()

    block = rig.l1.store.block(head.hash)
    assert block is not None
    assert rig.l1.store.senders(head.hash) == (LOGGER,)
    assert rig.state().balance(RECEIVER) == 1
    assert encode_transaction(decode_transaction(block.transactions[0])) == block.transactions[0]
    assert ordered_trie_root(block.transactions) == block.header.transactions_root


def test_what_is_impersonated_is_invalid_everywhere_else() -> None:
    transaction = impersonated_transaction(fields(), LOGGER)

    with pytest.raises(InvalidTransaction, match="EIP-2"):
        recover_transaction(transaction.raw)
    assert impersonated_transaction(fields(), STRANGER).hash != transaction.hash
    assert transaction.hash == keccak256(transaction.raw)


async def test_a_dumped_state_can_be_loaded_into_another_chain(rig: Rig, tmp_path: Path) -> None:
    for edit in (balance_edit(STRANGER, 5), code_edit(STRANGER, b"\x5f"), storage_edit(STRANGER, 3, 4)):
        await rig.development.edit_state(edit)
    header = rig.l1.store.header(rig.l1.head_id().hash)
    assert header is not None
    dump = dump_state(rig.l1.store, header.state_root)
    other = open_l1(tmp_path / "other")
    try:
        development = L1Development(other)
        await development.edit_state(storage_edit(STRANGER, 9, 9))
        await development.edit_state(load_edit(dump))
        for _ in range(2):
            state = Rig(other, development).state()
            assert (state.balance(STRANGER), state.code(STRANGER)) == (5, b"\x5f")
            assert (state.storage(STRANGER, 3), state.storage(STRANGER, 9)) == (4, 0)
            assert state.balance(SENDER) == 1_000 * ETHER
            await other.mine()
    finally:
        await other.stop()


async def test_a_dump_of_anvil_can_be_loaded(rig: Rig) -> None:
    account = {"nonce": 5, "balance": "0x7", "code": "0x5f", "storage": {"0x1": "0x2"}}
    document = {"block": {"number": "0x3"}, "accounts": {f"0x{STRANGER.hex()}": account}, "best_block_number": 3}

    await rig.development.edit_state(load_edit(gzip.compress(json.dumps(document).encode())))
    await rig.l1.mine()

    state = rig.state()
    found = (state.nonce(STRANGER), state.balance(STRANGER), state.code(STRANGER), state.storage(STRANGER, 1))
    assert found == (5, 7, b"\x5f", 2)


BAD_DOCUMENTS = (
    [],
    {"accounts": []},
    {"accounts": {"0x12": {}}},
    {"accounts": {f"0x{STRANGER.hex()}": {"balance": hex(1 << 230)}}},
    {"accounts": {f"0x{STRANGER.hex()}": {"codeHash": "0x" + "11" * 32}}},
    {"accounts": {f"0x{STRANGER.hex()}": {"storage": {"0x": "0x1"}}}},
    {"format": "another", "accounts": {}},
)


@pytest.mark.parametrize(
    "dump",
    [b"", b"\x1f\x8b", b"no gzip", *(gzip.compress(json.dumps(each).encode(), mtime=0) for each in BAD_DOCUMENTS)],
)
def test_what_is_no_dump_is_refused(dump: bytes) -> None:
    with pytest.raises(RpcError, match="no dumped state"):
        load_edit(dump)
