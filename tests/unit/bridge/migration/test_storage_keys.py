import pytest
from hypothesis import given
from hypothesis import strategies as st
from substrate_state import ALICE, account_value

from phal2.bridge.migration.errors import InvalidExport
from phal2.bridge.migration.storage_keys import (
    SYSTEM_ACCOUNT_PREFIX,
    TOTAL_ISSUANCE_KEY,
    account_key,
    decode_account_info,
    decode_account_key,
    decode_total_issuance,
)

ALICE_KEY = bytes.fromhex(
    "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"
    "de1e86a9a8c739864cf3cc5ec2bea59f"
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
)


def xxhash64(data: bytes, seed: int) -> int:
    """xxHash64 of less than 32 bytes, by its specification."""
    first, second, third, fourth, fifth = (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
    mask = (1 << 64) - 1

    def rotate(value: int, bits: int) -> int:
        value &= mask
        return (value << bits | value >> (64 - bits)) & mask

    assert len(data) < 32
    state = (seed + fifth + len(data)) & mask
    while len(data) >= 8:
        lane = rotate(int.from_bytes(data[:8], "little") * second, 31) * first
        state, data = rotate(state ^ lane & mask, 27) * first + fourth & mask, data[8:]
    if len(data) >= 4:
        state ^= int.from_bytes(data[:4], "little") * first & mask
        state, data = rotate(state, 23) * second + third & mask, data[4:]
    for byte in data:
        state = rotate(state ^ byte * fifth & mask, 11) * first & mask
    state = (state ^ state >> 33) * second & mask
    state = (state ^ state >> 29) * third & mask
    return state ^ state >> 32


def twox128(name: bytes) -> bytes:
    return b"".join(xxhash64(name, seed).to_bytes(8, "little") for seed in (0, 1))


def test_the_prefixes_are_the_hashes_of_pallet_and_entry() -> None:
    assert twox128(b"System") + twox128(b"Account") == SYSTEM_ACCOUNT_PREFIX
    assert twox128(b"Balances") + twox128(b"TotalIssuance") == TOTAL_ISSUANCE_KEY


def test_the_key_of_a_known_account() -> None:
    assert account_key(ALICE) == ALICE_KEY
    assert decode_account_key(ALICE_KEY) == ALICE


@given(st.binary(min_size=32, max_size=32))
def test_an_account_key_gives_the_account_id_back(account_id: bytes) -> None:
    assert decode_account_key(account_key(account_id)) == account_id


@given(st.integers(8 * len(SYSTEM_ACCOUNT_PREFIX), 8 * len(ALICE_KEY) - 1))
def test_a_key_with_any_bit_of_hash_or_account_changed_is_refused(bit: int) -> None:
    changed = bytearray(ALICE_KEY)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidExport, match="the key has been changed"):
        decode_account_key(bytes(changed))


@pytest.mark.parametrize("key", [ALICE_KEY[:-1], ALICE_KEY + b"\0", SYSTEM_ACCOUNT_PREFIX, b"\0" + ALICE_KEY[1:]])
def test_a_key_of_another_shape_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidExport, match=r"is not a System\.Account key"):
        decode_account_key(key)


def test_account_info_has_its_fields_in_place() -> None:
    info = decode_account_info(account_value(free=10**19, reserved=7, frozen=3), ALICE)

    assert (info.nonce, info.free, info.reserved, info.frozen) == (5, 10**19, 7, 3)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_every_amount_is_kept_exactly(free: int, reserved: int) -> None:
    info = decode_account_info(account_value(free, reserved), ALICE)

    assert (info.free, info.reserved) == (free, reserved)


@pytest.mark.parametrize("length", [0, 68, 72, 79, 81])
def test_account_info_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidExport, match=f"has {length} bytes, expected 80"):
        decode_account_info(bytes(length), ALICE)


def test_total_issuance_is_a_little_endian_u128() -> None:
    assert decode_total_issuance((10**27).to_bytes(16, "little")) == 10**27
    with pytest.raises(InvalidExport, match="15 bytes, expected 16"):
        decode_total_issuance(bytes(15))
