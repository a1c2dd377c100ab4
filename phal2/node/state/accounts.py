"""Accounts as the state trie holds them (Yellow Paper 4.1), and the keys of the state and storage tries."""

from functools import lru_cache
from typing import Final, NamedTuple

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.protocol.rlp import RlpError, encode_uint

MAXIMUM_NONCE: Final = (1 << 64) - 1
"""No account comes to have it (EIP-2681)."""


class StoredAccount(NamedTuple):
    """An account's entry in the state trie; `balance` is in wei."""

    nonce: int
    balance: int
    storage_root: bytes = EMPTY_TRIE_ROOT
    code_hash: bytes = EMPTY_KECCAK


def encode_account(account: StoredAccount) -> bytes:
    """Return the RLP of an account."""
    nonce, balance, storage_root, code_hash = account
    payload = (
        rlp.encode_bytes(encode_uint(nonce)),
        rlp.encode_bytes(encode_uint(balance)),
        b"\xa0",
        storage_root,
        b"\xa0",
        code_hash,
    )
    return rlp.list_of_payload(b"".join(payload))


def decode_account(encoded: bytes) -> StoredAccount:
    """Read the RLP of an account; raise `RlpError` where it is none."""
    # Every account ends in two hashes, each behind its prefix: only what is before them needs to be looked at.
    if len(encoded) < 70 or encoded[0] != 0xF8 or encoded[1] != len(encoded) - 2:
        raise RlpError(f"account of {len(encoded)} bytes is not an RLP list of nonce, balance and two hashes")
    if encoded[-66] != 0xA0 or encoded[-33] != 0xA0:
        raise RlpError("account whose storage root or code hash is not of 32 bytes")
    nonce, position = encoded[2], 3
    if not 0 < nonce < 0x80:
        nonce, position = _decode_short_uint(encoded, 2)
    balance, position = _decode_short_uint(encoded, position)
    if position != len(encoded) - 66:
        raise RlpError(f"account of {len(encoded)} bytes has more than nonce, balance and two hashes")
    return StoredAccount(nonce, balance, encoded[-65:-33], encoded[-32:])


def _decode_short_uint(encoded: bytes, start: int) -> tuple[int, int]:
    """Read a canonical integer of at most 32 bytes at `start`; return it and where it ends."""
    prefix = encoded[start]
    if 0 < prefix < 0x80:
        return prefix, start + 1
    end = start + 1 + prefix - 0x80
    value = int.from_bytes(encoded[start + 1 : end], "big")
    if not 0x80 <= prefix <= 0xA0 or (prefix > 0x80 and encoded[start + 1] == 0) or (prefix == 0x81 and value < 0x80):
        raise RlpError("nonce, balance or storage value that is not a canonical integer")
    return value, end


def encode_storage_value(value: int) -> bytes:
    """Return what the storage trie holds for a word; empty, which removes the entry, for 0."""
    return rlp.encode_bytes(encode_uint(value)) if value else b""


def decode_storage_value(encoded: bytes | None) -> int:
    """Read an entry of the storage trie; None, no entry, is 0. Raise `RlpError` where it is no integer."""
    if encoded is None:
        return 0
    if not encoded or len(encoded) != (1 if encoded[0] < 0x80 else encoded[0] - 0x7F):
        raise RlpError(f"storage value of {len(encoded)} bytes that is not the RLP of an integer")
    return _decode_short_uint(encoded, 0)[0]


@lru_cache(maxsize=65_536)
def account_key(address: bytes) -> bytes:
    """Return the state trie's key of an address."""
    return keccak256(address)


@lru_cache(maxsize=65_536)
def storage_key(slot: int) -> bytes:
    """Return a storage trie's key of a slot."""
    return keccak256(slot.to_bytes(32, "big"))
