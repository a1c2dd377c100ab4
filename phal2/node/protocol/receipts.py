"""Logs, bloom filters and receipts with their consensus encoding (Yellow Paper 4.3.1, EIP-2718, OP Stack)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import RlpError, decode_uint, encode_uint, expect_bytes, expect_list
from phal2.node.protocol.transactions import DEPOSIT, LARGEST_TYPE, LEGACY

BLOOM_LENGTH: Final = 256
EMPTY_BLOOM: Final = bytes(BLOOM_LENGTH)

_NO_LOGS: Final = rlp.encode_bytes(EMPTY_BLOOM) + rlp.encode_list([])
"""Bloom and logs of a plain transfer's receipt."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract wrote: its 20-byte address, up to four topics of 32 bytes, and data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The consensus part of a receipt. `status` is 1 for success and 0 for failure.

    The deposit fields are None but for deposits since Canyon (then both are present).
    """

    transaction_type: int
    status: int
    cumulative_gas_used: int
    bloom: bytes
    logs: tuple[Log, ...]
    deposit_nonce: int | None = None
    deposit_receipt_version: int | None = None


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 256-byte bloom filter of the addresses and topics of `logs`."""
    bits = 0
    for log in logs:
        bits |= _bloom_bits(log.address)
        for topic in log.topics:
            bits |= _bloom_bits(topic)
    return bits.to_bytes(BLOOM_LENGTH, "big") if bits else EMPTY_BLOOM


def join_blooms(blooms: Iterable[bytes]) -> bytes:
    """Return the union of bloom filters."""
    bits = 0
    for bloom in blooms:
        if bloom != EMPTY_BLOOM:
            bits |= int.from_bytes(bloom, "big")
    return bits.to_bytes(BLOOM_LENGTH, "big") if bits else EMPTY_BLOOM


def bloom_may_contain(bloom: bytes, element: bytes) -> bool:
    """Tell whether an address or topic may have been added to `bloom` (false positives are possible)."""
    bits = _bloom_bits(element)
    return int.from_bytes(bloom, "big") & bits == bits


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the consensus bytes: RLP for type 0, else the type byte and RLP."""
    fields = [
        rlp.encode_bytes(encode_uint(receipt.status)),
        rlp.encode_bytes(encode_uint(receipt.cumulative_gas_used)),
        _NO_LOGS if receipt.bloom is EMPTY_BLOOM and not receipt.logs else _encode_logs(receipt),
    ]
    if receipt.deposit_nonce is not None:
        fields.append(rlp.encode_bytes(encode_uint(receipt.deposit_nonce)))
    if receipt.deposit_receipt_version is not None:
        fields.append(rlp.encode_bytes(encode_uint(receipt.deposit_receipt_version)))
    encoded = rlp.encode_list(fields)
    return encoded if receipt.transaction_type == LEGACY else bytes([receipt.transaction_type]) + encoded


def decode_receipt(raw: bytes) -> Receipt:
    """Read consensus bytes; raise `RlpError` where they are not canonical or the bloom is not that of the logs."""
    if not raw:
        raise RlpError("an empty byte string is no receipt")
    transaction_type = LEGACY if raw[0] >= 0xC0 else raw[0]
    if raw[0] == LEGACY or LARGEST_TYPE < raw[0] < 0xC0:
        raise RlpError(f"receipt of type 0x{raw[0]:02x}, expected 0x01 to 0x7f, or a list for type 0 (EIP-2718)")
    fields = expect_list(rlp.decode(raw if transaction_type == LEGACY else raw[1:]))
    if len(fields) != 4 and not (transaction_type == DEPOSIT and len(fields) == 6):
        raise RlpError(f"receipt of {len(fields)} fields")
    logs = tuple(_decode_log(expect_list(item, 3)) for item in expect_list(fields[3]))
    status, bloom = decode_uint(fields[0], 1), expect_bytes(fields[2], BLOOM_LENGTH)
    if status > 1:
        raise RlpError(f"receipt status {status}, expected 0 or 1")
    if bloom != logs_bloom(logs):
        raise RlpError("the receipt's bloom filter is not that of its logs")
    return Receipt(
        transaction_type=transaction_type,
        status=status,
        cumulative_gas_used=decode_uint(fields[1], 8),
        bloom=bloom,
        logs=logs,
        deposit_nonce=decode_uint(fields[4], 8) if len(fields) == 6 else None,
        deposit_receipt_version=decode_uint(fields[5], 8) if len(fields) == 6 else None,
    )


def _encode_logs(receipt: Receipt) -> bytes:
    return rlp.encode_bytes(receipt.bloom) + rlp.encode_list([_encode_log(log) for log in receipt.logs])


def _encode_log(log: Log) -> bytes:
    topics = rlp.encode_list([rlp.encode_bytes(topic) for topic in log.topics])
    return rlp.encode_list([rlp.encode_bytes(log.address), topics, rlp.encode_bytes(log.data)])


def _decode_log(fields: Sequence[rlp.Decoded]) -> Log:
    topics = tuple(expect_bytes(topic, 32) for topic in expect_list(fields[1]))
    if len(topics) > 4:
        raise RlpError(f"log with {len(topics)} topics, at most 4 allowed")
    return Log(expect_bytes(fields[0], 20), topics, expect_bytes(fields[2]))


@lru_cache(maxsize=4096)
def _bloom_bits(element: bytes) -> int:
    digest = keccak256(element)
    bits = 0
    for index in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[index : index + 2], "big") & 2047)
    return bits
