"""The state and the block that a chain begins with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from phal2.node.protocol.fees import encode_holocene_extra_data
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_TRIE_ROOT,
    Block,
    Header,
    header_hash,
)
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER, SEQUENCER_FEE_VAULT
from phal2.node.protocol.receipts import EMPTY_BLOOM
from phal2.node.state.accounts import (
    StoredAccount,
    encode_account,
    encode_storage_value,
)
from phal2.node.state.database import GENESIS_SERIAL, MemoryDatabase, StateUpdate, first_location
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules, L2Rules, Revision
from phal2.node.state.trie import EMPTY_ROOT, TrieReader
from phal2.node.state.trie_update import update_trie
from phal2.node.state.world_state import WorldState


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """An account at genesis: balance in wei, and storage words by slot (zeros are left out)."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


def genesis_state(accounts: Mapping[bytes, GenesisAccount]) -> StateUpdate:
    """Return the state of `accounts` by 20-byte address. Accounts with nothing in them are kept, as geth keeps them."""
    reader = TrieReader(MemoryDatabase())
    added = NodeChanges(first_location(GENESIS_SERIAL))
    codes: dict[bytes, bytes] = {}
    entries: dict[bytes, bytes] = {}
    links: dict[bytes, int] = {}
    for address, account in accounts.items():
        # Not `account_key` and `storage_key`, whose caches are for what blocks use again.
        key = keccak256(address)
        storage = EMPTY_ROOT
        if account.storage:
            words = {
                keccak256(slot.to_bytes(32, "big")): encode_storage_value(word)
                for slot, word in account.storage.items()
            }
            storage = update_trie(reader, EMPTY_ROOT, words, added)
            links[key] = storage.location
        code_hash = EMPTY_KECCAK
        if account.code:
            code_hash = keccak256(account.code)
            codes[code_hash] = account.code
        entries[key] = encode_account(StoredAccount(account.nonce, account.balance, storage.hash, code_hash))
    root = update_trie(reader, EMPTY_ROOT, entries, added, links)
    return StateUpdate(root.hash, codes, root.location, added.first_location, added.records)


def l2_genesis_block(
    rules: L2Rules,
    state: StateUpdate,
    timestamp: int,
    gas_limit: int,
    base_fee_per_gas: int,
    number: int = 0,
    extra_data: bytes | None = None,
) -> ExecutedBlock:
    """Return the L2 genesis block, with the header fields of its forks.

    `extra_data` None stands for the configuration's EIP-1559 parameters (Holocene), or nothing before.
    """
    config = rules.config
    ecotone, isthmus = (config.forks.is_active(fork, timestamp) for fork in (Fork.ECOTONE, Fork.ISTHMUS))
    if extra_data is None:
        holocene = config.forks.is_active(Fork.HOLOCENE, timestamp)
        parameters = (config.eip1559_denominator_canyon, config.eip1559_elasticity)
        extra_data = encode_holocene_extra_data(*parameters) if holocene else b""
    withdrawals_root = EMPTY_TRIE_ROOT if config.forks.is_active(Fork.CANYON, timestamp) else None
    header = _genesis_header(
        state_root=state.state_root,
        coinbase=SEQUENCER_FEE_VAULT,
        number=number,
        timestamp=timestamp,
        gas_limit=gas_limit,
        base_fee_per_gas=base_fee_per_gas,
        extra_data=extra_data,
        withdrawals_root=_storage_root(state, L2_TO_L1_MESSAGE_PASSER) if isthmus else withdrawals_root,
        has_blob_fields=ecotone,
        has_requests=isthmus,
    )
    return _genesis_block(header, state)


def l1_genesis_block(
    rules: L1Rules,
    state: StateUpdate,
    timestamp: int,
    gas_limit: int,
    base_fee_per_gas: int,
    extra_data: bytes = b"",
) -> ExecutedBlock:
    """Return the genesis block of an L1 chain."""
    header = _genesis_header(
        state_root=state.state_root,
        coinbase=bytes(20),
        number=0,
        timestamp=timestamp,
        gas_limit=gas_limit,
        base_fee_per_gas=base_fee_per_gas,
        extra_data=extra_data,
        withdrawals_root=EMPTY_TRIE_ROOT if rules.revision >= Revision.SHANGHAI else None,
        has_blob_fields=rules.revision >= Revision.CANCUN,
        has_requests=rules.revision >= Revision.PRAGUE,
    )
    return _genesis_block(header, state)


def _genesis_header(
    *,
    state_root: bytes,
    coinbase: bytes,
    number: int,
    timestamp: int,
    gas_limit: int,
    base_fee_per_gas: int,
    extra_data: bytes,
    withdrawals_root: bytes | None,
    has_blob_fields: bool,
    has_requests: bool,
) -> Header:
    return Header(
        parent_hash=bytes(32),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=coinbase,
        state_root=state_root,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        bloom=EMPTY_BLOOM,
        difficulty=0,
        number=number,
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=timestamp,
        extra_data=extra_data,
        prev_randao=bytes(32),
        nonce=bytes(8),
        base_fee_per_gas=base_fee_per_gas,
        withdrawals_root=withdrawals_root,
        blob_gas_used=0 if has_blob_fields else None,
        excess_blob_gas=0 if has_blob_fields else None,
        parent_beacon_block_root=bytes(32) if has_blob_fields else None,
        requests_hash=EMPTY_REQUESTS_HASH if has_requests else None,
    )


def _genesis_block(header: Header, state: StateUpdate) -> ExecutedBlock:
    return ExecutedBlock(Block(header, header_hash(header), ()), (), (), {}, state, ())


def _storage_root(state: StateUpdate, address: bytes) -> bytes:
    database = MemoryDatabase()
    database.add(state)
    return WorldState(database, state.state_root).storage_root(address)
