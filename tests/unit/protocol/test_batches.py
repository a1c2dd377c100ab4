import pytest
from bounded_memory import MEBIBYTE, allocating_at_most
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SingularBatch, UnsupportedBatchVersion, decode_batch, encode_batch
from phal2.node.protocol.errors import InvalidEncoding

words = st.binary(min_size=32, max_size=32)
uint64s = st.integers(0, 2**64 - 1)
batches = st.builds(
    SingularBatch, words, uint64s, words, uint64s, st.lists(st.binary(max_size=40), max_size=4).map(tuple)
)


@given(batches)
def test_a_batch_comes_back(batch: SingularBatch) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@given(st.binary(max_size=120))
def test_whatever_decodes_is_canonical_and_what_follows_is_ignored(content: bytes) -> None:
    try:
        batch = decode_batch(b"\x00" + content)
    except InvalidEncoding:
        return
    assert (b"\x00" + content).startswith(encode_batch(batch))


@pytest.mark.parametrize("version", [1, 2, 255])
def test_other_versions_are_unsupported(version: int) -> None:
    with pytest.raises(UnsupportedBatchVersion) as caught:
        decode_batch(bytes([version]) + b"content")
    assert caught.value.version == version


def test_malformed_batches_are_refused() -> None:
    good = [bytes(32), b"\x01", bytes(32), b"\x02", [b"transaction"]]
    assert decode_batch(b"\x00" + rlp.encode(good)).epoch_number == 1
    wrong: list[rlp.Item] = [
        good[:4],
        [*good, b""],
        [bytes(31), *good[1:]],
        [good[0], b"\x00", *good[2:]],
        [good[0], b"\x01" * 9, *good[2:]],
        [*good[:4], b"transaction"],
        [*good[:4], [[b"transaction"]]],
    ]
    for content in [b"", *(rlp.encode(item) for item in wrong), rlp.encode(good)[:-1]]:
        with pytest.raises(InvalidEncoding):
            decode_batch(b"\x00" + content)
    with pytest.raises(InvalidEncoding):
        decode_batch(b"")


@pytest.mark.parametrize("fields", [[], [b"\x11" * 32, b"", b"\x11" * 32, b""]])
def test_lists_where_strings_should_be_cost_nothing_however_many(fields: list[rlp.Item]) -> None:
    lists = b"\xc0" * 20_000_000
    content = b"".join(map(rlp.encode, fields)) + (rlp.list_of_payload(lists) if fields else lists)
    encoded = b"\x00" + rlp.list_of_payload(content)
    with allocating_at_most(50 * MEBIBYTE), pytest.raises(InvalidEncoding, match="found a list"):
        decode_batch(encoded)
