"""Fees of transactions that are sent again: what L1's pools take, up to the limits, and no more."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.batcher.data_availability import L1Prices
from phal2.bridge.batcher.inbox_transactions import Fees, QueuedTransaction, with_next_fees
from phal2.bridge.batcher.payloads import Payload
from phal2.bridge.batcher.settings import BatcherSettings
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import TransactionSender
from phal2.node.l1.client import GasFees, L1Client
from phal2.node.protocol.transactions import DynamicFeeTransaction

FEE_LIMIT, TIP_LIMIT, BLOB_FEE_LIMIT = 10**12, 5 * 10**10, 10**12
BATCHER = BatcherSettings(fee_limit=FEE_LIMIT, priority_fee_limit=TIP_LIMIT, blob_fee_limit=BLOB_FEE_LIMIT)
PROPOSER = ProposerSettings(fee_limit=FEE_LIMIT, priority_fee_limit=TIP_LIMIT)

prices = st.integers(0, 2 * FEE_LIMIT) | st.integers(0, 100)


def is_bumped(before: int, after: int, percent: int) -> bool:
    return after * 100 >= before * (100 + percent)


@given(prices, prices, prices, st.booleans(), st.integers(1, FEE_LIMIT), st.data())
def test_the_batcher_bumps_by_what_pools_ask_for_or_not_at_all(
    base_fee: int, tip: int, blob_base_fee: int, into_blobs: bool, last_fee: int, data: st.DataObject
) -> None:
    # given: a transaction that L1 took and did not mine
    last = Fees(
        last_fee,
        data.draw(st.integers(1, min(last_fee, TIP_LIMIT))),
        data.draw(st.integers(1, BLOB_FEE_LIMIT)) if into_blobs else 0,
    )
    payload = Payload(blobs=(bytes(131_072),)) if into_blobs else Payload(b"data")
    queued = QueuedTransaction(7, bytes(20), payload, fees=last, hashes=(bytes(32),), accepted=True)
    # when
    fees = with_next_fees(queued, L1Prices(base_fee, tip, blob_base_fee), BATCHER).fees
    # then
    percent = 100 if into_blobs else 10
    pairs = ((last.fee_cap, fees.fee_cap), (last.tip, fees.tip), (last.blob_fee_cap, fees.blob_fee_cap))
    assert fees == last or all(is_bumped(before, after, percent) for before, after in pairs)
    assert fees.tip <= min(fees.fee_cap, TIP_LIMIT)
    assert fees.fee_cap <= FEE_LIMIT
    assert fees.blob_fee_cap <= BLOB_FEE_LIMIT
    # It is held only where the batcher's own step, of an eighth or to the double, would be beyond a limit.
    step = 200 if into_blobs else 112
    limits = (FEE_LIMIT, TIP_LIMIT, BLOB_FEE_LIMIT)
    if fees == last:
        assert any(before * step // 100 + 1 > limit for (before, _), limit in zip(pairs, limits, strict=True))


@given(prices, prices, st.integers(1, FEE_LIMIT), st.data())
def test_the_proposer_bumps_by_what_pools_ask_for_or_not_at_all(
    base_fee: int, tip: int, last_fee: int, data: st.DataObject
) -> None:
    # given
    sender: Any = TransactionSender(L1Client("http://127.0.0.1:9"), 1, b"\x01" * 32, PROPOSER)
    attempt = DynamicFeeTransaction(1, 0, 0, last_fee, 21_000, bytes(20), 0, b"", (), 0, 0, 0)
    attempt = replace(attempt, max_priority_fee_per_gas=data.draw(st.integers(1, min(last_fee, TIP_LIMIT))))
    # when
    dearer = sender._bumped(attempt, GasFees(base_fee, tip))
    # then
    if dearer == attempt:
        assert last_fee * 9 // 8 + 1 > FEE_LIMIT or attempt.max_priority_fee_per_gas * 9 // 8 + 1 > TIP_LIMIT
        return
    assert is_bumped(last_fee, dearer.max_fee_per_gas, 10)
    assert is_bumped(attempt.max_priority_fee_per_gas, dearer.max_priority_fee_per_gas, 10)
    assert dearer.max_priority_fee_per_gas <= min(dearer.max_fee_per_gas, TIP_LIMIT)
    assert dearer.max_fee_per_gas <= FEE_LIMIT
