"""The embedded L1 as a chain: what its blocks hold, and how its heads and its pool move."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from embedded_l1_rig import (
    GENESIS_TIME,
    GWEI,
    KEY,
    LOGGER,
    OTHER,
    OTHER_KEY,
    RECEIVER,
    REVERTER,
    SENDER,
    StoppedClock,
    access_list,
    dynamic_fee,
    legacy,
    open_l1,
    set_code,
)

from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.sealing import COINBASE
from phal2.node.protocol.errors import InvalidTransaction, Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.predeploys import BEACON_ROOTS, HISTORY_STORAGE
from phal2.node.protocol.receipts import encode_receipt
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.state.world_state import WorldState


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[EmbeddedL1]:
    l1 = open_l1(tmp_path / "l1")
    yield l1
    await l1.stop()


def state(l1: EmbeddedL1) -> WorldState:
    header = l1.store.header(l1.head_id().hash)
    assert header is not None
    return WorldState(l1.store, header.state_root)


async def test_transactions_of_types_0_1_2_and_4_are_executed(l1: EmbeddedL1) -> None:
    raws = [legacy(0), access_list(1), dynamic_fee(2), set_code(3)]
    for raw in raws:
        await l1.submit_transaction(raw)

    head = await l1.mine()

    block, receipts = l1.store.block(head.hash), l1.store.receipts(head.hash)
    assert block is not None
    assert receipts is not None
    assert block.transactions == tuple(raws)
    assert [receipt.transaction_type for receipt in receipts] == [0, 1, 2, 4]
    assert all(receipt.status == 1 for receipt in receipts)
    assert [log.address for receipt in receipts for log in receipt.logs] == [LOGGER, OTHER]
    assert block.header.receipts_root == ordered_trie_root([encode_receipt(receipt) for receipt in receipts])
    assert state(l1).balance(RECEIVER) == 2
    assert len(l1.mempool) == 0


async def test_the_base_fee_is_burned_and_the_tip_goes_to_the_coinbase(l1: EmbeddedL1) -> None:
    before = state(l1).balance(SENDER)
    await l1.submit_transaction(dynamic_fee(0))

    head = await l1.mine()

    header = l1.store.header(head.hash)
    assert header is not None
    assert header.coinbase == COINBASE
    assert header.base_fee_per_gas is not None
    assert state(l1).balance(COINBASE) == 21_000 * GWEI
    assert state(l1).balance(SENDER) == before - 1 - 21_000 * (header.base_fee_per_gas + GWEI)


async def test_a_reverting_transaction_is_included_with_status_0(l1: EmbeddedL1) -> None:
    await l1.submit_transaction(dynamic_fee(0, to=REVERTER))

    head = await l1.mine()

    receipts = l1.store.receipts(head.hash)
    assert receipts is not None
    assert receipts[0].status == 0


async def test_safe_and_finalized_follow_two_and_four_blocks_behind(l1: EmbeddedL1) -> None:
    seen = []
    for _ in range(6):
        await l1.mine()
        seen.append((l1.head_id().number, l1.safe_id().number, l1.finalized_id().number))

    assert seen == [(1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 2, 0), (5, 3, 1), (6, 4, 2)]
    assert l1.safe_id().hash == l1.store.block_hash(4)
    assert l1.finalized_id().hash == l1.store.block_hash(2)


async def test_every_block_has_other_randomness_that_follows_from_its_parent(tmp_path: Path) -> None:
    histories = []
    for name in ("a", "b"):
        l1 = open_l1(tmp_path / name)
        histories.append([await l1.mine() for _ in range(3)])
        headers = [l1.store.header(block.hash) for block in histories[-1]]
        assert len({header.prev_randao for header in headers if header}) == 3
        assert len({header.parent_beacon_block_root for header in headers if header}) == 3
        await l1.stop()

    assert histories[0] == histories[1]


async def test_system_contracts_hold_the_parent_hash_and_the_beacon_root(l1: EmbeddedL1) -> None:
    await l1.mine()
    head = await l1.mine()

    header = l1.store.header(head.hash)
    assert header is not None
    assert header.parent_beacon_block_root is not None
    world = state(l1)
    assert world.storage(HISTORY_STORAGE, 1).to_bytes(32, "big") == header.parent_hash
    root_slot = header.timestamp % 8191 + 8191
    assert world.storage(BEACON_ROOTS, root_slot).to_bytes(32, "big") == header.parent_beacon_block_root


async def test_a_transaction_with_a_later_nonce_waits_for_the_ones_before(l1: EmbeddedL1) -> None:
    await l1.submit_transaction(dynamic_fee(1))
    await l1.mine()
    assert len(l1.mempool) == 1
    assert l1.pending_nonce(SENDER) == 0

    await l1.submit_transaction(dynamic_fee(0))
    assert l1.pending_nonce(SENDER) == 2
    await l1.mine()

    assert len(l1.mempool) == 0
    assert state(l1).nonce(SENDER) == 2


async def test_a_pooled_transaction_that_cannot_be_paid_any_more_leaves_the_pool(l1: EmbeddedL1) -> None:
    l1.mempool.add(recover_transaction(dynamic_fee(0, value=10_000 * 10**18)), 0)

    head = await l1.mine()

    block = l1.store.block(head.hash)
    assert block is not None
    assert block.transactions == ()
    assert len(l1.mempool) == 0


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (dynamic_fee(0, chain_id=1), "chain"),
        (dynamic_fee(0, value=10_000 * 10**18), "insufficient funds"),
        (dynamic_fee(0, gas_limit=20_000), "gas"),
        (dynamic_fee(0, gas_limit=30_000_001), "gas"),
        (b"\x02\xc0", "list of 12 elements"),
        (b"", "empty"),
        (b"\x7e\xc0", "list of 8 elements"),
    ],
)
async def test_an_invalid_transaction_is_refused_with_the_reason(l1: EmbeddedL1, raw: bytes, reason: str) -> None:
    with pytest.raises(Phal2Error, match=reason):
        await l1.submit_transaction(raw)
    assert len(l1.mempool) == 0


async def test_a_used_nonce_is_refused(l1: EmbeddedL1) -> None:
    await l1.submit_transaction(dynamic_fee(0))
    await l1.mine()
    with pytest.raises(InvalidTransaction, match="nonce too low"):
        await l1.submit_transaction(dynamic_fee(0, value=2))


async def test_transactions_of_several_senders_are_ordered_by_tip(l1: EmbeddedL1) -> None:
    cheap = dynamic_fee(0, KEY)
    dear = dynamic_fee(0, OTHER_KEY, max_priority_fee_per_gas=2 * GWEI)
    await l1.submit_transaction(cheap)
    await l1.submit_transaction(dear)

    head = await l1.mine()

    block = l1.store.block(head.hash)
    assert block is not None
    assert block.transactions == (dear, cheap)


async def test_more_transactions_than_a_block_holds_go_into_the_next(l1: EmbeddedL1) -> None:
    for nonce in range(3):
        await l1.submit_transaction(dynamic_fee(nonce, gas_limit=14_000_000, to=LOGGER, data=keccak256(b"x")))
    await l1.submit_transaction(dynamic_fee(0, OTHER_KEY, gas_limit=29_999_999))

    heads = [await l1.mine() for _ in range(2)]

    blocks = [l1.store.block(head.hash) for head in heads]
    assert [len(block.transactions) for block in blocks if block] == [3, 1]


async def test_listeners_hear_of_every_head_until_they_end(l1: EmbeddedL1) -> None:
    heard: list[bytes] = []
    end = l1.on_new_head(heard.append)
    first = await l1.mine()
    end()
    await l1.mine()
    assert heard == [first.hash]


async def test_a_stopped_chain_goes_on_where_it_was(tmp_path: Path) -> None:
    l1 = open_l1(tmp_path / "l1")
    await l1.submit_transaction(dynamic_fee(0))
    blocks = [await l1.mine() for _ in range(5)]
    await l1.stop()

    again = open_l1(tmp_path / "l1", StoppedClock(GENESIS_TIME + 1_000))
    assert again.head_id() == blocks[-1]
    assert again.safe_id() == blocks[-3]
    assert state(again).balance(RECEIVER) == 1
    following = await again.mine()
    assert following.number == 6
    await again.stop()
