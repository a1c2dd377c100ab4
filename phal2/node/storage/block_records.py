"""How the parts of a block are recorded.

Receipts leave out their blooms, which follow from the logs and would be most of a small receipt's size.
"""

from collections.abc import Sequence

from phal2.node.protocol import rlp
from phal2.node.protocol.receipts import Log, Receipt, logs_bloom
from phal2.node.protocol.rlp import Decoded, Item, decode_uint, encode_uint, expect_bytes, expect_list

ADDRESS_LENGTH = 20


def encode_body(envelopes: Sequence[bytes]) -> bytes:
    """Return the record of a block's transactions."""
    return rlp.encode_list([rlp.encode_bytes(envelope) for envelope in envelopes])


def decode_body(record: bytes) -> tuple[bytes, ...]:
    """Read a block's transactions."""
    return tuple(expect_bytes(item) for item in rlp.decode_list(record))


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Return the record of a block's receipts."""
    return rlp.encode([_receipt_item(receipt) for receipt in receipts])


def decode_receipts(record: bytes) -> tuple[Receipt, ...]:
    """Read a block's receipts, with their blooms."""
    return tuple(_read_receipt(expect_list(item)) for item in rlp.decode_list(record))


def encode_senders(senders: Sequence[bytes]) -> bytes:
    """Return the record of a block's senders."""
    return b"".join(senders)


def decode_senders(record: bytes) -> tuple[bytes, ...]:
    """Read a block's senders."""
    return tuple(record[start : start + ADDRESS_LENGTH] for start in range(0, len(record), ADDRESS_LENGTH))


def _receipt_item(receipt: Receipt) -> Item:
    fields: list[Item] = [
        encode_uint(receipt.transaction_type),
        encode_uint(receipt.status),
        encode_uint(receipt.cumulative_gas_used),
        [[log.address, list(log.topics), log.data] for log in receipt.logs],
    ]
    if receipt.deposit_nonce is not None and receipt.deposit_receipt_version is not None:
        fields += [encode_uint(receipt.deposit_nonce), encode_uint(receipt.deposit_receipt_version)]
    return fields


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
