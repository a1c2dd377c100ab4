"""A state with a few funded accounts and contracts, on which tests execute blocks of L1 or L2."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol import rlp
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, ForkSchedule
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recovered, signing_hash
from phal2.node.protocol.transactions import (
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.rules import ChainRules, L1Rules, L2Rules

L1_CHAIN_ID = 31337
L2_CHAIN_ID = 20350
GWEI = 10**9
ETHER = 10**18
START_TIME = 1_750_000_000
L1_COINBASE = b"\xcb" * 20

ALICE_KEY = keccak256(b"alice")
BOB_KEY = keccak256(b"bob")
ALICE = address_of_private_key(ALICE_KEY)
BOB = address_of_private_key(BOB_KEY)
NOBODY = b"\x90" * 20
"""An address without an account."""

CONTRACT = b"\xc0" * 20
OTHER_CONTRACT = b"\xc1" * 20

STORE_ONE = bytes.fromhex("60015f55")  # sstore(0, 1)
CLEAR_SLOT = bytes.fromhex("5f5f55")  # sstore(0, 0)
REVERT_WITH_WORD = bytes.fromhex("602a5f5260205ffd")  # revert with the word 42
INVALID = bytes.fromhex("fe")
LOG_AND_STOP = bytes.fromhex("60ff5f5fa1")  # an event without data, topic 0xff


def return_word_of(instructions: str) -> bytes:
    """Return code that puts a word on the stack with `instructions` (hex) and returns it."""
    return bytes.fromhex(instructions + "5f5260205ff3")


def rollup_config(forks: ForkSchedule = ALL_THROUGH_ISTHMUS) -> RollupConfig:
    nothing = BlockId(bytes(32), 0)
    system_config = SystemConfig(bytes(20), bytes(32), bytes(32), 30_000_000)
    return RollupConfig(
        l1_chain_id=L1_CHAIN_ID,
        l2_chain_id=L2_CHAIN_ID,
        l1_genesis=nothing,
        l2_genesis=nothing,
        l2_genesis_time=0,
        genesis_system_config=system_config,
        block_time=1,
        batch_inbox_address=bytes(20),
        deposit_contract_address=bytes(20),
        l1_system_config_address=bytes(20),
        forks=forks,
    )


L1 = L1Rules(L1_CHAIN_ID)
L2 = L2Rules(rollup_config())


def environment_of(rules: ChainRules, **changes: Any) -> BlockEnvironment:
    environment = BlockEnvironment(
        parent_hash=b"\x01" * 32,
        number=1,
        timestamp=START_TIME,
        coinbase=L1_COINBASE if isinstance(rules, L1Rules) else SEQUENCER_FEE_VAULT,
        gas_limit=30_000_000,
        base_fee_per_gas=GWEI,
        prev_randao=b"\x02" * 32,
        parent_beacon_block_root=b"\x03" * 32,
        excess_blob_gas=0,
        extra_data=b"",
    )
    return replace(environment, **changes)


@dataclass
class SmallChain:
    """One block under construction. `accounts` are beside Alice and Bob, who have 100 ether each."""

    rules: ChainRules = L2
    accounts: Mapping[bytes, GenesisAccount] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        funded = {address: GenesisAccount(100 * ETHER) for address in (ALICE, BOB)}
        genesis = genesis_state(funded | dict(self.accounts))
        self.database = MemoryDatabase()
        self.database.add(genesis)
        self.state_root = genesis.state_root
        self.block_environment = environment_of(self.rules, **self.environment)
        self.execution = self.open_block()
        self.state = self.execution.state

    def open_block(self) -> BlockExecution:
        return BlockExecution(
            self.rules,
            self.block_environment,
            self.database,
            self.state_root,
            KnownBlockHashes({0: b"\x01" * 32}),
            QuoteVerdicts(),
        )


def transaction(private_key: bytes = ALICE_KEY, rules: ChainRules = L2, **fields: Any) -> RecoveredTransaction:
    """Return a signed transaction of type 2, unless `fields` belong to another type."""
    defaults: dict[str, Any] = {
        "chain_id": rules.chain_id,
        "nonce": 0,
        "max_priority_fee_per_gas": GWEI,
        "max_fee_per_gas": 10 * GWEI,
        "gas_limit": 100_000,
        "to": NOBODY,
        "value": 0,
        "data": b"",
        "access_list": (),
        "y_parity": 0,
        "r": 0,
        "s": 0,
    }
    kind: type[Any] = DynamicFeeTransaction
    if "authorization_list" in fields:
        kind = SetCodeTransaction
    elif "blob_versioned_hashes" in fields:
        kind = BlobTransaction
        defaults["max_fee_per_blob_gas"] = 1
    return signed(kind(**(defaults | fields)), private_key)


def signed(unsigned: SignedTransaction, private_key: bytes) -> RecoveredTransaction:
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    if isinstance(unsigned, LegacyTransaction):
        chain_id = unsigned.chain_id
        v = 27 + y_parity if chain_id is None else 35 + 2 * chain_id + y_parity
        return recovered(replace(unsigned, v=v, r=r, s=s))
    return recovered(replace(unsigned, y_parity=y_parity, r=r, s=s))


def authorization(private_key: bytes, address: bytes, nonce: int = 0, chain_id: int = L2_CHAIN_ID) -> Authorization:
    message = rlp.encode([rlp.encode_uint(chain_id), address, rlp.encode_uint(nonce)])
    return Authorization(chain_id, address, nonce, *sign(keccak256(b"\x05" + message), private_key))


def deposit(**fields: Any) -> RecoveredTransaction:
    defaults: dict[str, Any] = {
        "source_hash": keccak256(repr(sorted(fields.items())).encode()),
        "sender": NOBODY,
        "to": BOB,
        "mint": 0,
        "value": 0,
        "gas_limit": 100_000,
        "is_system_transaction": False,
        "data": b"",
    }
    return recovered(DepositTransaction(**(defaults | fields)))
