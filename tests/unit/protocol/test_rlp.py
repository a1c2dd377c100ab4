import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.rlp import RlpError

items = st.recursive(st.binary(max_size=80), lambda children: st.lists(children, max_size=5), max_leaves=20)


@given(items)
def test_an_item_comes_back(item: rlp.Item) -> None:
    assert rlp.decode(rlp.encode(item)) == item


@given(st.binary(max_size=60))
def test_what_decodes_is_the_only_encoding_of_its_item(data: bytes) -> None:
    try:
        item = rlp.decode(data)
    except RlpError:
        return
    assert rlp.encode(item) == data


@given(items, st.binary(min_size=1, max_size=5))
def test_bytes_behind_an_item_are_refused(item: rlp.Item, rest: bytes) -> None:
    with pytest.raises(RlpError, match="trailing"):
        rlp.decode(rlp.encode(item) + rest)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "8100",
        "817f",
        "b800",
        "b90001ff",
        "b837" + "00" * 55,
        "b80137",
        "c101ff",
        "82ff",
        "c3820102ff",
        "bf0f000000000000021111",
        "f90001c0",
    ],
)
def test_a_malformed_encoding_is_refused(encoded: str) -> None:
    with pytest.raises(RlpError):
        rlp.decode(bytes.fromhex(encoded))


def test_nesting_is_bounded() -> None:
    with pytest.raises(RlpError, match="nested deeper"):
        rlp.decode(nested(rlp.MAXIMUM_DEPTH + 1))
    assert rlp.decode(nested(rlp.MAXIMUM_DEPTH)) is not None


@given(st.lists(items, max_size=5), st.binary(max_size=3))
def test_the_bounds_of_a_list_are_those_of_its_elements(elements: list[rlp.Item], rest: bytes) -> None:
    content = b"".join(map(rlp.encode, elements))
    data = b"_" + rlp.list_of_payload(content) + rest
    begin, end = rlp.list_bounds(data, 1, len(data))
    assert data[begin:end] == content
    with pytest.raises(RlpError):
        rlp.list_bounds(data, 1, end - 1)
    with pytest.raises(RlpError, match="expected a list"):
        rlp.list_bounds(rlp.encode_bytes(content), 0, end)


@given(st.lists(items, max_size=5))
def test_strings_are_read_where_nothing_else_is(elements: list[rlp.Item]) -> None:
    data = b"_" + b"".join(map(rlp.encode, elements))
    if any(isinstance(element, list) for element in elements):
        with pytest.raises(RlpError, match="found a list"):
            rlp.read_strings(data, 1, len(data))
        return
    assert rlp.read_strings(data, 1, len(data)) == elements
    if elements:
        assert rlp.read_string(data, 1, len(data)) == (elements[0], 1 + len(rlp.encode(elements[0])))


@given(st.binary(max_size=60))
def test_only_canonical_strings_are_read(data: bytes) -> None:
    try:
        strings = rlp.read_strings(data, 0, len(data))
    except RlpError:
        return
    assert b"".join(map(rlp.encode_bytes, strings)) == data


@given(items)
def test_items_are_counted_with_those_in_their_lists(item: rlp.Item) -> None:
    encoded = rlp.encode(item)
    count = count_items(item)
    assert rlp.decode(encoded, count) == item
    if count - 1 < len(encoded):
        with pytest.raises(RlpError, match=f"more than {count - 1} items"):
            rlp.decode(encoded, count - 1)


def count_items(item: rlp.Item) -> int:
    return 1 if isinstance(item, bytes) else 1 + sum(map(count_items, item))


def nested(depth: int) -> bytes:
    encoded = b""
    for _ in range(depth):
        encoded = rlp.encode_list([encoded])
    return encoded


@given(st.integers(0, 2**256 - 1))
def test_integers_are_minimal(value: int) -> None:
    data = rlp.encode_uint(value)
    assert not data.startswith(b"\x00")
    assert rlp.decode_uint(data) == value


def test_integers_that_are_not_minimal_or_too_long_are_refused() -> None:
    for data, maximum in ((b"\x00", 32), (b"\x00\x01", 32), (bytes([1]) * 9, 8)):
        with pytest.raises(RlpError):
            rlp.decode_uint(data, maximum)
    with pytest.raises(RlpError, match="found a list"):
        rlp.decode_uint([])
    with pytest.raises(ValueError, match="negative"):
        rlp.encode_uint(-1)


def test_items_of_another_shape_are_refused() -> None:
    with pytest.raises(RlpError, match="expected a list"):
        rlp.expect_list(b"")
    with pytest.raises(RlpError, match="list of 2 elements"):
        rlp.expect_list([b""], 2)
    with pytest.raises(RlpError, match="expected a byte string"):
        rlp.expect_bytes([])
    with pytest.raises(RlpError, match="of 20 bytes"):
        rlp.expect_bytes(b"", 20)


@given(st.integers(0, 2**440 - 1))
def test_the_length_of_an_integer_is_known_without_encoding_it(value: int) -> None:
    assert rlp.uint_length(value) == len(rlp.encode_bytes(rlp.encode_uint(value)))
