"""Merkle proofs of accounts and storage (EIP-1186), made and checked."""

from collections.abc import Sequence
from dataclasses import dataclass

from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.accounts import (
    StoredAccount,
    account_key,
    decode_account,
    decode_storage_value,
    storage_key,
)
from phal2.node.state.database import MemoryDatabase, MissingNode, StateDatabase
from phal2.node.state.trie import EMPTY_ROOT, TrieReader, TrieRoot


class InvalidProof(Phal2Error):
    """A proof that does not show what it claims under the given state root."""


@dataclass(frozen=True, slots=True)
class StorageProof:
    """A storage word, and the nodes from the storage root down to it (or to where its absence shows)."""

    slot: int
    value: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account, the nodes from the state root down to it, and proofs of some of its words.

    An absent account has balance and nonce 0, no code and no storage.
    """

    address: bytes
    balance: int
    nonce: int
    code_hash: bytes
    storage_hash: bytes
    account_proof: tuple[bytes, ...]
    storage_proofs: tuple[StorageProof, ...]


def account_proof(database: StateDatabase, state_root: bytes, address: bytes, slots: Sequence[int]) -> AccountProof:
    """Return an account and words of its storage with their proofs; raise `MissingNode` where the state is not kept."""
    reader = TrieReader(database)
    root = reader.root(state_root)
    entry = reader.entry(root, account_key(address))
    account, storage = StoredAccount(0, 0), EMPTY_ROOT
    if entry is not None:
        account = decode_account(entry.value)
        storage = TrieRoot(account.storage_root, entry.link)
    return AccountProof(
        address=address,
        balance=account.balance,
        nonce=account.nonce,
        code_hash=account.code_hash,
        storage_hash=account.storage_root,
        account_proof=tuple(reader.path_nodes(root, account_key(address))),
        storage_proofs=tuple(_storage_proof(reader, storage, slot) for slot in slots),
    )


def verify_account_proof(state_root: bytes, proof: AccountProof) -> None:
    """Raise `InvalidProof` unless the proof shows its account and words under `state_root`."""
    claimed = StoredAccount(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash)
    encoded = _proven_value(state_root, account_key(proof.address), proof.account_proof)
    shown = StoredAccount(0, 0) if encoded is None else decode_account(encoded)
    if shown != claimed:
        raise InvalidProof(f"the proof shows another account at 0x{proof.address.hex()} than it claims")
    for storage in proof.storage_proofs:
        word = decode_storage_value(_proven_value(proof.storage_hash, storage_key(storage.slot), storage.proof))
        if word != storage.value:
            raise InvalidProof(f"the proof shows {word} in slot {storage.slot:#x}, but claims {storage.value}")


def _storage_proof(reader: TrieReader, root: TrieRoot, slot: int) -> StorageProof:
    key = storage_key(slot)
    return StorageProof(slot, decode_storage_value(reader.get(root, key)), tuple(reader.path_nodes(root, key)))


def _proven_value(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    if root == EMPTY_TRIE_ROOT:
        return None
    database = MemoryDatabase({keccak256(node): node for node in nodes})
    try:
        return TrieReader(database).get(TrieRoot(root), key)
    except MissingNode as error:
        raise InvalidProof(f"the proof lacks the node 0x{error.node_hash.hex()}") from error
