"""Span batches, with transactions of every type they carry."""

from dataclasses import replace

import pytest
from bounded_memory import MEBIBYTE, allocating_at_most
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.batches import InvalidBatch, SingularBatch, UnsupportedBatchVersion
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.span_batch_transactions import (
    UnsuitableTransaction,
    UnusableTransactions,
    decode_transactions,
    encode_transactions,
    is_suitable,
)
from phal2.node.protocol.span_batches import (
    SpanBatch,
    SpanBatchTerms,
    decode_span_batch,
    encode_span_batch,
    span_batch,
)
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
)
from phal2.node.protocol.uvarints import encode_uvarint

CHAIN_ID = 20350
TERMS = SpanBatchTerms(genesis_time=1_700_000_000, block_time=2, chain_id=CHAIN_ID)

uint64s = st.integers(0, 2**64 - 1) | st.integers(0, 300)
uint256s = st.integers(0, 2**256 - 1) | st.integers(0, 300)
addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)
data = st.binary(max_size=70)
access_lists = st.lists(st.tuples(addresses, st.lists(words, max_size=2).map(tuple)), max_size=2).map(tuple)
parities = st.integers(0, 1)
authorizations = st.builds(Authorization, uint256s, addresses, uint64s, st.integers(0, 255), uint256s, uint256s)
legacy = st.builds(
    LegacyTransaction,
    *(uint64s, uint256s, uint64s, st.none() | addresses, uint256s, data),
    st.sampled_from([27, 28, 35 + 2 * CHAIN_ID, 36 + 2 * CHAIN_ID]),
    *(uint256s, uint256s),
)
access_list = st.builds(
    AccessListTransaction,
    *(st.just(CHAIN_ID), uint64s, uint256s, uint64s, st.none() | addresses, uint256s, data, access_lists, parities),
    *(uint256s, uint256s),
)
dynamic_fee = st.builds(
    DynamicFeeTransaction,
    *(st.just(CHAIN_ID), uint64s, uint256s, uint256s, uint64s, st.none() | addresses, uint256s, data, access_lists),
    *(parities, uint256s, uint256s),
)
set_code = st.builds(
    SetCodeTransaction,
    *(st.just(CHAIN_ID), uint64s, uint256s, uint256s, uint64s, addresses, uint256s, data, access_lists),
    st.lists(authorizations, max_size=2).map(tuple),
    *(parities, uint256s, uint256s),
)
envelopes = (legacy | access_list | dynamic_fee | set_code).map(encode_transaction)
blocks = st.lists(st.tuples(st.booleans(), st.lists(envelopes, max_size=3)), min_size=1, max_size=9)


def row_of_blocks(described: list[tuple[bool, list[bytes]]]) -> list[SingularBatch]:
    """Return the batches of consecutive blocks, each with the next L1 origin or not and with some transactions."""
    batches: list[SingularBatch] = []
    epoch = 1000
    for index, (advances, transactions) in enumerate(described):
        epoch += advances and index > 0
        epoch_hash = epoch.to_bytes(32, "big")
        timestamp = TERMS.genesis_time + 2 * (index + 7)
        batches.append(SingularBatch(bytes([index]) * 32, epoch, epoch_hash, timestamp, tuple(transactions)))
    return batches


@given(blocks)
@settings(deadline=None)
def test_a_row_of_blocks_comes_back(described: list[tuple[bool, list[bytes]]]) -> None:
    row = row_of_blocks(described)
    batch = span_batch(row, described[0][0], TERMS.block_time)
    decoded = decode_span_batch(encode_span_batch(batch, TERMS), TERMS)
    assert decoded == batch
    found = list(decoded.blocks())
    assert [(one.epoch_number, one.timestamp, one.transactions) for one in found] == [
        (one.epoch_number, one.timestamp, one.transactions) for one in row
    ]
    assert list(decoded.blocks(len(row) // 2)) == found[len(row) // 2 :]
    assert (decoded.block_count, decoded.last_timestamp) == (len(row), row[-1].timestamp)
    assert (decoded.first_epoch_number, decoded.last_epoch_number) == (row[0].epoch_number, row[-1].epoch_number)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_read_but_never_break_the_decoder(content: bytes) -> None:
    try:
        decode_span_batch(b"\x01" + content, TERMS)
    except InvalidEncoding:
        return


@given(blocks, st.data())
@settings(deadline=None)
def test_a_changed_or_cut_batch_never_breaks_the_decoder(
    described: list[tuple[bool, list[bytes]]], choose: st.DataObject
) -> None:
    encoded = bytearray(encode_span_batch(span_batch(row_of_blocks(described), True, 2), TERMS))
    for _ in range(choose.draw(st.integers(0, 3))):
        encoded[choose.draw(st.integers(0, len(encoded) - 1))] ^= 1 << choose.draw(st.integers(0, 7))
    cut = choose.draw(st.integers(0, len(encoded)))
    try:
        batch = decode_span_batch(bytes(encoded[:cut]), TERMS)
    except InvalidEncoding:
        return
    assert sum(len(block.transactions) for block in batch.blocks()) == len(batch.transactions)


@given(st.lists(envelopes, min_size=1, max_size=4), st.data())
@settings(deadline=None)
def test_columns_that_are_cut_off_are_refused(raws: list[bytes], choose: st.DataObject) -> None:
    encoded = encode_transactions(raws, CHAIN_ID)
    assert decode_transactions(encoded + b"more", 0, len(raws), CHAIN_ID) == tuple(raws)
    with pytest.raises(InvalidEncoding):
        decode_transactions(encoded[: choose.draw(st.integers(0, len(encoded) - 1))], 0, len(raws), CHAIN_ID)


def columns(payload: bytes, creation: bool = False, protected: bytes = b"") -> bytes:
    """Return the columns of one transaction of nonce 1 and gas limit 2."""
    recipient = b"" if creation else b"\x11" * 20
    return bytes([creation, 1]) + b"\x01" * 64 + recipient + payload + b"\x01\x02" + protected


def test_a_legacy_transaction_is_bound_to_the_chain_by_its_bit() -> None:
    payload = rlp.encode([b"", b"\x01", b""])
    for protected, v in ((b"\x00", 28), (b"\x01", 36 + 2 * CHAIN_ID)):
        (raw,) = decode_transactions(columns(payload, protected=protected), 0, 1, CHAIN_ID)
        fields = rlp.decode_list(raw)
        assert int.from_bytes(fields[6], "big") == v


@pytest.mark.parametrize(
    "payload", [b"\x00" + rlp.encode([b"", b"", b""]), *(bytes([kind]) + b"\xc0" for kind in (3, 5, 0x54, 0x7E, 0x7F))]
)
def test_other_types_make_the_batch_unusable_though_well_formed(payload: bytes) -> None:
    with pytest.raises(UnusableTransactions, match="no transactions of type"):
        decode_transactions(columns(payload, protected=b"\x00"), 0, 1, CHAIN_ID)


@pytest.mark.parametrize(
    "fields",
    [
        [b"", b""],
        [b"", b"", b"", b""],
        [b"\x00", b"", b""],
        [b"", b"\x00\x01", b""],
        [[], b"", b""],
        [b"", b"", []],
    ],
)
def test_malformed_legacy_payloads_make_the_batch_unusable(fields: list[rlp.Item]) -> None:
    with pytest.raises(UnusableTransactions):
        decode_transactions(columns(rlp.encode(fields), protected=b"\x00"), 0, 1, CHAIN_ID)


@pytest.mark.parametrize(
    "payload",
    [
        b"\x01" + rlp.encode([b"", b"", b""]),
        b"\x01" + rlp.encode([b"", b"", b"", b"list"]),
        b"\x02" + rlp.encode([b"", b"", b"", b"", [[b"\x11" * 19, []]]]),
        b"\x02" + rlp.encode([b"", b"", b"", b"", [[b"\x11" * 20, [b"short"]]]]),
        b"\x02" + rlp.encode([b"", b"", b"", b"", [], []]),
        b"\x04" + rlp.encode([b"", b"", b"", b"", []]),
        b"\x04" + rlp.encode([b"", b"", b"", b"", [], [[b"", b"\x11" * 20, b"", b"", b""]]]),
        b"\x04" + rlp.encode([b"\x01" * 33, b"", b"", b"", [], []]),
        b"\x04" + rlp.encode([b"", b"\x01" * 33, b"", b"", [], []]),
        b"\x04" + rlp.encode([b"", b"", b"\x01" * 33, b"", [], []]),
        b"\x02" + b"\xc6\x80\x80\x80\x81\x01\xc0",
    ],
)
def test_malformed_typed_payloads_make_the_batch_unusable(payload: bytes) -> None:
    with pytest.raises(UnusableTransactions):
        decode_transactions(columns(payload), 0, 1, CHAIN_ID)


@pytest.mark.parametrize(
    "content",
    [b"\xc0" * 9_000_000, b"\xc1\xc0" * 4_500_000, b"\xd6\x94" + b"\x11" * 20 + b"\xc0" + b"\xc0" * 9_000_000],
)
@pytest.mark.parametrize("fields", [b"\x02\x80\x80\x80\x80", b"\x04\x80\x80\x80\x80\xc0"])
def test_lists_that_are_no_access_and_no_authorization_lists_cost_nothing(fields: bytes, content: bytes) -> None:
    encoded = columns(fields[:1] + rlp.list_of_payload(fields[1:] + rlp.list_of_payload(content)))
    with allocating_at_most(50 * MEBIBYTE), pytest.raises(UnusableTransactions):
        decode_transactions(encoded, 0, 1, CHAIN_ID)


def test_a_set_code_transaction_that_creates_makes_the_batch_unusable() -> None:
    payload = b"\x04" + rlp.encode([b"", b"", b"", b"", [], []])
    assert len(decode_transactions(columns(payload), 0, 1, CHAIN_ID)) == 1
    with pytest.raises(UnusableTransactions, match="creates a contract"):
        decode_transactions(columns(payload, creation=True), 0, 1, CHAIN_ID)


def test_amounts_beyond_256_bits_are_for_the_state_module_to_refuse() -> None:
    (raw,) = decode_transactions(
        columns(b"\x02" + rlp.encode([b"\x01" * 33, b"\x02" * 60, b"", b"", []])), 0, 1, CHAIN_ID
    )
    assert b"\x01" * 33 in raw
    assert b"\x02" * 60 in raw


@pytest.mark.parametrize(
    "payload", [b"\x80", b"\x02\x80", b"\x02", b"\xf8\x01\x00", b"\xf9\x00\x40" + bytes(64), b"\xc8\x80"]
)
def test_what_is_no_list_is_refused_as_malformed(payload: bytes) -> None:
    with pytest.raises(InvalidEncoding) as caught:
        decode_transactions(columns(payload), 0, 1, CHAIN_ID)
    assert not isinstance(caught.value, UnusableTransactions)


def head(block_count: int, relative_timestamp: int = 1, epoch_number: int = 1) -> bytes:
    return (
        b"\x01"
        + b"".join(map(encode_uvarint, (relative_timestamp, epoch_number)))
        + bytes(40)
        + encode_uvarint(block_count)
    )


@pytest.mark.parametrize("block_count", [0, 10_000_001, 2**63])
def test_no_blocks_or_too_many_are_refused(block_count: int) -> None:
    with pytest.raises(InvalidBatch, match="expected 1 to 10000000"):
        decode_span_batch(head(block_count) + bytes(100), TERMS)


def test_too_many_transactions_are_refused_though_each_block_is_small_enough() -> None:
    counts = encode_uvarint(9_999_999) * 2
    with pytest.raises(InvalidBatch, match="19999998 transactions"):
        decode_span_batch(head(2) + b"\x00" + counts, TERMS)


def test_counts_without_their_bytes_cost_no_memory() -> None:
    with allocating_at_most(50 * MEBIBYTE):
        for block_count, tail in (
            (10_000_000, b""),
            (10_000_000, bytes(1_250_000)),
            (10_000_000, bytes(2_000_000)),
            (1, b"\x00" + encode_uvarint(10_000_000)),
            (1, b"\x00" + encode_uvarint(10_000_000) + bytes(2_500_000)),
        ):
            with pytest.raises(InvalidEncoding):
                decode_span_batch(head(block_count) + tail, TERMS)


def test_millions_of_empty_blocks_are_not_made_before_they_are_asked_for() -> None:
    count = 10_000_000
    batch = decode_span_batch(head(count) + bytes(count // 8) + bytes(count), TERMS)
    with allocating_at_most(50 * MEBIBYTE):
        assert batch.block_count == count
        assert next(batch.blocks(5)).timestamp == TERMS.genesis_time + 1 + 5 * TERMS.block_time


def test_numbers_wrap_at_64_bits_as_in_op_node() -> None:
    one_change = b"\x02" + bytes(2)
    batch = decode_span_batch(head(2, relative_timestamp=2**64 - 1, epoch_number=0) + one_change, TERMS)
    assert batch.timestamp == TERMS.genesis_time - 1
    assert batch.last_timestamp == TERMS.genesis_time + 1
    assert [block.epoch_number for block in batch.blocks()] == [2**64 - 1, 0]
    assert decode_span_batch(encode_span_batch(batch, TERMS), TERMS) == batch


def test_other_versions_are_unsupported() -> None:
    with pytest.raises(UnsupportedBatchVersion):
        decode_span_batch(b"\x02" + head(1)[1:] + bytes(2), TERMS)
    with pytest.raises(InvalidBatch):
        decode_span_batch(b"", TERMS)


def test_transactions_that_no_span_batch_carries_are_not_encoded() -> None:
    other_chain = DynamicFeeTransaction(1, 0, 0, 0, 0, None, 0, b"", (), 0, 1, 1)
    blob = BlobTransaction(CHAIN_ID, 0, 0, 0, 0, bytes(20), 0, b"", (), 0, (), 0, 1, 1)
    for raw in (encode_transaction(other_chain), encode_transaction(blob), b"\x54\xc0", b"", b"\x02"):
        with pytest.raises(UnsuitableTransaction):
            encode_transactions([raw], CHAIN_ID)
    assert [is_suitable(raw) for raw in (b"\xc0", b"\x01", b"\x02", b"\x04")] == [True] * 4
    assert [is_suitable(raw) for raw in (b"", b"\x00", b"\x03", b"\x54", b"\x7e", b"\x80")] == [False] * 6


def test_only_consecutive_blocks_make_a_span_batch() -> None:
    row = row_of_blocks([(False, [])] * 3)
    assert isinstance(span_batch(row, False, 2), SpanBatch)
    with pytest.raises(ValueError, match="does not follow"):
        span_batch([row[0], row[2]], False, 2)
    with pytest.raises(ValueError, match="does not follow"):
        span_batch([row[0], replace(row[1], epoch_number=row[0].epoch_number + 2)], False, 2)
