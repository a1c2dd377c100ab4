"""How the parts of a block are recorded.

Receipts leave out their blooms, which follow from the logs and would be most of a small receipt's size.
"""

from collections.abc import Sequence
from functools import lru_cache

from phal2.node.protocol import rlp
from phal2.node.protocol.receipts import Log, Receipt, logs_bloom
from phal2.node.protocol.rlp import Decoded, decode_uint, encode_uint, expect_bytes, expect_list

ADDRESS_LENGTH = 20


def encode_body(envelopes: Sequence[bytes]) -> bytes:
    """Return the record of a block's transactions."""
    return rlp.encode_list([rlp.encode_bytes(envelope) for envelope in envelopes])


def decode_body(record: bytes) -> tuple[bytes, ...]:
    """Read a block's transactions."""
    return tuple(expect_bytes(item) for item in rlp.decode_list(record))


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Return the record of a block's receipts."""
    return rlp.encode_list([_encode_receipt(receipt) for receipt in receipts])


def decode_receipts(record: bytes) -> tuple[Receipt, ...]:
    """Read a block's receipts, with their blooms."""
    return tuple(_read_receipt(expect_list(item)) for item in rlp.decode_list(record))


def encode_senders(senders: Sequence[bytes]) -> bytes:
    """Return the record of a block's senders."""
    return b"".join(senders)


def decode_senders(record: bytes) -> tuple[bytes, ...]:
    """Read a block's senders."""
    return tuple(record[start : start + ADDRESS_LENGTH] for start in range(0, len(record), ADDRESS_LENGTH))


def _encode_receipt(receipt: Receipt) -> bytes:
    logs = rlp.encode([[log.address, list(log.topics), log.data] for log in receipt.logs]) if receipt.logs else b"\xc0"
    payload = _encode_kind(receipt.transaction_type, receipt.status) + _encode_uint(receipt.cumulative_gas_used) + logs
    if receipt.deposit_nonce is not None and receipt.deposit_receipt_version is not None:
        payload += _encode_uint(receipt.deposit_nonce) + _encode_uint(receipt.deposit_receipt_version)
    return rlp.list_of_payload(payload)


@lru_cache(maxsize=64)
def _encode_kind(transaction_type: int, status: int) -> bytes:
    return _encode_uint(transaction_type) + _encode_uint(status)


def _encode_uint(value: int) -> bytes:
    return rlp.encode_bytes(encode_uint(value))


def _read_receipt(fields: list[Decoded]) -> Receipt:
    logs = tuple(_read_log(expect_list(item, 3)) for item in expect_list(fields[3]))
    is_deposit = len(fields) == 6
    return Receipt(
        transaction_type=decode_uint(fields[0]),
        status=decode_uint(fields[1]),
        cumulative_gas_used=decode_uint(fields[2]),
        bloom=logs_bloom(logs),
        logs=logs,
        deposit_nonce=decode_uint(fields[4]) if is_deposit else None,
        deposit_receipt_version=decode_uint(fields[5]) if is_deposit else None,
    )


def _read_log(fields: list[Decoded]) -> Log:
    return Log(
        expect_bytes(fields[0]), tuple(expect_bytes(topic) for topic in expect_list(fields[1])), expect_bytes(fields[2])
    )
