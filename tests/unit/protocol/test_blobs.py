import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.blobs import (
    BLOB_SIZE,
    MAXIMUM_BLOB_DATA,
    BlobOverflow,
    InvalidBlob,
    decode_blob,
    encode_blob,
)

lengths = st.one_of(
    st.integers(0, 400), st.sampled_from([0, 122, 123, 124, 249, 250, 251, MAXIMUM_BLOB_DATA - 1, MAXIMUM_BLOB_DATA])
)


@given(lengths, st.randoms(use_true_random=False))
def test_data_comes_back_from_its_blob(length: int, random: object) -> None:
    data = random.randbytes(length)
    blob = encode_blob(data)
    assert len(blob) == BLOB_SIZE
    assert max(blob[::32]) < 0x40
    assert decode_blob(blob) == data


@given(st.integers(0, 300), st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_changes_the_data_or_is_refused(length: int, place: int, change: int) -> None:
    data = bytes(range(256)) + bytes(range(44))
    blob = bytearray(encode_blob(data[:length]))
    blob[place] ^= change
    try:
        found = decode_blob(bytes(blob))
    except InvalidBlob:
        return
    assert found != data[:length] or (place == 0 and change & 0x3F == 0)


def test_the_unusable_bits_of_the_first_byte_alone_are_not_looked_at() -> None:
    blob = bytearray(encode_blob(bytes(200)))
    blob[0] |= 0x40
    assert decode_blob(bytes(blob)) == bytes(200)
    blob[32] |= 0x40
    with pytest.raises(InvalidBlob, match="two highest bits"):
        decode_blob(bytes(blob))


def test_bytes_behind_the_data_must_be_zero_wherever_they_are() -> None:
    for place in (60, 127, 128, BLOB_SIZE - 32, BLOB_SIZE - 1):
        blob = bytearray(encode_blob(b"data"))
        blob[place] = 1
        with pytest.raises(InvalidBlob, match="behind"):
            decode_blob(bytes(blob))


def test_other_versions_lengths_and_sizes_are_refused() -> None:
    good = encode_blob(b"data")
    with pytest.raises(InvalidBlob, match="version 1"):
        decode_blob(good[:1] + b"\x01" + good[2:])
    with pytest.raises(InvalidBlob, match="at most"):
        decode_blob(good[:2] + (MAXIMUM_BLOB_DATA + 1).to_bytes(3, "big") + good[5:])
    with pytest.raises(InvalidBlob, match="expected 131072"):
        decode_blob(good[:-1])


def test_more_than_a_blob_holds_is_not_encoded() -> None:
    with pytest.raises(BlobOverflow, match="130045"):
        encode_blob(bytes(MAXIMUM_BLOB_DATA + 1))
