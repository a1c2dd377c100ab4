import pytest
from pool_transactions import ALICE, BOB, CAROL, GWEI, attested, ordinary

from phal2.node.sequencer.mempool import (
    AlreadyKnown,
    Mempool,
    NonceGap,
    PoolFull,
    PoolLimits,
    ReplacementUnderpriced,
)


def test_a_transaction_is_found_by_its_hash() -> None:
    pool, transaction = Mempool(), ordinary(ALICE, 0)

    pool.add(transaction, account_nonce=0)

    assert pool.get(transaction.hash) == transaction
    assert list(pool) == [transaction]


def test_the_same_transaction_is_refused_a_second_time() -> None:
    pool = Mempool()
    pool.add(ordinary(ALICE, 0), account_nonce=0)

    with pytest.raises(AlreadyKnown):
        pool.add(ordinary(ALICE, 0), account_nonce=0)


def test_a_replacement_must_raise_both_fees_by_a_tenth() -> None:
    pool = Mempool()
    pool.add(ordinary(ALICE, 0, tip=100, fee_cap=1000), account_nonce=0)

    with pytest.raises(ReplacementUnderpriced) as refusal:
        pool.add(ordinary(ALICE, 0, tip=109, fee_cap=1100), account_nonce=0)

    assert (refusal.value.required_tip, refusal.value.required_fee) == (110, 1100)


@pytest.mark.parametrize(("old", "enough"), [(1_000_000_005, 1_100_000_005), (15, 16), (5, 6), (1, 2), (0, 1)])
def test_a_tenth_is_rounded_down_as_clients_do_but_is_never_nothing(old: int, enough: int) -> None:
    pool = Mempool()
    pool.add(ordinary(ALICE, 0, tip=old, fee_cap=10 * GWEI), account_nonce=0)

    with pytest.raises(ReplacementUnderpriced):
        pool.add(ordinary(ALICE, 0, tip=enough - 1, fee_cap=11 * GWEI), account_nonce=0)
    pool.add(ordinary(ALICE, 0, tip=enough, fee_cap=11 * GWEI), account_nonce=0)


def test_a_replacement_takes_the_place_of_the_old_transaction() -> None:
    pool = Mempool()
    old, new = ordinary(ALICE, 0, tip=100, fee_cap=1000), ordinary(ALICE, 0, tip=110, fee_cap=1100)
    pool.add(old, account_nonce=0)

    pool.add(new, account_nonce=0)

    assert list(pool) == [new]


def test_the_pending_nonce_follows_the_unbroken_run() -> None:
    pool = Mempool()
    for nonce in (5, 6, 8):
        pool.add(ordinary(ALICE, nonce), account_nonce=5)

    assert pool.next_nonce(ordinary(ALICE, 0).sender, account_nonce=5) == 7


def test_a_removed_transaction_leaves_its_place_and_the_senders_others() -> None:
    pool, first, second = Mempool(PoolLimits(transactions=2)), ordinary(ALICE, 0), ordinary(ALICE, 1)
    pool.add(first, account_nonce=0)
    pool.add(second, account_nonce=0)

    pool.remove(first.hash)
    pool.remove(first.hash)

    assert list(pool) == [second]
    pool.add(ordinary(BOB, 0), account_nonce=0)


def test_expired_attestations_leave_the_pool() -> None:
    pool = Mempool()
    lasting, expired, plain = attested(ALICE, 0, valid_until=100), attested(BOB, 0, valid_until=99), ordinary(CAROL, 0)
    for transaction in (lasting, expired, plain):
        pool.add(transaction, account_nonce=0)

    pool.drop_expired(timestamp=100)

    assert list(pool) == [lasting, plain]


def test_a_replacement_must_fit_into_the_pool() -> None:
    pool = Mempool(PoolLimits(total_bytes=1_000))
    pool.add(ordinary(ALICE, 0), account_nonce=0)

    with pytest.raises(PoolFull, match="txpool is full"):
        pool.add(ordinary(ALICE, 0, tip=2 * GWEI, fee_cap=200 * GWEI, data=bytes(1_000)), account_nonce=0)

    assert len(pool) == 1


def test_what_replaces_an_ordinary_transaction_is_held_to_the_rules_of_its_type() -> None:
    pool = Mempool()
    for nonce in (0, 1, 2, 3, 4, 6):
        pool.add(ordinary(ALICE, nonce, fee_cap=50 * GWEI), account_nonce=0)
    for nonce in range(4):
        pool.add(attested(ALICE, nonce, tip=2 * GWEI), account_nonce=0)

    with pytest.raises(PoolFull, match="4 attested transactions"):
        pool.add(attested(ALICE, 4, tip=2 * GWEI), account_nonce=0)
    with pytest.raises(NonceGap):
        pool.add(attested(ALICE, 6, tip=2 * GWEI), account_nonce=0)

    pool.add(attested(ALICE, 3, tip=4 * GWEI, fee_cap=200 * GWEI), account_nonce=0)


def test_an_attested_transaction_with_a_nonce_gap_is_refused() -> None:
    with pytest.raises(NonceGap) as refusal:
        Mempool().add(attested(ALICE, 1), account_nonce=0)

    assert (refusal.value.expected, refusal.value.nonce) == (0, 1)


def test_a_sender_has_at_most_four_pending_attested_transactions() -> None:
    pool = Mempool()
    for nonce in range(4):
        pool.add(attested(ALICE, nonce), account_nonce=0)

    with pytest.raises(PoolFull, match="4 attested transactions"):
        pool.add(attested(ALICE, 4), account_nonce=0)

    pool.add(attested(BOB, 0), account_nonce=0)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (PoolLimits(transactions=2), "txpool is full"),
        (PoolLimits(transactions_per_sender=2), "of this sender"),
        (PoolLimits(total_bytes=300), "txpool is full"),
        (PoolLimits(nonce_lead=1), "nonce too high"),
    ],
)
def test_every_bound_refuses_what_exceeds_it(limits: PoolLimits, reason: str) -> None:
    pool = Mempool(limits)
    pool.add(ordinary(ALICE, 0), account_nonce=0)
    pool.add(ordinary(ALICE, 1), account_nonce=0)

    with pytest.raises(PoolFull, match=reason):
        pool.add(ordinary(ALICE, 2), account_nonce=0)


def test_pending_value_counts_gas_and_value_of_the_other_transactions() -> None:
    pool = Mempool()
    pool.add(ordinary(ALICE, 0, fee_cap=2 * GWEI, value=7), account_nonce=0)
    pool.add(ordinary(ALICE, 1, fee_cap=3 * GWEI), account_nonce=0)

    assert pool.pending_value(ordinary(ALICE, 0).sender, other_than_nonce=1) == 21_000 * 2 * GWEI + 7
