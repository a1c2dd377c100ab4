"""What a full pool gives up, and for whom."""

from collections import defaultdict
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_transactions import ALICE, BOB, CAROL, GWEI, ordinary

from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.sequencer.mempool import Mempool, PoolFull, PoolLimits, PoolRefusal, Underpriced

FEE_CAPS = (10 * GWEI, 20 * GWEI, 40 * GWEI)
KEYS = (ALICE, BOB, CAROL)

TRANSACTIONS = {
    (key, nonce, fee_cap): ordinary(key, nonce, fee_cap=fee_cap)
    for key in KEYS
    for nonce in range(4)
    for fee_cap in FEE_CAPS
}
"""Signed once: a property looks at thousands."""


def filled(*transactions: RecoveredTransaction) -> Mempool:
    """Return a pool that is full with these."""
    pool = Mempool(PoolLimits(transactions=len(transactions)))
    for transaction in transactions:
        pool.add(transaction, account_nonce=0)
    return pool


def test_what_no_block_can_hold_yet_gives_way_first_and_the_oldest_of_it() -> None:
    dear = 1_000 * GWEI
    first, second = ordinary(ALICE, 7, fee_cap=dear), ordinary(ALICE, 5, fee_cap=dear)
    pool = filled(ordinary(BOB, 0, fee_cap=GWEI), first, second)

    pool.add(ordinary(CAROL, 0, fee_cap=GWEI), account_nonce=0)

    assert first.hash not in pool
    assert second.hash in pool


def test_what_no_block_can_hold_yet_takes_nobodys_place() -> None:
    pool = filled(ordinary(BOB, 0, fee_cap=GWEI), ordinary(ALICE, 7))

    with pytest.raises(PoolFull, match="an earlier nonce of the sender is missing"):
        pool.add(ordinary(CAROL, 1, fee_cap=1_000 * GWEI), account_nonce=0)


def test_a_transaction_whose_gap_is_closed_is_kept_as_others_are() -> None:
    later, beyond = ordinary(ALICE, 1, fee_cap=30 * GWEI), ordinary(ALICE, 3, fee_cap=30 * GWEI)
    pool = filled(later, ordinary(ALICE, 0, fee_cap=30 * GWEI), beyond)

    pool.add(ordinary(BOB, 0, fee_cap=30 * GWEI), account_nonce=0)

    assert later.hash in pool
    assert beyond.hash not in pool


def test_the_cheapest_gives_way_to_one_that_offers_a_tenth_more() -> None:
    cheap, dear = ordinary(ALICE, 0, fee_cap=10 * GWEI), ordinary(BOB, 0, fee_cap=50 * GWEI)
    pool = filled(cheap, dear)

    with pytest.raises(Underpriced, match="transaction underpriced") as refusal:
        pool.add(ordinary(CAROL, 0, fee_cap=11 * GWEI - 1), account_nonce=0)
    pool.add(ordinary(CAROL, 0, fee_cap=refusal.value.required_fee), account_nonce=0)

    assert refusal.value.required_fee == 11 * GWEI
    assert cheap.hash not in pool
    assert dear.hash in pool


def test_what_followed_one_that_gave_way_is_the_next_to_go() -> None:
    first, second = ordinary(ALICE, 0, fee_cap=10 * GWEI), ordinary(ALICE, 1, fee_cap=90 * GWEI)
    pool = filled(first, second, ordinary(BOB, 0, fee_cap=20 * GWEI))

    pool.add(ordinary(CAROL, 0, fee_cap=30 * GWEI), account_nonce=0)
    pool.add(ordinary(CAROL, 1, fee_cap=GWEI), account_nonce=0)

    assert first.hash not in pool
    assert second.hash not in pool
    assert len(pool) == 3


def test_no_sender_pushes_out_what_the_new_transaction_needs() -> None:
    pool = filled(ordinary(ALICE, 0, fee_cap=10 * GWEI), ordinary(ALICE, 1, fee_cap=20 * GWEI))

    with pytest.raises(PoolFull, match="the sender's own nonce 0"):
        pool.add(ordinary(ALICE, 2, fee_cap=90 * GWEI), account_nonce=0)


def test_room_is_made_for_many_bytes() -> None:
    small = [ordinary(ALICE, nonce, fee_cap=10 * GWEI) for nonce in range(5)]
    pool = Mempool(PoolLimits(total_bytes=sum(len(each.raw) for each in small)))
    for each in small:
        pool.add(each, account_nonce=0)
    large = ordinary(BOB, 0, fee_cap=20 * GWEI, data=bytes(100))

    pool.add(large, account_nonce=0)

    assert large.hash in pool
    assert 0 < len(pool) < len(small)


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 3), st.sampled_from(FEE_CAPS)), max_size=40))
def test_what_the_next_block_can_hold_always_has_room_before_what_it_cannot(
    steps: list[tuple[bytes, int, int]],
) -> None:
    pool = Mempool(PoolLimits(transactions=5))
    for key, nonce, fee_cap in steps:
        transaction, before = TRANSACTIONS[key, nonce, fee_cap], nonces_by_sender(pool)
        is_next = nonce <= run_length(before[transaction.sender])
        some_wait = any(len(nonces) > run_length(nonces) for nonces in before.values())
        try:
            pool.add(transaction, account_nonce=0)
        except PoolFull:
            assert len(pool) == 5
            assert not (is_next and some_wait)
        except PoolRefusal:
            assert nonces_by_sender(pool) == before
        else:
            assert transaction.hash in pool
        assert len(pool) <= 5


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(KEYS), st.integers(0, 3), st.sampled_from(FEE_CAPS))))
def test_a_pool_that_others_take_from_holds_no_more_than_it_may(
    steps: list[tuple[bool, bytes, int, int]],
) -> None:
    pool = Mempool(PoolLimits(transactions=3))
    for is_removal, key, nonce, fee_cap in steps:
        transaction = TRANSACTIONS[key, nonce, fee_cap]
        if is_removal:
            pool.remove(transaction.hash)
            continue
        with suppress(PoolRefusal):
            pool.add(transaction, account_nonce=0)
        assert len(pool) == sum(len(nonces) for nonces in nonces_by_sender(pool).values()) <= 3


def nonces_by_sender(pool: Mempool) -> dict[bytes, set[int]]:
    """Return the nonces that the pool holds of each sender."""
    nonces: dict[bytes, set[int]] = defaultdict(set)
    for transaction in pool:
        nonces[transaction.sender].add(transaction.transaction.nonce)
    return nonces


def run_length(nonces: set[int]) -> int:
    """Return how many nonces follow one another from 0 on."""
    return next(number for number in range(len(nonces) + 1) if number not in nonces)
