from dataclasses import replace

import pytest
from eth_bloom import BloomFilter
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.receipts import (
    EMPTY_BLOOM,
    Log,
    Receipt,
    bloom_may_contain,
    decode_receipt,
    encode_receipt,
    join_blooms,
    logs_bloom,
)
from phal2.node.protocol.rlp import RlpError

logs = st.lists(
    st.builds(
        Log,
        st.binary(min_size=20, max_size=20),
        st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
        st.binary(max_size=60),
    ),
    max_size=3,
).map(tuple)
LOG = Log(b"\x01" * 20, (b"\x02" * 32,), b"data")


def receipt(transaction_type: int, of: tuple[Log, ...], **more: int) -> Receipt:
    return Receipt(transaction_type, 1, 21_000, logs_bloom(of), of, **more)


@given(st.sampled_from([0, 1, 2, 3, 4, 0x54]), logs)
def test_a_receipt_comes_back(transaction_type: int, of: tuple[Log, ...]) -> None:
    made = receipt(transaction_type, of)
    raw = encode_receipt(made)
    assert decode_receipt(raw) == made
    assert (raw[0] == transaction_type) == (transaction_type != 0)


@given(logs, st.integers(0, 2**64 - 1))
def test_a_deposit_receipt_has_its_nonce_since_canyon(of: tuple[Log, ...], nonce: int) -> None:
    made = receipt(0x7E, of, deposit_nonce=nonce, deposit_receipt_version=1)
    assert decode_receipt(encode_receipt(made)) == made
    before_canyon = receipt(0x7E, of)
    assert decode_receipt(encode_receipt(before_canyon)) == before_canyon


def test_malformed_receipts_are_refused() -> None:
    good = receipt(2, (LOG,))
    fields = rlp.decode_list(encode_receipt(good)[1:])
    wrong = [
        b"",
        *(bytes([first]) + rlp.encode(fields) for first in (0x00, 0x80, 0xBF)),
        encode_receipt(replace(good, bloom=EMPTY_BLOOM)),
        encode_receipt(replace(good, status=2)),
        b"\x02" + rlp.encode([*fields, b"\x01", b"\x01"]),
        b"\x02" + rlp.encode(fields[:3]),
        b"\x7e" + rlp.encode([*fields, b"\x01"]),
        encode_receipt(receipt(2, (replace(LOG, topics=(bytes(32),) * 5),))),
        encode_receipt(receipt(2, (replace(LOG, topics=(bytes(31),)),))),
        encode_receipt(receipt(2, (replace(LOG, address=bytes(19)),))),
    ]
    for raw in wrong:
        with pytest.raises(RlpError):
            decode_receipt(raw)


@given(logs)
def test_a_bloom_contains_every_address_and_topic(of: tuple[Log, ...]) -> None:
    bloom = logs_bloom(of)
    assert all(bloom_may_contain(bloom, log.address) for log in of)
    assert all(bloom_may_contain(bloom, topic) for log in of for topic in log.topics)
    assert join_blooms([logs_bloom([log]) for log in of]) == bloom


def test_an_empty_bloom_contains_nothing() -> None:
    assert logs_bloom([]) == EMPTY_BLOOM
    assert not bloom_may_contain(EMPTY_BLOOM, LOG.address)


@given(logs)
def test_the_bloom_is_that_of_the_eth_bloom_package(of: tuple[Log, ...]) -> None:
    oracle = BloomFilter()
    for log in of:
        oracle.add(log.address)
        oracle.extend(log.topics)
    assert int.from_bytes(logs_bloom(of), "big") == int(oracle)
