import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.bit_lists import InvalidBitList, bit, bit_list, count_set, read_bit_list
from phal2.node.protocol.uvarints import (
    InvalidUvarint,
    encode_uvarint,
    encode_uvarints,
    read_uvarint,
    read_uvarints,
)

uint64s = st.integers(0, 2**64 - 1) | st.integers(0, 300)


@given(st.lists(uint64s, max_size=20), st.binary(max_size=10), st.binary(max_size=10))
def test_numbers_come_back_from_wherever_they_stand(numbers: list[int], before: bytes, after: bytes) -> None:
    data = before + encode_uvarints(numbers) + after
    found, end = read_uvarints(data, len(before), len(numbers))
    assert list(found) == numbers
    assert end == len(data) - len(after)


def test_longer_forms_than_the_shortest_are_read_as_go_does() -> None:
    assert read_uvarint(b"\x80\x00", 0) == (0, 2)
    assert read_uvarint(b"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0) == (1, 10)
    assert read_uvarint(b"\xff" * 9 + b"\x01", 0) == (2**64 - 1, 10)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x00"])
def test_cut_off_or_too_large_numbers_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidUvarint):
        read_uvarint(data, 0)
    with pytest.raises(InvalidUvarint):
        read_uvarints(data, 0, 1)


def test_more_numbers_than_bytes_are_refused_before_any_is_read() -> None:
    with pytest.raises(InvalidUvarint, match="10000000 integers"):
        read_uvarints(b"\x80\x00", 0, 10_000_000)


def test_only_numbers_of_64_bits_are_written() -> None:
    for value in (-1, 2**64):
        with pytest.raises(ValueError, match="below"):
            encode_uvarint(value)


@given(st.lists(st.booleans(), max_size=70), st.binary(max_size=4))
def test_bits_come_back(bits: list[bool], after: bytes) -> None:
    encoded = bit_list(bits)
    assert len(encoded) == (len(bits) + 7) // 8
    assert read_bit_list(encoded + after, 0, len(bits)) == (encoded, len(encoded))
    assert [bit(encoded, index) for index in range(len(bits))] == bits
    assert count_set(encoded) == sum(bits)


def test_bit_0_is_the_lowest_of_the_last_byte() -> None:
    assert bit_list([True] + [False] * 8) == b"\x00\x01"
    assert bit_list([False] * 8 + [True]) == b"\x01\x00"


def test_bits_beyond_the_list_and_missing_bytes_are_refused() -> None:
    with pytest.raises(InvalidBitList, match="beyond the 9"):
        read_bit_list(b"\x02\x00", 0, 9)
    with pytest.raises(InvalidBitList, match="17 bits expected"):
        read_bit_list(b"\x00\x00", 0, 17)
