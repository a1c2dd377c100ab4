from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pool_transactions import ALICE, BOB, CAROL, GWEI, attested, ordinary

from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import ATTESTED
from phal2.node.sequencer.mempool import Mempool
from phal2.node.sequencer.ordering import TransactionOrder


@dataclass(frozen=True, slots=True)
class Building:
    """An order of a pool's transactions, and the accounts' nonces, which rise with what is included."""

    order: TransactionOrder
    nonces: Counter[bytes]


def _order(transactions: list[RecoveredTransaction], attested_gas: int = 0, base_fee: int = GWEI) -> Building:
    pool, nonces = Mempool(), Counter[bytes]()
    for transaction in transactions:
        pool.add(transaction, account_nonce=0)
    return Building(TransactionOrder(pool.queues(), nonces.__getitem__, base_fee, attested_gas), nonces)


def _all_included(building: Building, gas_used: int = 100_000) -> list[RecoveredTransaction]:
    taken = []
    while (transaction := building.order.next()) is not None:
        taken.append(transaction)
        building.nonces[transaction.sender] += 1
        building.order.included(gas_used)
    return taken


def test_the_higher_effective_tip_goes_first() -> None:
    low, high = ordinary(ALICE, 0, tip=GWEI), ordinary(BOB, 0, tip=2 * GWEI)

    assert _all_included(_order([low, high])) == [high, low]


def test_the_effective_tip_is_bounded_by_what_the_base_fee_leaves() -> None:
    capped = ordinary(ALICE, 0, tip=50 * GWEI, fee_cap=51 * GWEI)
    modest = ordinary(BOB, 0, tip=2 * GWEI)

    assert _all_included(_order([capped, modest], base_fee=50 * GWEI)) == [modest, capped]


def test_at_equal_tips_the_earlier_arrival_goes_first() -> None:
    first, second = ordinary(BOB, 0), ordinary(ALICE, 0)

    assert _all_included(_order([first, second])) == [first, second]


def test_a_sender_keeps_the_order_of_its_nonces() -> None:
    cheap, dear = ordinary(ALICE, 0, tip=GWEI), ordinary(ALICE, 1, tip=9 * GWEI)

    assert _all_included(_order([dear, cheap])) == [cheap, dear]


def test_what_cannot_pay_the_base_fee_is_left_out_with_all_that_follows() -> None:
    poor, rich = ordinary(ALICE, 0, tip=0, fee_cap=GWEI), ordinary(ALICE, 1)

    assert _all_included(_order([poor, rich], base_fee=2 * GWEI)) == []


def test_a_nonce_gap_ends_a_senders_turn() -> None:
    first, after_gap = ordinary(ALICE, 0), ordinary(ALICE, 2)

    assert _all_included(_order([first, after_gap])) == [first]


def test_a_passed_over_sender_has_no_further_turn() -> None:
    building = _order([ordinary(ALICE, 0, tip=5 * GWEI), ordinary(ALICE, 1), ordinary(BOB, 0)])

    building.order.next()
    building.order.passed_over()

    assert _all_included(building) == [ordinary(BOB, 0)]


def test_transactions_whose_nonce_was_used_otherwise_are_stale_and_those_after_them_go_in() -> None:
    stale, ready = [ordinary(ALICE, 0), ordinary(ALICE, 1)], ordinary(ALICE, 2)
    building = _order([*stale, ready])
    building.nonces[ready.sender] = 2

    assert _all_included(building) == [ready]
    assert [found.hash for found in building.order.stale] == [transaction.hash for transaction in stale]


def test_attested_transactions_come_first_within_their_share() -> None:
    transactions = [ordinary(ALICE, 0, tip=9 * GWEI), attested(BOB, 0), attested(CAROL, 0)]

    taken = _all_included(_order(transactions, attested_gas=150_000))

    assert [transaction.transaction.transaction_type == ATTESTED for transaction in taken] == [True, True, False]


def test_beyond_their_share_attested_transactions_compete_by_tip() -> None:
    transactions = [ordinary(ALICE, 0, tip=9 * GWEI), attested(BOB, 0, tip=2 * GWEI), attested(BOB, 1, tip=2 * GWEI)]

    taken = _all_included(_order(transactions, attested_gas=100_000))

    assert [transaction.transaction.transaction_type == ATTESTED for transaction in taken] == [True, False, True]


@given(st.lists(st.tuples(st.sampled_from((ALICE, BOB, CAROL)), st.integers(0, 10)), max_size=12))
def test_every_ready_transaction_comes_once_and_by_nonce(choices: list[tuple[bytes, int]]) -> None:
    nonces: dict[bytes, int] = {}
    transactions = []
    for key, tip in choices:
        transactions.append(ordinary(key, nonces.setdefault(key, 0), tip=tip * GWEI))
        nonces[key] += 1

    taken = _all_included(_order(transactions))

    assert sorted(transaction.hash for transaction in taken) == sorted(transaction.hash for transaction in transactions)
    for sender in {transaction.sender for transaction in taken}:
        own = [transaction.transaction.nonce for transaction in taken if transaction.sender == sender]
        assert all(earlier < later for earlier, later in pairwise(own))
