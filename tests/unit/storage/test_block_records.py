"""The records of bodies, receipts and senders are read back as they were written."""

from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.receipts import Log, Receipt, logs_bloom
from phal2.node.storage.block_records import (
    decode_body,
    decode_receipts,
    decode_senders,
    encode_body,
    encode_receipts,
    encode_senders,
)
from phal2.node.storage.recent_cache import RecentCache

uint64 = st.integers(0, 2**64 - 1)
logs = st.builds(
    Log,
    address=st.binary(min_size=20, max_size=20),
    topics=st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    data=st.binary(max_size=100),
)


@st.composite
def receipts(draw: st.DrawFn) -> Receipt:
    own_logs = tuple(draw(st.lists(logs, max_size=3)))
    is_deposit = draw(st.booleans())
    return Receipt(
        transaction_type=0x7E if is_deposit else draw(st.sampled_from((0, 1, 2, 4, 0x54))),
        status=draw(st.integers(0, 1)),
        cumulative_gas_used=draw(uint64),
        bloom=logs_bloom(own_logs),
        logs=own_logs,
        deposit_nonce=draw(uint64) if is_deposit else None,
        deposit_receipt_version=1 if is_deposit else None,
    )


@given(st.lists(receipts(), max_size=5).map(tuple))
def test_receipts_are_read_back(given_receipts: tuple[Receipt, ...]):
    assert decode_receipts(encode_receipts(given_receipts)) == given_receipts


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5).map(tuple))
def test_bodies_are_read_back(envelopes: tuple[bytes, ...]):
    assert decode_body(encode_body(envelopes)) == envelopes


@given(st.lists(st.binary(min_size=20, max_size=20), max_size=5).map(tuple))
def test_senders_are_read_back(senders: tuple[bytes, ...]):
    assert decode_senders(encode_senders(senders)) == senders


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4)), max_size=200))
def test_a_cache_gives_what_was_put_last_and_stays_within_its_bound(puts: list[tuple[int, int]]):
    cache: RecentCache[int, int] = RecentCache(10)
    last: dict[int, int] = {}
    for position, (key, weight) in enumerate(puts, start=1):
        cache.put(key, position, weight)
        last[key] = position
        assert cache.get(key) == position or weight >= 10
        assert len(cache) <= 20
    assert all(cache.get(key) in (None, value) for key, value in last.items())
