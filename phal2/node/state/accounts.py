"""Accounts as the state trie holds them (Yellow Paper 4.1), and the keys of the state and storage tries."""

from functools import lru_cache
from typing import NamedTuple

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.protocol.rlp import decode_uint, encode_uint, expect_bytes, expect_list


class StoredAccount(NamedTuple):
    """An account's entry in the state trie; `balance` is in wei."""

    nonce: int
    balance: int
    storage_root: bytes = EMPTY_TRIE_ROOT
    code_hash: bytes = EMPTY_KECCAK


def encode_account(account: StoredAccount) -> bytes:
    """Return the RLP of an account."""
    return rlp.encode_list(
        [
            rlp.encode_bytes(encode_uint(account.nonce)),
            rlp.encode_bytes(encode_uint(account.balance)),
            b"\xa0" + account.storage_root,
            b"\xa0" + account.code_hash,
        ]
    )


def decode_account(encoded: bytes) -> StoredAccount:
    """Read the RLP of an account; raise `RlpError` where it is none."""
    nonce, balance, storage_root, code_hash = expect_list(rlp.decode(encoded), 4)
    return StoredAccount(
        decode_uint(nonce, 8), decode_uint(balance), expect_bytes(storage_root, 32), expect_bytes(code_hash, 32)
    )


def encode_storage_value(value: int) -> bytes:
    """Return what the storage trie holds for a word; empty, which removes the entry, for 0."""
    return rlp.encode_bytes(encode_uint(value)) if value else b""


def decode_storage_value(encoded: bytes | None) -> int:
    """Read an entry of the storage trie; None, no entry, is 0."""
    return 0 if encoded is None else decode_uint(rlp.decode(encoded))


@lru_cache(maxsize=65_536)
def account_key(address: bytes) -> bytes:
    """Return the state trie's key of an address."""
    return keccak256(address)


@lru_cache(maxsize=65_536)
def storage_key(slot: int) -> bytes:
    """Return a storage trie's key of a slot."""
    return keccak256(slot.to_bytes(32, "big"))
