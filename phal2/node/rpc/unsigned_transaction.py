"""A call as the transaction that it would be, without a signature."""

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import RecoveredTransaction, encode_transaction
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    AttestedTransaction,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.errors import INVALID_PARAMS, RpcError


def unsigned_transaction(call: CallArguments, chain_id: int, nonce: int, gas_limit: int) -> SignedTransaction:
    """Return the transaction whose type the fields of the call tell, type 2 where they do not; its signature is zero.

    Raises `RpcError` for a creation of a type that cannot create.
    """
    if call.authorization_list or call.blob_versioned_hashes or call.attestation is not None:
        return _with_recipient(call, chain_id, nonce, gas_limit)
    if call.gas_price is not None and call.access_list:
        return AccessListTransaction(
            chain_id, nonce, call.gas_price, gas_limit, call.to, call.value, call.data, call.access_list, 0, 0, 0
        )
    if call.gas_price is not None:
        return LegacyTransaction(nonce, call.gas_price, gas_limit, call.to, call.value, call.data, 0, 0, 0)
    return DynamicFeeTransaction(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=call.max_priority_fee_per_gas or 0,
        max_fee_per_gas=call.max_fee_per_gas or 0,
        gas_limit=gas_limit,
        to=call.to,
        value=call.value,
        data=call.data,
        access_list=call.access_list,
        y_parity=0,
        r=0,
        s=0,
    )


def with_sender(transaction: SignedTransaction, sender: bytes) -> RecoveredTransaction:
    """Return an unsigned transaction as if `sender` had signed it."""
    envelope = encode_transaction(transaction)
    return RecoveredTransaction(transaction, envelope, keccak256(envelope), sender)


def _with_recipient(
    call: CallArguments, chain_id: int, nonce: int, gas_limit: int
) -> SetCodeTransaction | BlobTransaction | AttestedTransaction:
    if call.to is None:
        raise RpcError(INVALID_PARAMS, "transactions with blobs, authorizations or an attestation need a recipient")
    max_fee, tip = call.max_fee_per_gas or 0, call.max_priority_fee_per_gas or 0
    if call.attestation is not None:
        return AttestedTransaction(
            chain_id=chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=tip,
            max_fee_per_gas=max_fee,
            gas_limit=gas_limit,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=call.access_list,
            attestation=call.attestation,
            y_parity=0,
            r=0,
            s=0,
        )
    if call.authorization_list:
        return SetCodeTransaction(
            chain_id=chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=tip,
            max_fee_per_gas=max_fee,
            gas_limit=gas_limit,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=call.access_list,
            authorization_list=call.authorization_list,
            y_parity=0,
            r=0,
            s=0,
        )
    return BlobTransaction(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=max_fee,
        gas_limit=gas_limit,
        to=call.to,
        value=call.value,
        data=call.data,
        access_list=call.access_list,
        max_fee_per_blob_gas=call.max_fee_per_blob_gas or 0,
        blob_versioned_hashes=call.blob_versioned_hashes,
        y_parity=0,
        r=0,
        s=0,
    )
