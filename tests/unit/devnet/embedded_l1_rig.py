"""An embedded L1 in a directory of the test, accounts with ether, and transactions of all types."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.driver.clock import Clock
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol import rlp
from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar, encode_network_form
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules

CHAIN_ID = 31337
ETHER = 10**18
GWEI = 10**9
KEY = keccak256(b"sender")
SENDER = address_of_private_key(KEY)
OTHER_KEY = keccak256(b"other")
OTHER = address_of_private_key(OTHER_KEY)
RECEIVER = b"\x0e" * 20
LOGGER = b"\x0d" * 20
# log1(0, calldatasize, calldataload(0)) over the call data
LOGGER_CODE = bytes.fromhex("365f5f375f35365fa100")
REVERTER = b"\x0f" * 20
REVERTER_CODE = bytes.fromhex("5f5ffd")


class StoppedClock(Clock):
    """A clock that only moves when it is advanced."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def now(self) -> float:
        return self._start + self.offset


GENESIS_TIME = 1_750_000_000


def genesis() -> ExecutedBlock:
    accounts = {
        SENDER: GenesisAccount(balance=1_000 * ETHER),
        OTHER: GenesisAccount(balance=1_000 * ETHER),
        LOGGER: GenesisAccount(code=LOGGER_CODE),
        REVERTER: GenesisAccount(code=REVERTER_CODE),
    }
    state = genesis_state(L1_SYSTEM_CONTRACTS | accounts)
    return l1_genesis_block(L1Rules(CHAIN_ID), state, GENESIS_TIME, 30_000_000, GWEI)


def open_l1(path: Path, clock: Clock | None = None, **options: Any) -> EmbeddedL1:
    clock = clock or StoppedClock(GENESIS_TIME + 100)
    return EmbeddedL1.open(path, genesis(), CHAIN_ID, 2, clock, durable=False, **options)


def signed(unsigned: SignedTransaction, key: bytes = KEY) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), key)
    if isinstance(unsigned, LegacyTransaction):
        return encode_transaction(replace(unsigned, v=unsigned.v + y_parity, r=r, s=s))
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def dynamic_fee(nonce: int, key: bytes = KEY, **fields: Any) -> bytes:
    values: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "nonce": nonce,
        "max_priority_fee_per_gas": GWEI,
        "max_fee_per_gas": 10 * GWEI,
        "gas_limit": 100_000,
        "to": RECEIVER,
        "value": 1,
        "data": b"",
        "access_list": (),
        "y_parity": 0,
        "r": 0,
        "s": 0,
    }
    return signed(DynamicFeeTransaction(**(values | fields)), key)


def blob_envelope(nonce: int, sidecars: tuple[BlobSidecar, ...], key: bytes = KEY, **fields: Any) -> bytes:
    values: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "nonce": nonce,
        "max_priority_fee_per_gas": GWEI,
        "max_fee_per_gas": 10 * GWEI,
        "gas_limit": 100_000,
        "to": RECEIVER,
        "value": 0,
        "data": b"",
        "access_list": (),
        "max_fee_per_blob_gas": GWEI,
        "blob_versioned_hashes": tuple(sidecar.versioned_hash for sidecar in sidecars),
        "y_parity": 0,
        "r": 0,
        "s": 0,
    }
    return signed(BlobTransaction(**(values | fields)), key)


def blob_transaction(nonce: int, sidecars: tuple[BlobSidecar, ...], key: bytes = KEY, **fields: Any) -> bytes:
    """The network form."""
    return encode_network_form(blob_envelope(nonce, sidecars, key, **fields), sidecars)


def some_blob(number: int) -> bytes:
    return b"".join((number + index).to_bytes(32, "big") for index in range(BYTES_PER_BLOB // 32))


async def some_sidecars(kzg: KzgWorker, count: int) -> tuple[BlobSidecar, ...]:
    return await kzg.commit([some_blob(number) for number in range(count)])


def legacy(nonce: int) -> bytes:
    return signed(LegacyTransaction(nonce, 10 * GWEI, 100_000, RECEIVER, 1, b"", 35 + 2 * CHAIN_ID, 0, 0))


def access_list(nonce: int) -> bytes:
    entry = (LOGGER, (bytes(32),))
    return signed(
        AccessListTransaction(CHAIN_ID, nonce, 10 * GWEI, 100_000, LOGGER, 0, b"\x11" * 40, (entry,), 0, 0, 0)
    )


def set_code(nonce: int) -> bytes:
    unsigned = Authorization(CHAIN_ID, LOGGER, 0, 0, 0, 0)
    message = rlp.encode([rlp.encode_uint(CHAIN_ID), LOGGER, rlp.encode_uint(0)])
    y_parity, r, s = sign(keccak256(b"\x05" + message), OTHER_KEY)
    authorization = replace(unsigned, y_parity=y_parity, r=r, s=s)
    return signed(
        SetCodeTransaction(
            CHAIN_ID, nonce, GWEI, 10 * GWEI, 100_000, OTHER, 0, b"\x22" * 40, (), (authorization,), 0, 0, 0
        )
    )
