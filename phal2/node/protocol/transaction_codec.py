"""Encoding and decoding of transaction envelopes (EIP-2718), signing hashes and senders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from phal2.node.protocol import rlp
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.deposits import DepositTransaction, decode_deposit, encode_deposit
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import Decoded, Item, RlpError, decode_uint, encode_uint, expect_bytes, expect_list
from phal2.node.protocol.signatures import recover_address
from phal2.node.protocol.transactions import (
    AccessList,
    AccessListTransaction,
    Attestation,
    AttestedTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    Evidence,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

Transaction: TypeAlias = SignedTransaction | DepositTransaction

MAXIMUM_ITEMS: Final = 2_000_000
"""RLP items of an envelope. The densest, addresses of an access list, cost 800 gas an item: no block has so many."""

_TYPED_FIELD_COUNTS: Final = {1: 11, 2: 12, 3: 14, 4: 13, 0x54: 13}


class UnsupportedTransactionType(RlpError):
    """An envelope of a type that no rule of this protocol knows."""

    def __init__(self, transaction_type: int) -> None:
        super().__init__(
            f"transaction type not supported: 0x{transaction_type:02x}; expected 0, 1, 2, 4, 0x54 (or 3 on L1)"
        )
        self.transaction_type = transaction_type


@dataclass(frozen=True, slots=True)
class RecoveredTransaction:
    """A transaction with what follows from its envelope: the raw bytes, their hash, and the sender.

    A blob transaction in a pool has its sidecars beside it.
    """

    transaction: Transaction
    raw: bytes
    hash: bytes
    sender: bytes
    sidecars: tuple[BlobSidecar, ...] = ()


def recover_transaction(raw: bytes) -> RecoveredTransaction:
    """Decode an envelope and recover its sender; raise `RlpError` or `InvalidSignature`."""
    transaction = decode_transaction(raw)
    if isinstance(transaction, DepositTransaction):
        sender = transaction.sender
    else:
        digest = envelope_signing_hash(raw, transaction)
        sender = recover_address(digest, transaction.y_parity, transaction.r, transaction.s)
    return RecoveredTransaction(transaction, raw, keccak256(raw), sender)


def recovered(transaction: Transaction, raw: bytes | None = None) -> RecoveredTransaction:
    """Join a transaction with its envelope, hash and sender; raise `InvalidSignature` where none can be recovered."""
    envelope = encode_transaction(transaction) if raw is None else raw
    return RecoveredTransaction(transaction, envelope, keccak256(envelope), recover_sender(transaction))


def recover_sender(transaction: Transaction) -> bytes:
    """Return the 20-byte sender; raise `InvalidSignature` where the signature has none."""
    if isinstance(transaction, DepositTransaction):
        return transaction.sender
    return recover_address(signing_hash(transaction), transaction.y_parity, transaction.r, transaction.s)


def recover_authority(authorization: Authorization) -> bytes:
    """Return the address that signed an EIP-7702 authorization; raise `InvalidSignature` where there is none."""
    message = rlp.encode([encode_uint(authorization.chain_id), authorization.address, encode_uint(authorization.nonce)])
    digest = keccak256(b"\x05" + message)
    return recover_address(digest, authorization.y_parity, authorization.r, authorization.s)


def encode_transaction(transaction: Transaction) -> bytes:
    """Return the envelope: RLP for type 0, else the type byte and the RLP of the payload."""
    if isinstance(transaction, DepositTransaction):
        return encode_deposit(transaction)
    payload = _payload_fields(transaction)
    if isinstance(transaction, LegacyTransaction):
        return rlp.encode(
            [*payload, encode_uint(transaction.v), encode_uint(transaction.r), encode_uint(transaction.s)]
        )
    signature = [encode_uint(transaction.y_parity), encode_uint(transaction.r), encode_uint(transaction.s)]
    return bytes([transaction.transaction_type]) + rlp.encode([*payload, *signature])


def signing_hash(transaction: SignedTransaction) -> bytes:
    """Return the 32-byte digest that the sender signs; the signature fields do not matter (but a legacy `v` does)."""
    payload = _payload_fields(transaction)
    if isinstance(transaction, LegacyTransaction):
        chain_id = transaction.chain_id
        return keccak256(rlp.encode(payload if chain_id is None else [*payload, encode_uint(chain_id), b"", b""]))
    return keccak256(bytes([transaction.transaction_type]) + rlp.encode(payload))


def envelope_signing_hash(raw: bytes, transaction: SignedTransaction) -> bytes:
    """Return `signing_hash` from the canonical envelope, where what is signed stands but for its last three fields."""
    if isinstance(transaction, LegacyTransaction):
        return signing_hash(transaction)
    signature_length = (
        rlp.uint_length(transaction.y_parity) + rlp.uint_length(transaction.r) + rlp.uint_length(transaction.s)
    )
    fields_start = 2 if raw[1] < 0xF8 else 2 + raw[1] - 0xF7
    return keccak256(raw[:1] + rlp.list_of_payload(raw[fields_start : len(raw) - signature_length]))


def decode_transaction(raw: bytes) -> Transaction:
    """Read an envelope of any known type; raise `RlpError` where it is not canonical."""
    if not raw:
        raise RlpError("an empty byte string is no transaction")
    if raw[0] >= 0xC0:
        return _decode_legacy(raw)
    if raw[0] == 0x7E:
        return decode_deposit(raw)
    decoder = _DECODERS.get(raw[0])
    if decoder is None:
        raise UnsupportedTransactionType(raw[0])
    return decoder(expect_list(rlp.decode(raw[1:], MAXIMUM_ITEMS), _TYPED_FIELD_COUNTS[raw[0]]))


def evidence_item(item: Decoded) -> Evidence:
    """Turn a decoded RLP item into the immutable form that an `Attestation` holds."""
    return item if isinstance(item, bytes) else tuple(evidence_item(element) for element in item)


def _payload_fields(transaction: SignedTransaction) -> list[Item]:
    to_and_call: list[Item] = [
        encode_uint(transaction.gas_limit),
        transaction.to or b"",
        encode_uint(transaction.value),
        transaction.data,
    ]
    if isinstance(transaction, LegacyTransaction):
        return [encode_uint(transaction.nonce), encode_uint(transaction.gas_price), *to_and_call]
    head: list[Item] = [encode_uint(transaction.chain_id), encode_uint(transaction.nonce)]
    access_list: Item = [[address, list(keys)] for address, keys in transaction.access_list]
    if isinstance(transaction, AccessListTransaction):
        return [*head, encode_uint(transaction.gas_price), *to_and_call, access_list]
    fees = [encode_uint(transaction.max_priority_fee_per_gas), encode_uint(transaction.max_fee_per_gas)]
    fields: list[Item] = [*head, *fees, *to_and_call, access_list]
    if isinstance(transaction, BlobTransaction):
        fields += [encode_uint(transaction.max_fee_per_blob_gas), list(transaction.blob_versioned_hashes)]
    elif isinstance(transaction, SetCodeTransaction):
        fields.append([_authorization_item(authorization) for authorization in transaction.authorization_list])
    elif isinstance(transaction, AttestedTransaction):
        attestation = transaction.attestation
        fields.append([encode_uint(attestation.kind), encode_uint(attestation.valid_until), attestation.evidence])
    return fields


def _authorization_item(authorization: Authorization) -> Item:
    return [
        encode_uint(authorization.chain_id),
        authorization.address,
        encode_uint(authorization.nonce),
        encode_uint(authorization.y_parity),
        encode_uint(authorization.r),
        encode_uint(authorization.s),
    ]


def _decode_legacy(raw: bytes) -> LegacyTransaction:
    fields = expect_list(rlp.decode(raw, MAXIMUM_ITEMS), 9)
    v = decode_uint(fields[6])
    if v not in (27, 28) and v < 35:
        raise RlpError(f"legacy signature v is {v}, expected 27, 28 or at least 35 (EIP-155)")
    return LegacyTransaction(
        nonce=decode_uint(fields[0], 8),
        gas_price=decode_uint(fields[1]),
        gas_limit=decode_uint(fields[2], 8),
        to=_decode_to(fields[3]),
        value=decode_uint(fields[4]),
        data=expect_bytes(fields[5]),
        v=v,
        r=decode_uint(fields[7]),
        s=decode_uint(fields[8]),
    )


def _decode_access_list_transaction(fields: list[Decoded]) -> AccessListTransaction:
    return AccessListTransaction(
        chain_id=decode_uint(fields[0]),
        nonce=decode_uint(fields[1], 8),
        gas_price=decode_uint(fields[2]),
        gas_limit=decode_uint(fields[3], 8),
        to=_decode_to(fields[4]),
        value=decode_uint(fields[5]),
        data=expect_bytes(fields[6]),
        access_list=_decode_access_list(fields[7]),
        y_parity=decode_uint(fields[8], 1),
        r=decode_uint(fields[9]),
        s=decode_uint(fields[10]),
    )


def _decode_dynamic_fee(fields: list[Decoded]) -> DynamicFeeTransaction:
    return DynamicFeeTransaction(
        chain_id=decode_uint(fields[0]),
        nonce=decode_uint(fields[1], 8),
        max_priority_fee_per_gas=decode_uint(fields[2]),
        max_fee_per_gas=decode_uint(fields[3]),
        gas_limit=decode_uint(fields[4], 8),
        to=_decode_to(fields[5]),
        value=decode_uint(fields[6]),
        data=expect_bytes(fields[7]),
        access_list=_decode_access_list(fields[8]),
        y_parity=decode_uint(fields[9], 1),
        r=decode_uint(fields[10]),
        s=decode_uint(fields[11]),
    )


def _decode_blob(fields: list[Decoded]) -> BlobTransaction:
    return BlobTransaction(
        chain_id=decode_uint(fields[0]),
        nonce=decode_uint(fields[1], 8),
        max_priority_fee_per_gas=decode_uint(fields[2]),
        max_fee_per_gas=decode_uint(fields[3]),
        gas_limit=decode_uint(fields[4], 8),
        to=expect_bytes(fields[5], 20),
        value=decode_uint(fields[6]),
        data=expect_bytes(fields[7]),
        access_list=_decode_access_list(fields[8]),
        max_fee_per_blob_gas=decode_uint(fields[9]),
        blob_versioned_hashes=tuple(expect_bytes(item, 32) for item in expect_list(fields[10])),
        y_parity=decode_uint(fields[11], 1),
        r=decode_uint(fields[12]),
        s=decode_uint(fields[13]),
    )


def _decode_set_code(fields: list[Decoded]) -> SetCodeTransaction:
    return SetCodeTransaction(
        chain_id=decode_uint(fields[0]),
        nonce=decode_uint(fields[1], 8),
        max_priority_fee_per_gas=decode_uint(fields[2]),
        max_fee_per_gas=decode_uint(fields[3]),
        gas_limit=decode_uint(fields[4], 8),
        to=expect_bytes(fields[5], 20),
        value=decode_uint(fields[6]),
        data=expect_bytes(fields[7]),
        access_list=_decode_access_list(fields[8]),
        authorization_list=tuple(decode_authorization(item) for item in expect_list(fields[9])),
        y_parity=decode_uint(fields[10], 1),
        r=decode_uint(fields[11]),
        s=decode_uint(fields[12]),
    )


def _decode_attested(fields: list[Decoded]) -> AttestedTransaction:
    kind, valid_until, evidence = expect_list(fields[9], 3)
    return AttestedTransaction(
        chain_id=decode_uint(fields[0]),
        nonce=decode_uint(fields[1], 8),
        max_priority_fee_per_gas=decode_uint(fields[2]),
        max_fee_per_gas=decode_uint(fields[3]),
        gas_limit=decode_uint(fields[4], 8),
        to=expect_bytes(fields[5], 20),
        value=decode_uint(fields[6]),
        data=expect_bytes(fields[7]),
        access_list=_decode_access_list(fields[8]),
        attestation=Attestation(
            kind=decode_uint(kind, 8),
            valid_until=decode_uint(valid_until, 8),
            evidence=tuple(evidence_item(item) for item in expect_list(evidence)),
        ),
        y_parity=decode_uint(fields[10], 1),
        r=decode_uint(fields[11]),
        s=decode_uint(fields[12]),
    )


def decode_authorization(item: Decoded) -> Authorization:
    """Read one EIP-7702 authorization from a decoded item; raise `RlpError`."""
    fields = expect_list(item, 6)
    return Authorization(
        chain_id=decode_uint(fields[0]),
        address=expect_bytes(fields[1], 20),
        nonce=decode_uint(fields[2], 8),
        y_parity=decode_uint(fields[3], 1),
        r=decode_uint(fields[4]),
        s=decode_uint(fields[5]),
    )


def _decode_to(item: Decoded) -> bytes | None:
    to = expect_bytes(item)
    if len(to) not in (0, 20):
        raise RlpError(f"recipient of {len(to)} bytes, expected 20 (or none for a creation)")
    return to or None


def _decode_access_list(item: Decoded) -> AccessList:
    entries = []
    for entry in expect_list(item):
        address, keys = expect_list(entry, 2)
        entries.append((expect_bytes(address, 20), tuple(expect_bytes(key, 32) for key in expect_list(keys))))
    return tuple(entries)


_DECODERS: Final[dict[int, Callable[[list[Decoded]], SignedTransaction]]] = {
    1: _decode_access_list_transaction,
    2: _decode_dynamic_fee,
    3: _decode_blob,
    4: _decode_set_code,
    0x54: _decode_attested,
}
