"""Transactions that nobody has signed: from their fields, and from a call as the transaction that it would be."""

from dataclasses import dataclass
from typing import Any

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import RecoveredTransaction, encode_transaction
from phal2.node.protocol.transactions import (
    ACCESS_LIST,
    ATTESTED,
    BLOB,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    AccessList,
    AccessListTransaction,
    Attestation,
    AttestedTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.errors import INVALID_PARAMS, RpcError


class CannotBuild(InvalidTransaction):
    """A transaction whose type lacks something that it needs."""


@dataclass(frozen=True, slots=True)
class TransactionFields:
    """What a transaction of any type is made of; its price, where a type has but one, is `max_fee_per_gas`."""

    transaction_type: int
    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    access_list: AccessList = ()
    authorization_list: tuple[Authorization, ...] = ()
    attestation: Attestation | None = None
    max_fee_per_blob_gas: int = 0
    blob_versioned_hashes: tuple[bytes, ...] = ()


def build_transaction(fields: TransactionFields, legacy_v: int = 0) -> SignedTransaction:
    """Return the transaction with zeros for r and s, y parity 0 (`legacy_v` for type 0). Raises `CannotBuild`."""
    kind = fields.transaction_type
    message: dict[str, Any] = {
        "nonce": fields.nonce,
        "gas_limit": fields.gas_limit,
        "to": fields.to,
        "value": fields.value,
        "data": fields.data,
        "r": 0,
        "s": 0,
    }
    if kind == LEGACY:
        return LegacyTransaction(**message, gas_price=fields.max_fee_per_gas, v=legacy_v)
    common: dict[str, Any] = {**message, "chain_id": fields.chain_id, "access_list": fields.access_list, "y_parity": 0}
    if kind == ACCESS_LIST:
        return AccessListTransaction(**common, gas_price=fields.max_fee_per_gas)
    common |= {"max_priority_fee_per_gas": fields.max_priority_fee_per_gas, "max_fee_per_gas": fields.max_fee_per_gas}
    if kind == DYNAMIC_FEE:
        return DynamicFeeTransaction(**common)
    if fields.to is None:
        raise CannotBuild(f"a transaction of type {kind:#x} creates no contract; expected a field to")
    if kind == SET_CODE:
        return SetCodeTransaction(**common, authorization_list=fields.authorization_list)
    if kind == BLOB:
        blobs = fields.blob_versioned_hashes
        return BlobTransaction(**common, max_fee_per_blob_gas=fields.max_fee_per_blob_gas, blob_versioned_hashes=blobs)
    if kind != ATTESTED or fields.attestation is None:
        raise CannotBuild(f"transactions of type {kind:#x} cannot be made here; expected 0, 1, 2, 3, 4 or 0x54")
    return AttestedTransaction(**common, attestation=fields.attestation)


def unsigned_transaction(call: CallArguments, chain_id: int, nonce: int, gas_limit: int) -> SignedTransaction:
    """Return the transaction whose type the fields of the call tell, type 2 where they do not; its signature is zero.

    Raises `RpcError` for a creation of a type that cannot create.
    """
    if call.attestation is not None:
        kind = ATTESTED
    elif call.authorization_list:
        kind = SET_CODE
    elif call.blob_versioned_hashes:
        kind = BLOB
    elif call.gas_price is not None:
        kind = ACCESS_LIST if call.access_list else LEGACY
    else:
        kind = DYNAMIC_FEE
    fields = TransactionFields(
        transaction_type=kind,
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=call.max_priority_fee_per_gas or 0,
        max_fee_per_gas=(call.max_fee_per_gas if call.gas_price is None else call.gas_price) or 0,
        gas_limit=gas_limit,
        to=call.to,
        value=call.value,
        data=call.data,
        access_list=call.access_list,
        authorization_list=call.authorization_list,
        attestation=call.attestation,
        max_fee_per_blob_gas=call.max_fee_per_blob_gas or 0,
        blob_versioned_hashes=call.blob_versioned_hashes,
    )
    try:
        return build_transaction(fields)
    except CannotBuild as error:
        raise RpcError(INVALID_PARAMS, str(error)) from None


def with_sender(transaction: SignedTransaction, sender: bytes) -> RecoveredTransaction:
    """Return an unsigned transaction as if `sender` had signed it."""
    envelope = encode_transaction(transaction)
    return RecoveredTransaction(transaction, envelope, keccak256(envelope), sender)
