"""eth methods that read accounts and storage at a block."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from phal2.node.rpc.block_reference import LATEST, Block, BlockReference, require_header
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import InvalidArgument, invalid_params
from phal2.node.rpc.formats.account_proof import format_account_proof
from phal2.node.rpc.hexadecimal import data, quantity, type_name
from phal2.node.rpc.parameter_types import (
    Address,
    ParameterType,
    StorageKey,
    StorageSlot,
    StorageSlots,
    list_of,
    parse_address,
    parse_storage_key,
)
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import DATA, HASH, PROOF, QUANTITY, map_of
from phal2.node.rpc.result_schemas import list_of as array_of
from phal2.node.rpc.workers import Workers
from phal2.node.state.accounts import StoredAccount, account_key, decode_account
from phal2.node.state.proofs import account_proof
from phal2.node.state.trie import TrieReader, TrieRoot
from phal2.node.state.world_state import WorldState
from phal2.node.storage.recent_cache import RecentCache

_CACHED_NODES: Final = 20_000
_CACHED_ACCOUNTS: Final = 10_000
_ABSENT: Final = StoredAccount(0, 0)

MAXIMUM_SLOTS: Final = 1_024
"""Words that one eth_getStorageValues gives, as in geth."""


def parse_slots_by_address(value: Any) -> dict[bytes, tuple[StorageKey, ...]]:
    """Read {address: [storage keys]}; raise `InvalidArgument`."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object of storage keys by address, got {type_name(value)}")
    parse_keys = list_of(parse_storage_key, MAXIMUM_SLOTS)
    return {parse_address(address): parse_keys(keys) for address, keys in value.items()}


SlotsByAddress = Annotated[
    Mapping[bytes, tuple[StorageKey, ...]],
    ParameterType(parse_slots_by_address, {"title": "storage keys by address", "type": "object"}),
]


class StateMethods:
    """Balances, nonces, code, storage and proofs, at every block whose state is kept."""

    def __init__(self, chain: ChainService, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers
        self._reader = TrieReader(chain.store, _CACHED_NODES)
        self._accounts: RecentCache[tuple[TrieRoot, bytes], StoredAccount] = RecentCache(_CACHED_ACCOUNTS)

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_getBalance", self.balance, result=QUANTITY)
        registry.add("eth_getTransactionCount", self.transaction_count, result=QUANTITY)
        registry.add("eth_getCode", self.code, result=DATA)
        registry.add("eth_getStorageAt", self.storage_at, result=HASH)
        registry.add("eth_getStorageValues", self.storage_values, in_worker=True, result=map_of(array_of(HASH)))
        registry.add("eth_getProof", self.proof, result=PROOF)

    def balance(self, address: Address, block: Block = LATEST) -> str:
        """Return an account's balance in wei."""
        return quantity(self._account(address, block).balance)

    def transaction_count(self, address: Address, block: Block = LATEST) -> str:
        """Return an account's nonce; at "pending" with the pool's transactions counted."""
        if block.tag == "pending":
            return quantity(self._chain.pending_nonce(address))
        return quantity(self._account(address, block).nonce)

    def code(self, address: Address, block: Block = LATEST) -> str:
        """Return an account's code."""
        return data(self._state(block).code(address))

    def storage_at(self, address: Address, key: StorageSlot, block: Block = LATEST) -> str:
        """Return a word of an account's storage."""
        return data(self._state(block).storage(address, key.slot).to_bytes(32, "big"))

    def storage_values(self, slots: SlotsByAddress, block: Block = LATEST) -> dict[str, list[str]]:
        """Return words of several accounts' storage."""
        if not slots:
            raise invalid_params("empty request")
        count = sum(len(keys) for keys in slots.values())
        if count > MAXIMUM_SLOTS:
            raise invalid_params(f"too many slots (max {MAXIMUM_SLOTS}, got {count})")
        state = self._state(block)
        return {
            data(address): [data(state.storage(address, key.slot).to_bytes(32, "big")) for key in keys]
            for address, keys in slots.items()
        }

    async def proof(self, address: Address, keys: StorageSlots, block: Block = LATEST) -> dict[str, Any]:
        """Return an account and storage words with their Merkle proofs (EIP-1186)."""
        state_root = require_header(self._chain, block).state_root
        slots = [key.slot for key in keys]
        proof = await self._workers.run(account_proof, self._chain.store, state_root, address, slots)
        return format_account_proof(proof, keys)

    def _account(self, address: bytes, block: BlockReference) -> StoredAccount:
        """Return what is stored of an account, without a world state around it."""
        root = self._reader.root(require_header(self._chain, block).state_root)
        account = self._accounts.get((root, address))
        if account is None:
            encoded = self._reader.get(root, account_key(address))
            account = _ABSENT if encoded is None else decode_account(encoded)
            self._accounts.put((root, address), account)
        return account

    def _state(self, block: BlockReference) -> WorldState:
        return WorldState(self._chain.store, require_header(self._chain, block).state_root, self._reader)
