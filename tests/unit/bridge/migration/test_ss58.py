from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration.errors import InvalidAccount
from phal2.bridge.migration.ss58 import HIGHEST_PREFIX, decode_address, encode_address, parse_account

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


# The addresses of the development account Alice under the generic prefix, Polkadot and Kusama, as the Substrate
# documentation has them, and the treasury of Polkadot.
@pytest.mark.parametrize(
    ("address", "prefix", "account_id"),
    [
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", 42, ALICE),
        ("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", 0, ALICE),
        ("HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F", 2, ALICE),
        ("13UVJyLnbVp9RBZYFwFGyDvVd1y27Tt8tkntv6Q7JVPhFsTB", 0, b"modlpy/trsry".ljust(32, b"\0")),
    ],
)
def test_known_addresses_are_read_and_written(address: str, prefix: int, account_id: bytes) -> None:
    assert decode_address(address) == (prefix, account_id)
    assert encode_address(account_id, prefix) == address


@given(st.binary(min_size=32, max_size=32), st.integers(0, HIGHEST_PREFIX))
def test_what_is_written_is_read_back(account_id: bytes, prefix: int) -> None:
    assert decode_address(encode_address(account_id, prefix)) == (prefix, account_id)


@given(st.binary(min_size=32, max_size=32), st.integers(0, HIGHEST_PREFIX), st.data())
def test_a_mistyped_character_does_not_give_the_account(account_id: bytes, prefix: int, data: st.DataObject) -> None:
    address = encode_address(account_id, prefix)
    position = data.draw(st.integers(0, len(address) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in BASE58 if digit != address[position]]))
    mistyped = address[:position] + wrong + address[position + 1 :]

    try:
        found = decode_address(mistyped)
    except InvalidAccount:
        return
    # Two bytes of checksum let one in 65,536 pass, but never as the same account of the same network.
    assert found != (prefix, account_id)


@given(st.text(max_size=60))
def test_any_text_is_an_address_in_one_spelling_or_is_refused(text: str) -> None:
    try:
        prefix, account_id = decode_address(text)
    except InvalidAccount:
        return
    assert encode_address(account_id, prefix) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 50 characters"),
        ("1" * 51, "1 to 50 characters"),
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ0", "'0' is not a base58 digit"),
        (" 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "is not a base58 digit"),
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", "wrong checksum"),
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut", "bytes, expected 35"),
        ("115oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", "has 36 bytes, expected 35"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidAccount, match=reason):
        decode_address(text)


def test_a_one_byte_prefix_written_in_two_bytes_is_refused() -> None:
    # Given prefix 42 spelled as a two-byte prefix, with a right checksum

    payload = bytes((42 >> 2 | 0x40, (42 & 3) << 6)) + ALICE
    data = payload + blake2b(b"SS58PRE" + payload).digest()[:2]
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, value = divmod(number, 58)
        digits = BASE58[value] + digits

    with pytest.raises(InvalidAccount, match="not canonical"):
        decode_address(digits)


@pytest.mark.parametrize(
    ("account_id", "prefix"), [(ALICE, -1), (ALICE, 16_384), (ALICE[:31], 30), (ALICE + b"\0", 30)]
)
def test_another_length_or_prefix_is_not_written(account_id: bytes, prefix: int) -> None:
    with pytest.raises(InvalidAccount):
        encode_address(account_id, prefix)


def test_an_account_is_named_by_hex_or_by_an_address_of_any_network() -> None:
    assert parse_account("0x" + ALICE.hex()) == ALICE
    assert parse_account("0x" + ALICE.hex().upper()) == ALICE
    assert parse_account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY") == ALICE
    assert parse_account(encode_address(ALICE, 30)) == ALICE


@pytest.mark.parametrize(
    "text", ["0x", "0x" + "11" * 31, "0x" + "11" * 33, "0x" + "1 " * 32, "0x" + "gg" * 32, "11" * 32]
)
def test_hex_of_another_shape_names_no_account(text: str) -> None:
    with pytest.raises(InvalidAccount):
        parse_account(text)
