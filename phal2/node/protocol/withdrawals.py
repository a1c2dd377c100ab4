"""Withdrawals: messages from L2 to L1 that the L2ToL1MessagePasser stores (OP Stack "Withdrawals")."""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.receipts import Log

MESSAGE_VERSION: Final = 1
MESSAGE_PASSED_TOPIC: Final = keccak256(b"MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)")
SENT_MESSAGES_SLOT: Final = 0
"""Storage slot of the message passer's mapping from withdrawal hash to true."""

_NONCE_VERSION_SHIFT: Final = 240
_DATA_OFFSET: Final = 6 * 32
_LOG_HEAD: Final = 5 * 32


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A message to L1. `nonce` has its version in the upper two bytes; `value` is in wei, `gas_limit` is L1 gas."""

    nonce: int
    sender: bytes
    target: bytes
    value: int
    gas_limit: int
    data: bytes


def encode_nonce(counter: int, version: int = MESSAGE_VERSION) -> int:
    """Return a message nonce: the version in the upper two bytes, the message passer's counter below."""
    if not 0 <= counter < 1 << _NONCE_VERSION_SHIFT or not 0 <= version < 1 << 16:
        raise ValueError(f"counter {counter} or version {version} is out of range (240 and 16 bits)")
    return version << _NONCE_VERSION_SHIFT | counter


def decode_nonce(nonce: int) -> tuple[int, int]:
    """Return (counter, version) of a message nonce."""
    return nonce & ((1 << _NONCE_VERSION_SHIFT) - 1), nonce >> _NONCE_VERSION_SHIFT


def withdrawal_hash(withdrawal: Withdrawal) -> bytes:
    """Return keccak(abi.encode(nonce, sender, target, value, gas limit, data))."""
    padding = bytes(-len(withdrawal.data) % 32)
    words = (
        withdrawal.nonce.to_bytes(32, "big"),
        withdrawal.sender.rjust(32, b"\x00"),
        withdrawal.target.rjust(32, b"\x00"),
        withdrawal.value.to_bytes(32, "big"),
        withdrawal.gas_limit.to_bytes(32, "big"),
        _DATA_OFFSET.to_bytes(32, "big"),
        len(withdrawal.data).to_bytes(32, "big"),
    )
    return keccak256(b"".join(words) + withdrawal.data + padding)


def withdrawal_storage_slot(hash_of_withdrawal: bytes) -> bytes:
    """Return the 32-byte storage key of the message passer that is true once the withdrawal was initiated."""
    return keccak256(hash_of_withdrawal + SENT_MESSAGES_SLOT.to_bytes(32, "big"))


def withdrawal_from_log(log: Log) -> Withdrawal:
    """Read a `MessagePassed` log of the message passer; raise `InvalidEncoding` where it is malformed.

    The hash that the log names is checked against the withdrawal's.
    """
    if log.address != L2_TO_L1_MESSAGE_PASSER or len(log.topics) != 4 or log.topics[0] != MESSAGE_PASSED_TOPIC:
        raise InvalidEncoding("not a MessagePassed log of the message passer with four topics")
    # The data is abi.encode(value, gas limit, offset of data, withdrawal hash) and then data with its length.
    length = int.from_bytes(log.data[4 * 32 : _LOG_HEAD], "big")
    if (
        int.from_bytes(log.data[2 * 32 : 3 * 32], "big") != 4 * 32
        or len(log.data) != _LOG_HEAD + (length + 31) // 32 * 32
    ):
        raise InvalidEncoding("MessagePassed: data is not the ABI encoding of (uint256, uint256, bytes, bytes32)")
    withdrawal = Withdrawal(
        nonce=int.from_bytes(log.topics[1], "big"),
        sender=log.topics[2][12:],
        target=log.topics[3][12:],
        value=int.from_bytes(log.data[:32], "big"),
        gas_limit=int.from_bytes(log.data[32:64], "big"),
        data=log.data[_LOG_HEAD : _LOG_HEAD + length],
    )
    if withdrawal_hash(withdrawal) != log.data[3 * 32 : 4 * 32]:
        raise InvalidEncoding("MessagePassed: the log's withdrawal hash is not that of its fields")
    return withdrawal
