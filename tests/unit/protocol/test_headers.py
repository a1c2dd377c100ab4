from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_TRIE_ROOT,
    Header,
    decode_header,
    encode_header,
    header_hash,
)
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import RlpError

words = st.binary(min_size=32, max_size=32)
uint64s = st.integers(0, 2**64 - 1)
required = (
    words,
    words,
    st.binary(min_size=20, max_size=20),
    words,
    words,
    words,
    st.binary(min_size=256, max_size=256),
    uint64s,
    uint64s,
    uint64s,
    uint64s,
    uint64s,
    st.binary(max_size=32),
    words,
    st.binary(min_size=8, max_size=8),
)
optional = (st.integers(0, 2**256 - 1), words, uint64s, uint64s, words, words)
FULL = Header(
    *(bytes(32), bytes(32), bytes(20), bytes(32), bytes(32), bytes(32), bytes(256)),
    *(0, 1, 2, 3, 4),
    *(b"extra", bytes(32), bytes(8), 7, bytes(32), 0, 0, bytes(32), bytes(32)),
)


@given(st.tuples(*required), st.tuples(*optional), st.integers(0, 6))
def test_a_header_of_any_fork_comes_back(fields: tuple, more: tuple, count: int) -> None:
    header = Header(*fields, *more[:count])
    raw = encode_header(header)
    assert decode_header(raw) == header
    assert header_hash(header) == keccak256(raw)


def test_every_field_changes_the_hash() -> None:
    hashes = {header_hash(FULL)}
    for name in Header.__slots__:
        value = getattr(FULL, name)
        other = value + 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]
        hashes.add(header_hash(replace(FULL, **{name: other})))
    assert len(hashes) == 1 + len(Header.__slots__) == 22


@pytest.mark.parametrize("count", [14, 22])
def test_a_wrong_number_of_fields_is_refused(count: int) -> None:
    with pytest.raises(RlpError, match="header of"):
        decode_header(rlp.encode([b""] * count))


def test_fields_of_a_wrong_size_are_refused() -> None:
    fields = rlp.decode_list(encode_header(FULL))
    for index, wrong in (
        (0, bytes(31)),
        (2, bytes(32)),
        (6, bytes(255)),
        (8, b"\x00"),
        (9, bytes([1]) * 9),
        (13, b""),
        (14, bytes(9)),
    ):
        changed = [*fields[:index], wrong, *fields[index + 1 :]]
        with pytest.raises(RlpError):
            decode_header(rlp.encode(changed))


def test_the_hashes_of_nothing_are_the_known_ones() -> None:
    assert EMPTY_TRIE_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert EMPTY_OMMERS_HASH.hex() == "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    assert EMPTY_REQUESTS_HASH.hex().startswith("e3b0c44298fc1c14")
