"""The encoding of accounts and storage words in the tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.rlp import RlpError, encode_uint
from phal2.node.state.accounts import (
    StoredAccount,
    decode_account,
    decode_storage_value,
    encode_account,
    encode_storage_value,
)

hashes = st.binary(min_size=32, max_size=32)
accounts = st.builds(StoredAccount, st.integers(0, 2**64 - 1), st.integers(0, 2**256 - 1), hashes, hashes)


@given(accounts)
def test_an_account_is_the_rlp_list_of_its_fields_and_comes_back(account: StoredAccount) -> None:
    encoded = encode_account(account)
    fields = [encode_uint(account.nonce), encode_uint(account.balance), account.storage_root, account.code_hash]
    assert encoded == rlp.encode(fields)
    assert decode_account(encoded) == account


@given(accounts, st.data())
def test_what_is_not_canonical_is_refused(account: StoredAccount, data: st.DataObject) -> None:
    encoded = bytearray(encode_account(account))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_account(bytes(encoded))
    except RlpError:
        return
    assert encode_account(decoded) == encoded


@pytest.mark.parametrize("encoded", [b"", b"\xc0", b"\xf8\x44" + bytes(68), rlp.encode([b"", b"", bytes(32)])])
def test_other_shapes_are_refused(encoded: bytes) -> None:
    with pytest.raises(RlpError):
        decode_account(encoded)


@given(st.integers(0, 2**256 - 1))
def test_storage_words_come_back_and_zero_is_no_entry(word: int) -> None:
    encoded = encode_storage_value(word)
    assert decode_storage_value(encoded or None) == word
    assert (encoded == b"") == (word == 0)


@given(st.one_of(st.binary(max_size=35), st.binary(max_size=33).map(rlp.encode_bytes)))
def test_storage_values_are_read_as_rlp_reads_them(encoded: bytes) -> None:
    try:
        expected = rlp.decode_uint(rlp.decode(encoded))
    except RlpError:
        with pytest.raises(RlpError):
            decode_storage_value(encoded)
    else:
        assert decode_storage_value(encoded) == expected
