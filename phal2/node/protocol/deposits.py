"""Deposit transactions, type 0x7E: what L1 makes an L2 block include (OP Stack "Deposits")."""

from dataclasses import dataclass
from typing import ClassVar, Final

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.rlp import RlpError, decode_uint, expect_bytes
from phal2.node.protocol.transactions import DEPOSIT, AccessList, Authorization

USER_DEPOSIT_DOMAIN: Final = 0
L1_ATTRIBUTES_DOMAIN: Final = 1
UPGRADE_DOMAIN: Final = 2

TRANSACTION_DEPOSITED_TOPIC: Final = keccak256(b"TransactionDeposited(address,address,uint256,bytes)")
_OPAQUE_DATA_HEAD: Final = 32 + 32 + 8 + 1


@dataclass(frozen=True, slots=True)
class DepositTransaction:
    """A transaction without nonce, signature or fee, unique by its source hash.

    `mint` wei are created for `sender` before the call and stay even where the call fails. `to` is None for a creation.
    """

    source_hash: bytes
    sender: bytes
    to: bytes | None
    mint: int
    value: int
    gas_limit: int
    is_system_transaction: bool
    data: bytes

    transaction_type: ClassVar[int] = DEPOSIT
    access_list: ClassVar[AccessList] = ()
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0
    max_fee_per_gas: ClassVar[int] = 0
    max_priority_fee_per_gas: ClassVar[int] = 0


def encode_deposit(deposit: DepositTransaction) -> bytes:
    """Return `0x7E ++ rlp(fields)`."""
    return b"\x7e" + rlp.encode(
        [
            deposit.source_hash,
            deposit.sender,
            deposit.to or b"",
            rlp.encode_uint(deposit.mint),
            rlp.encode_uint(deposit.value),
            rlp.encode_uint(deposit.gas_limit),
            b"\x01" if deposit.is_system_transaction else b"",
            deposit.data,
        ]
    )


def decode_deposit(raw: bytes) -> DepositTransaction:
    """Read the envelope of a deposit; raise `RlpError` where it is not canonical."""
    if raw[:1] != b"\x7e":
        raise RlpError("a deposit begins with the byte 0x7e")
    fields = rlp.expect_list(rlp.decode(raw[1:]), 8)
    to = expect_bytes(fields[2])
    if len(to) not in (0, 20):
        raise RlpError(f"recipient of {len(to)} bytes, expected 0 or 20")
    is_system = decode_uint(fields[6], 1)
    if is_system > 1:
        raise RlpError(f"isSystemTx is {is_system}, expected 0 or 1")
    return DepositTransaction(
        source_hash=expect_bytes(fields[0], 32),
        sender=expect_bytes(fields[1], 20),
        to=to or None,
        mint=decode_uint(fields[3]),
        value=decode_uint(fields[4]),
        gas_limit=decode_uint(fields[5], 8),
        is_system_transaction=bool(is_system),
        data=expect_bytes(fields[7]),
    )


def user_deposit_source_hash(l1_block_hash: bytes, l1_log_index: int) -> bytes:
    """Return the source hash of a deposit by its L1 block and the block-wide index of its log."""
    return _source_hash(USER_DEPOSIT_DOMAIN, keccak256(l1_block_hash + l1_log_index.to_bytes(32, "big")))


def l1_attributes_source_hash(l1_block_hash: bytes, sequence_number: int) -> bytes:
    """Return the L1 attributes deposit's source hash; `sequence_number` counts the L2 blocks of the epoch from 0."""
    return _source_hash(L1_ATTRIBUTES_DOMAIN, keccak256(l1_block_hash + sequence_number.to_bytes(32, "big")))


def upgrade_source_hash(intent: str) -> bytes:
    """Return the source hash of an upgrade deposit by its intent, such as "Isthmus: L1 Block Deployment"."""
    return _source_hash(UPGRADE_DOMAIN, keccak256(intent.encode()))


def deposit_from_log(log: Log, l1_block_hash: bytes, l1_log_index: int) -> DepositTransaction:
    """Read a `TransactionDeposited` log of the portal; raise `InvalidEncoding` where it is malformed.

    As in op-node and kona, any isCreation but 0 means a creation.
    """
    if len(log.topics) != 4 or log.topics[0] != TRANSACTION_DEPOSITED_TOPIC:
        raise InvalidEncoding("not a TransactionDeposited log: it has four topics")
    if any(topic[:12] != bytes(12) for topic in log.topics[1:3]):
        raise InvalidEncoding("TransactionDeposited: an address topic has a non-zero upper part")
    if int.from_bytes(log.topics[3], "big") != 0:
        raise InvalidEncoding(f"TransactionDeposited: version {int.from_bytes(log.topics[3], 'big')}, expected 0")
    opaque_data = _abi_single_bytes(log.data)
    if len(opaque_data) < _OPAQUE_DATA_HEAD:
        raise InvalidEncoding(f"opaqueData of {len(opaque_data)} bytes, expected at least {_OPAQUE_DATA_HEAD}")
    return DepositTransaction(
        source_hash=user_deposit_source_hash(l1_block_hash, l1_log_index),
        sender=log.topics[1][12:],
        to=None if opaque_data[72] else log.topics[2][12:],
        mint=int.from_bytes(opaque_data[:32], "big"),
        value=int.from_bytes(opaque_data[32:64], "big"),
        gas_limit=int.from_bytes(opaque_data[64:72], "big"),
        is_system_transaction=False,
        data=opaque_data[_OPAQUE_DATA_HEAD:],
    )


def _source_hash(domain: int, inner: bytes) -> bytes:
    return keccak256(domain.to_bytes(32, "big") + inner)


def _abi_single_bytes(data: bytes) -> bytes:
    """Read the ABI encoding of one `bytes` argument: offset 32, length, content padded with zeros to whole words."""
    length = int.from_bytes(data[32:64], "big")
    if len(data) < 64 or int.from_bytes(data[:32], "big") != 32 or len(data) != 64 + (length + 31) // 32 * 32:
        raise InvalidEncoding("TransactionDeposited: data is not the ABI encoding of one bytes argument")
    return data[64 : 64 + length]
