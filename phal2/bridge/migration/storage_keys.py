"""The storage entries of a Substrate chain that a snapshot reads: `System.Account` and `Balances.TotalIssuance`.

The 16-byte prefixes are twox128 (xxHash64 with seeds 0 and 1) of the pallet's and the entry's name.
Source: FRAME storage (frame_support::storage), frame_system::AccountInfo and pallet_balances::AccountData.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from phal2.bridge.migration.errors import InvalidExport
from phal2.bridge.migration.scale import decode_fixed
from phal2.bridge.migration.ss58 import ACCOUNT_ID_LENGTH

SYSTEM_ACCOUNT_PREFIX: Final = bytes.fromhex("26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9")
TOTAL_ISSUANCE_KEY: Final = bytes.fromhex("c2261276cc9d1f8598ea4b6a74b15c2f57c875e4cff74148e4628f264b974c80")
CODE_KEY: Final = b":code"
CHILD_STORAGE_PREFIX: Final = b":child_storage:default:"

_CONCAT_HASH_LENGTH: Final = 16
_ACCOUNT_KEY_LENGTH: Final = len(SYSTEM_ACCOUNT_PREFIX) + _CONCAT_HASH_LENGTH + ACCOUNT_ID_LENGTH
_ACCOUNT_INFO_LENGTH: Final = 80
_BALANCE_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """The value of `System.Account`; `free` and `reserved` in planks. `frozen` is a part of `free`, never beside it."""

    nonce: int
    free: int
    reserved: int
    frozen: int


def account_key(account_id: bytes) -> bytes:
    """Return the `System.Account` storage key of a 32-byte account id."""
    return SYSTEM_ACCOUNT_PREFIX + _concat_hash(account_id) + account_id


def decode_account_key(key: bytes) -> bytes:
    """Return the account id in a `System.Account` storage key.

    Raises InvalidExport where the length is wrong or the hash in the key is not that of the account id.
    """
    if len(key) != _ACCOUNT_KEY_LENGTH or not key.startswith(SYSTEM_ACCOUNT_PREFIX):
        raise InvalidExport(
            f"storage key 0x{key.hex()} is not a System.Account key: expected {_ACCOUNT_KEY_LENGTH} bytes, "
            f"that is the entry's prefix, 16 bytes of hash and a 32-byte account id, got {len(key)}"
        )
    account_id = key[-ACCOUNT_ID_LENGTH:]
    found = key[len(SYSTEM_ACCOUNT_PREFIX) : -ACCOUNT_ID_LENGTH]
    expected = _concat_hash(account_id)
    if found != expected:
        raise InvalidExport(
            f"storage key 0x{key.hex()} holds the hash 0x{found.hex()}, but that of its account id is "
            f"0x{expected.hex()}: the key has been changed"
        )
    return account_id


def decode_account_info(value: bytes, account_id: bytes) -> AccountInfo:
    """Decode the 80-byte value of `System.Account`.

    Layout, little-endian: nonce u32, consumers u32, providers u32, sufficients u32, free u128, reserved u128,
    frozen u128 (formerly miscellaneous frozen), flags u128 (formerly fee frozen). Raises InvalidExport for another
    length: runtimes before 2021 used shorter layouts, which Khala and Phala never had.
    """
    if len(value) != _ACCOUNT_INFO_LENGTH:
        raise InvalidExport(
            f"the System.Account value of 0x{account_id.hex()} has {len(value)} bytes, expected "
            f"{_ACCOUNT_INFO_LENGTH}: export the state of a block with a runtime of 2021 or later"
        )
    return AccountInfo(
        nonce=decode_fixed(value, 0, 4),
        free=decode_fixed(value, 16, _BALANCE_LENGTH),
        reserved=decode_fixed(value, 32, _BALANCE_LENGTH),
        frozen=decode_fixed(value, 48, _BALANCE_LENGTH),
    )


def decode_total_issuance(value: bytes) -> int:
    """Decode the value of `Balances.TotalIssuance`, a u128 in planks. Raises InvalidExport for another length."""
    if len(value) != _BALANCE_LENGTH:
        raise InvalidExport(f"Balances.TotalIssuance has {len(value)} bytes, expected {_BALANCE_LENGTH}")
    return decode_fixed(value, 0, _BALANCE_LENGTH)


def _concat_hash(account_id: bytes) -> bytes:
    return blake2b(account_id, digest_size=_CONCAT_HASH_LENGTH).digest()
