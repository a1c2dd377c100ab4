"""Transactions as JSON-RPC shows them (execution-apis, "Transaction object".

OP Stack deposits; docs/attested-transactions.md for type 0x54).
"""

from dataclasses import dataclass
from typing import Any

from phal2.node.attestation.presentation import attestation_object, evidence_as_hex
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Attestation,
    AttestedTransaction,
    BlobTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.rpc.hexadecimal import data, quantity


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a transaction is, and what only its block tells. `deposit_nonce` comes from the receipt of a deposit."""

    block_hash: bytes
    block_number: int
    timestamp: int
    index: int
    base_fee_per_gas: int | None
    deposit_nonce: int | None = None
    deposit_receipt_version: int | None = None
    attestation: VerifiedAttestation | None = None


def format_transaction(recovered: RecoveredTransaction, inclusion: Inclusion | None) -> dict[str, Any]:
    """Return a transaction's object; without an `inclusion` it is pending, and the block's fields are null."""
    transaction = recovered.transaction
    fields: dict[str, Any] = {
        "blockHash": None if inclusion is None else data(inclusion.block_hash),
        "blockNumber": None if inclusion is None else quantity(inclusion.block_number),
        "blockTimestamp": None if inclusion is None else quantity(inclusion.timestamp),
        "transactionIndex": None if inclusion is None else quantity(inclusion.index),
        "hash": data(recovered.hash),
        "type": hex(transaction.transaction_type),
        "from": data(recovered.sender),
        "to": None if transaction.to is None else data(transaction.to),
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas_limit),
        "input": data(transaction.data),
    }
    if isinstance(transaction, DepositTransaction):
        fields.update(_deposit_fields(transaction, inclusion))
    else:
        base_fee_per_gas = None if inclusion is None else inclusion.base_fee_per_gas
        fields.update(_signed_fields(transaction, base_fee_per_gas))
        if isinstance(transaction, AttestedTransaction):
            verified = None if inclusion is None else inclusion.attestation
            fields["attestation"] = _attestation_fields(transaction.attestation, verified)
    return fields


def effective_gas_price(transaction: SignedTransaction | DepositTransaction, base_fee_per_gas: int | None) -> int:
    """Return what a transaction pays per gas in a block; without a base fee, the most that it may pay."""
    if base_fee_per_gas is None or isinstance(transaction, DepositTransaction | LegacyTransaction):
        return transaction.max_fee_per_gas
    return min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas + base_fee_per_gas)


def _deposit_fields(deposit: DepositTransaction, inclusion: Inclusion | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "sourceHash": data(deposit.source_hash),
        "mint": quantity(deposit.mint),
        "nonce": quantity(0 if inclusion is None else inclusion.deposit_nonce or 0),
        "gasPrice": "0x0",
        "v": "0x0",
        "r": "0x0",
        "s": "0x0",
    }
    if deposit.is_system_transaction:
        fields["isSystemTx"] = True
    if inclusion is not None and inclusion.deposit_receipt_version is not None:
        fields["depositReceiptVersion"] = quantity(inclusion.deposit_receipt_version)
    return fields


def _signed_fields(transaction: SignedTransaction, base_fee_per_gas: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "nonce": quantity(transaction.nonce),
        "gasPrice": quantity(effective_gas_price(transaction, base_fee_per_gas)),
    }
    if transaction.chain_id is not None:
        fields["chainId"] = quantity(transaction.chain_id)
    if not isinstance(transaction, LegacyTransaction):
        fields["accessList"] = [
            {"address": data(address), "storageKeys": [data(key) for key in keys]}
            for address, keys in transaction.access_list
        ]
        if not isinstance(transaction, AccessListTransaction):
            fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
            fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    if isinstance(transaction, BlobTransaction):
        fields["maxFeePerBlobGas"] = quantity(transaction.max_fee_per_blob_gas)
        fields["blobVersionedHashes"] = [data(versioned_hash) for versioned_hash in transaction.blob_versioned_hashes]
    if isinstance(transaction, SetCodeTransaction):
        fields["authorizationList"] = [
            {
                "chainId": quantity(authorization.chain_id),
                "address": data(authorization.address),
                "nonce": quantity(authorization.nonce),
                "yParity": quantity(authorization.y_parity),
                "r": quantity(authorization.r),
                "s": quantity(authorization.s),
            }
            for authorization in transaction.authorization_list
        ]
    if isinstance(transaction, LegacyTransaction):
        fields["v"] = quantity(transaction.v)
    else:
        fields["v"] = fields["yParity"] = quantity(transaction.y_parity)
    fields["r"] = quantity(transaction.r)
    fields["s"] = quantity(transaction.s)
    return fields


def _attestation_fields(attestation: Attestation, verified: VerifiedAttestation | None) -> dict[str, Any]:
    if verified is not None:
        return attestation_object(attestation, verified)
    return {
        "kind": quantity(attestation.kind),
        "validUntil": quantity(attestation.valid_until),
        "evidence": evidence_as_hex(attestation.evidence),
    }
