"""The transactions of a span batch, column by column (OP Stack "Span Batch Format", `txs`).

The columns are: contract creation bits, y parity bits, signatures (r and s), recipients of all but creations, payloads,
nonces, gas limits, and for the legacy ones whether they are bound to the chain (EIP-155). A payload is the list of what
is left of the transaction: value, gas price or the two fees, data, access list, authorization list.

What is refused here, and what only the state module finds wrong, is as in op-node, because a refused batch and an
invalid payload lead to different chains. So integers of types 0, 1 and 2 may have any length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.batches import InvalidBatch
from phal2.node.protocol.bit_lists import bit, bit_list, count_set, read_bit_list
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error
from phal2.node.protocol.rlp import RlpError, encode_uint, expect_bytes
from phal2.node.protocol.transaction_codec import decode_authorization, decode_transaction
from phal2.node.protocol.transactions import (
    ACCESS_LIST,
    DYNAMIC_FEE,
    LARGEST_TYPE,
    LEGACY,
    SET_CODE,
    AccessListTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
)
from phal2.node.protocol.uvarints import encode_uvarints, read_uvarints

SPAN_BATCH_TYPES: Final = frozenset({LEGACY, ACCESS_LIST, DYNAMIC_FEE, SET_CODE})

MAXIMUM_PAYLOAD: Final = 10_000_000
"""Bytes of a payload's list with its length."""

_FIRST_LIST: Final = 0xC0
_SHORT_STRING: Final = 0xB7
_KEY_PREFIX: Final = b"\xa0"
_ENCODED_KEY: Final = 33
_PREFIXED_LEGACY: Final = -1
"""A type byte of 0 before the list. It counts among the legacy transactions, but is none of them."""


class UnusableTransactions(InvalidBatch):
    """A span batch that is one by its form, but holds what is no transaction. It is left out; its channel goes on."""


class UnsuitableTransaction(Phal2Error):
    """A transaction that span batches cannot carry. Put its block into a singular batch."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns as they stand in the batch; a payload is its type and where its list begins and ends."""

    creation_bits: bytes
    parity_bits: bytes
    signatures: bytes
    recipients: bytes
    payloads: list[tuple[int, int, int]]
    nonces: Sequence[int]
    gas_limits: Sequence[int]
    protected_bits: bytes


def is_suitable(envelope: bytes) -> bool:
    """Tell by its type whether a span batch can carry a transaction."""
    return envelope[:1] >= b"\xc0" or envelope[:1] in (b"\x01", b"\x02", b"\x04")


def decode_transactions(data: bytes, offset: int, count: int, chain_id: int) -> tuple[bytes, ...]:
    """Return the `count` envelopes whose columns begin at `offset`; bytes behind the columns are ignored.

    Raise `InvalidEncoding` where the columns are malformed, and `UnusableTransactions` where they are not, but their
    content is.
    """
    columns = _read_columns(data, offset, count)
    try:
        return _envelopes(data, columns, chain_id)
    except RlpError as error:
        raise UnusableTransactions(f"span batch with a malformed transaction: {error}") from None


def encode_transactions(envelopes: Sequence[bytes], chain_id: int) -> bytes:
    """Return the columns; raise `UnsuitableTransaction` where a transaction is of another type or chain."""
    transactions = [_suitable(envelope, chain_id) for envelope in envelopes]
    return b"".join(
        (
            bit_list(transaction.to is None for transaction in transactions),
            bit_list(transaction.y_parity == 1 for transaction in transactions),
            *(transaction.r.to_bytes(32, "big") + transaction.s.to_bytes(32, "big") for transaction in transactions),
            *(transaction.to for transaction in transactions if transaction.to is not None),
            *map(_payload, transactions),
            encode_uvarints(transaction.nonce for transaction in transactions),
            encode_uvarints(transaction.gas_limit for transaction in transactions),
            bit_list(
                transaction.chain_id is not None
                for transaction in transactions
                if isinstance(transaction, LegacyTransaction)
            ),
        )
    )


_Suitable = LegacyTransaction | AccessListTransaction | DynamicFeeTransaction | SetCodeTransaction


def _suitable(envelope: bytes, chain_id: int) -> _Suitable:
    try:
        transaction = decode_transaction(envelope)
    except InvalidEncoding as error:
        raise UnsuitableTransaction(f"not a transaction: {error}") from error
    if not isinstance(transaction, _Suitable):
        raise UnsuitableTransaction(f"span batches carry no transactions of type 0x{envelope[0]:02x}")
    if transaction.chain_id not in (None, chain_id):
        raise UnsuitableTransaction(f"transaction of chain {transaction.chain_id}, expected {chain_id}")
    if max(transaction.y_parity, transaction.r >> 256, transaction.s >> 256) > 1:
        raise UnsuitableTransaction("transaction with a signature out of range")
    return transaction


def _payload(transaction: _Suitable) -> bytes:
    value, data = encode_uint(transaction.value), transaction.data
    access_list: rlp.Item = [[address, list(keys)] for address, keys in transaction.access_list]
    if isinstance(transaction, LegacyTransaction):
        return rlp.encode([value, encode_uint(transaction.gas_price), data])
    if isinstance(transaction, AccessListTransaction):
        return b"\x01" + rlp.encode([value, encode_uint(transaction.gas_price), data, access_list])
    fees = [encode_uint(transaction.max_priority_fee_per_gas), encode_uint(transaction.max_fee_per_gas)]
    if isinstance(transaction, DynamicFeeTransaction):
        return b"\x02" + rlp.encode([value, *fees, data, access_list])
    authorizations: rlp.Item = [
        [
            encode_uint(authorization.chain_id),
            authorization.address,
            encode_uint(authorization.nonce),
            encode_uint(authorization.y_parity),
            encode_uint(authorization.r),
            encode_uint(authorization.s),
        ]
        for authorization in transaction.authorization_list
    ]
    return b"\x04" + rlp.encode([value, *fees, data, access_list, authorizations])


def _read_columns(data: bytes, offset: int, count: int) -> _Columns:
    creation_bits, offset = read_bit_list(data, offset, count)
    parity_bits, offset = read_bit_list(data, offset, count)
    signatures, offset = _read_bytes(data, offset, 64 * count, "signatures")
    recipients, offset = _read_bytes(data, offset, 20 * (count - count_set(creation_bits)), "recipients")
    payloads = []
    for _ in range(count):
        payload = _read_payload(data, offset)
        payloads.append(payload)
        offset = payload[2]
    nonces, offset = read_uvarints(data, offset, count)
    gas_limits, offset = read_uvarints(data, offset, count)
    protected_bits, _ = read_bit_list(data, offset, sum(payload[0] <= LEGACY for payload in payloads))
    return _Columns(creation_bits, parity_bits, signatures, recipients, payloads, nonces, gas_limits, protected_bits)


def _read_bytes(data: bytes, offset: int, length: int, what: str) -> tuple[bytes, int]:
    if length > len(data) - offset:
        raise InvalidBatch(f"span batch ends within its {what}: {length} bytes expected, {len(data) - offset} left")
    return data[offset : offset + length], offset + length


def _read_payload(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return the type of a payload, and the begin and end of its list."""
    if offset + 1 >= len(data):
        raise InvalidBatch("span batch ends before a transaction's payload")
    transaction_type, begin = LEGACY, offset
    if data[offset] <= LARGEST_TYPE:
        transaction_type, begin = data[offset] or _PREFIXED_LEGACY, offset + 1
    if data[begin] < _FIRST_LIST:
        raise InvalidBatch(f"span batch with a transaction that is no list, but begins with 0x{data[begin]:02x}")
    end = rlp.list_bounds(data, begin, len(data))[1]
    if end - begin > MAXIMUM_PAYLOAD:
        raise InvalidBatch(f"span batch with a transaction of {end - begin} bytes, at most {MAXIMUM_PAYLOAD} allowed")
    return transaction_type, begin, end


def _envelopes(data: bytes, columns: _Columns, chain_id: int) -> tuple[bytes, ...]:
    envelopes = []
    chain = rlp.encode_bytes(encode_uint(chain_id))
    signatures, recipients = columns.signatures, columns.recipients
    recipient = legacy = 0
    for index, (transaction_type, begin, _) in enumerate(columns.payloads):
        if transaction_type not in SPAN_BATCH_TYPES:
            raise RlpError(f"span batches carry no transactions of type 0x{max(0, transaction_type):02x}")
        value, fees, rest = _payload_fields(data, transaction_type, begin)
        to = b"\x80"
        if not bit(columns.creation_bits, index):
            to = b"\x94" + recipients[recipient : recipient + 20]
            recipient += 20
        elif transaction_type == SET_CODE:
            raise RlpError("a transaction of type 4 that creates a contract")
        parity = bit(columns.parity_bits, index)
        r = rlp.encode_bytes(signatures[64 * index : 64 * index + 32].lstrip(b"\x00"))
        s = rlp.encode_bytes(signatures[64 * index + 32 : 64 * index + 64].lstrip(b"\x00"))
        nonce = rlp.encode_bytes(encode_uint(columns.nonces[index]))
        gas_limit = rlp.encode_bytes(encode_uint(columns.gas_limits[index]))
        call = nonce + fees + gas_limit + to + value + rest
        if transaction_type == LEGACY:
            v = (35 + 2 * chain_id if bit(columns.protected_bits, legacy) else 27) + parity
            legacy += 1
            envelopes.append(rlp.list_of_payload(call + rlp.encode_bytes(encode_uint(v)) + r + s))
        else:
            typed = rlp.list_of_payload(chain + call + (b"\x01" if parity else b"\x80") + r + s)
            envelopes.append(bytes([transaction_type]) + typed)
    return tuple(envelopes)


def _payload_fields(data: bytes, transaction_type: int, begin: int) -> tuple[bytes, bytes, bytes]:
    """Return the encodings of the value, of the fees, and of what follows them in the list at `begin`."""
    start, end = rlp.list_bounds(data, begin, len(data))
    # Amounts of type 4 are integers of 256 bits in op-node, those of the other types have no limit.
    longest = 33 if transaction_type == SET_CODE else MAXIMUM_PAYLOAD
    # Where an item goes beyond the list, the last one cannot end with it.
    value_end = _integer_end(data, start, end, longest)
    fees_end = _integer_end(data, value_end, end, longest)
    if transaction_type in (DYNAMIC_FEE, SET_CODE):
        fees_end = _integer_end(data, fees_end, end, longest)
    last = _string_end(data, fees_end, end)
    if transaction_type != LEGACY:
        last = _access_list_end(data, last, end)
    if transaction_type == SET_CODE:
        last = _authorization_list_end(data, last, end)
    if last != end:
        raise RlpError("a transaction's payload does not have the fields of its type")
    return data[start:value_end], data[value_end:fees_end], data[fees_end:end]


def _access_list_end(data: bytes, offset: int, end: int) -> int:
    start, after = rlp.list_bounds(data, offset, end)
    while start < after:
        field, start = rlp.list_bounds(data, start, after)
        address, field = rlp.read_string(data, field, start)
        expect_bytes(address, 20)
        keys, keys_end = rlp.list_bounds(data, field, start)
        prefixes = data[keys:keys_end:_ENCODED_KEY]
        if keys_end != start or (keys_end - keys) % _ENCODED_KEY or prefixes.count(_KEY_PREFIX) != len(prefixes):
            raise RlpError("an access list's entry is not an address and a list of keys of 32 bytes")
    return after


def _authorization_list_end(data: bytes, offset: int, end: int) -> int:
    start, after = rlp.list_bounds(data, offset, end)
    while start < after:
        field, start = rlp.list_bounds(data, start, after)
        decode_authorization([*rlp.read_strings(data, field, start)])
    return after


def _integer_end(data: bytes, offset: int, end: int, longest: int) -> int:
    after = _string_end(data, offset, end)
    prefix = data[offset]
    if after - offset > longest:
        raise RlpError(f"integer of {after - offset} bytes with its length, at most {longest} allowed")
    content = offset + (prefix > 0x80) + max(0, prefix - _SHORT_STRING)
    if data[content] == 0:
        raise RlpError("integer with a leading zero byte")
    return after


def _string_end(data: bytes, offset: int, end: int) -> int:
    if offset >= end:
        raise RlpError("a transaction's payload ends too early")
    prefix = data[offset]
    if prefix <= 0x80:
        return offset + 1
    after = offset + prefix - 0x7F
    if prefix > _SHORT_STRING or after > end or prefix == 0x81:
        _, after = rlp.read_string(data, offset, end)
    return after
