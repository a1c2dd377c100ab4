"""Blobs or call data: by cost, with a margin against changing to and fro."""

from dataclasses import replace

import pytest
from batcher_rig import SETTINGS, incompressible
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.batcher.data_availability import L1Prices, PayloadChoice
from phal2.bridge.batcher.errors import BatcherError
from phal2.bridge.batcher.payloads import as_blobs, as_call_data, blob_count
from phal2.bridge.batcher.settings import BLOB_CONTENT, BatcherSettings, DataAvailability
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.blobs import decode_blob
from phal2.node.protocol.frames import parse_batcher_data
from phal2.node.protocol.intrinsic_gas import floor_gas

ID = bytes(range(16))
AUTO = replace(SETTINGS, data_availability=DataAvailability.AUTO)
CHANNEL = incompressible(10_000)


def prices(base_fee: int, blob_base_fee: int | None) -> L1Prices:
    return L1Prices(base_fee, 0, blob_base_fee)


def goes_into_blobs(choice: PayloadChoice, channel: bytes, now: L1Prices) -> bool:
    payloads = choice.payloads(ID, channel, now)
    assert all(payload.is_blobs == choice.into_blobs for payload in payloads)
    return choice.into_blobs


def break_even(channel: bytes) -> int:
    """The blob base fee at which a blob costs what call data costs at 1 gwei."""
    gas = floor_gas(as_call_data(ID, channel, AUTO)[0].call_data) - 21_000
    return gas * 10**9 // GAS_PER_BLOB


def test_the_cheaper_way_is_taken_at_first() -> None:
    even = break_even(CHANNEL)
    assert goes_into_blobs(PayloadChoice(AUTO), CHANNEL, prices(10**9, even - 10**6))
    assert not goes_into_blobs(PayloadChoice(AUTO), CHANNEL, prices(10**9, even + 10**6))


def test_a_change_must_save_more_than_the_margin() -> None:
    choice, even = PayloadChoice(AUTO), break_even(CHANNEL)
    assert goes_into_blobs(choice, CHANNEL, prices(10**9, even // 2))
    assert goes_into_blobs(choice, CHANNEL, prices(10**9, even * 11 // 10))
    assert not goes_into_blobs(choice, CHANNEL, prices(10**9, even * 15 // 10))
    assert not goes_into_blobs(choice, CHANNEL, prices(10**9, even * 95 // 100))
    assert goes_into_blobs(choice, CHANNEL, prices(10**9, even // 2))


def test_where_l1_has_no_blobs_call_data_is_used() -> None:
    choice = PayloadChoice(AUTO)
    assert goes_into_blobs(choice, CHANNEL, prices(10**9, 1))
    assert not goes_into_blobs(choice, CHANNEL, prices(10**9, None))


@pytest.mark.parametrize("asked_for", [DataAvailability.BLOBS, DataAvailability.CALLDATA])
def test_what_is_asked_for_is_used_at_any_price(asked_for: DataAvailability) -> None:
    choice = PayloadChoice(replace(SETTINGS, data_availability=asked_for))
    for now in (prices(10**12, 1), prices(1, 10**12)):
        assert goes_into_blobs(choice, CHANNEL, now) == (asked_for is DataAvailability.BLOBS)


@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**12)), max_size=20), st.integers(1, 50_000))
def test_no_choice_costs_more_than_the_margin_beyond_the_best(history: list[tuple[int, int]], size: int) -> None:
    choice, channel = PayloadChoice(AUTO), incompressible(size)
    (call_data,) = as_call_data(ID, channel, AUTO)
    for base_fee, blob_base_fee in history:
        costs = {
            False: call_data.gas * base_fee,
            True: 21_000 * base_fee + GAS_PER_BLOB * blob_base_fee,
        }
        chosen = costs[goes_into_blobs(choice, channel, prices(base_fee, blob_base_fee))]
        assert chosen * (100 - AUTO.switch_margin_percent) <= min(costs.values()) * 100


@pytest.mark.parametrize("size", [1, BLOB_CONTENT, BLOB_CONTENT + 1, 7 * BLOB_CONTENT])
def test_a_channel_is_cut_into_blobs_of_six_a_transaction(size: int) -> None:
    channel = incompressible(size)

    payloads = as_blobs(ID, channel, SETTINGS)

    blobs = [blob for payload in payloads for blob in payload.blobs]
    assert len(blobs) == blob_count(channel)
    assert [len(payload.blobs) for payload in payloads[:-1]] == [6] * (len(payloads) - 1)
    frames = [frame for blob in blobs for frame in parse_batcher_data(decode_blob(blob))]
    assert b"".join(frame.data for frame in frames) == channel
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]


@pytest.mark.parametrize("wrong", [{"blobs_in_transaction": 7}, {"blobs_in_transaction": 0}, {"bytes_in_flight": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BatcherError):
        BatcherSettings(**wrong)
