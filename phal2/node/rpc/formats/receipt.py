"""Receipts as JSON-RPC shows them (execution-apis, "Receipt info"; the OP Stack's fee fields)."""

from dataclasses import dataclass
from typing import Any

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.fees import L1FeeParameters, l1_fee, l1_gas_used
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Header
from phal2.node.protocol.receipts import Receipt
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.formats.log import format_log
from phal2.node.rpc.formats.transaction import effective_gas_price
from phal2.node.rpc.hexadecimal import data, quantity


@dataclass(frozen=True, slots=True)
class ReceiptPlace:
    """Where a receipt is: its block, its index, and what the receipts before it have used up."""

    header: Header
    block_hash: bytes
    index: int
    gas_used_before: int
    logs_before: int


def format_receipt(receipt: Receipt, recovered: RecoveredTransaction, place: ReceiptPlace) -> dict[str, Any]:
    """Return a receipt's object without the OP Stack's fee fields."""
    transaction, header = recovered.transaction, place.header
    fields: dict[str, Any] = {
        "type": hex(receipt.transaction_type),
        "status": quantity(receipt.status),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "gasUsed": quantity(receipt.cumulative_gas_used - place.gas_used_before),
        "effectiveGasPrice": quantity(effective_gas_price(transaction, header.base_fee_per_gas)),
        "logs": [
            format_log(
                log,
                place.block_hash,
                header.number,
                header.timestamp,
                recovered.hash,
                place.index,
                place.logs_before + offset,
            )
            for offset, log in enumerate(receipt.logs)
        ],
        "logsBloom": data(receipt.bloom),
        "transactionHash": data(recovered.hash),
        "transactionIndex": quantity(place.index),
        "blockHash": data(place.block_hash),
        "blockNumber": quantity(header.number),
        "from": data(recovered.sender),
        "to": None if transaction.to is None else data(transaction.to),
        "contractAddress": _created_address(receipt, recovered),
    }
    if receipt.deposit_nonce is not None:
        fields["depositNonce"] = quantity(receipt.deposit_nonce)
    if receipt.deposit_receipt_version is not None:
        fields["depositReceiptVersion"] = quantity(receipt.deposit_receipt_version)
    return fields


def l1_fee_fields(raw: bytes, parameters: L1FeeParameters, fork: Fork) -> dict[str, Any]:
    """Return what a sequenced L2 transaction's receipt shows of the L1 and operator fees, as op-geth gives it."""
    fields = {
        "l1GasPrice": quantity(parameters.l1_base_fee),
        "l1GasUsed": quantity(l1_gas_used(raw, parameters, fork)),
        "l1Fee": quantity(l1_fee(raw, parameters, fork)),
    }
    if fork < Fork.ECOTONE:
        # op-geth shows the scalar, which counts millionths, as a decimal number.
        fields["l1FeeScalar"] = _decimal(parameters.scalar)
        return fields
    fields["l1BlobBaseFee"] = quantity(parameters.blob_base_fee)
    fields["l1BaseFeeScalar"] = quantity(parameters.base_fee_scalar)
    fields["l1BlobBaseFeeScalar"] = quantity(parameters.blob_base_fee_scalar)
    if parameters.operator_fee_scalar or parameters.operator_fee_constant:
        fields["operatorFeeScalar"] = quantity(parameters.operator_fee_scalar)
        fields["operatorFeeConstant"] = quantity(parameters.operator_fee_constant)
    return fields


def blob_fields(blob_count: int, blob_gas_price: int) -> dict[str, Any]:
    """Return what the receipt of a blob transaction shows beside the others (EIP-4844: 2^17 gas a blob)."""
    return {"blobGasUsed": quantity(blob_count << 17), "blobGasPrice": quantity(blob_gas_price)}


def _created_address(receipt: Receipt, recovered: RecoveredTransaction) -> str | None:
    transaction = recovered.transaction
    if transaction.to is not None:
        return None
    nonce = receipt.deposit_nonce or 0 if isinstance(transaction, DepositTransaction) else transaction.nonce
    return data(contract_address(recovered.sender, nonce))


def _decimal(millionths: int) -> str:
    whole, fraction = divmod(millionths, 1_000_000)
    return f"{whole}.{fraction:06d}".rstrip("0").rstrip(".")
