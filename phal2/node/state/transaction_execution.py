"""One signed transaction, in the order in which it happens: validate, buy gas, execute, refund, pay.

Nothing is changed before validation, the attestation's included, has passed.
"""

from typing import NamedTuple

from phal2.node.attestation.verification import verify_attestation
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import AttestedTransaction, SignedTransaction
from phal2.node.state.attestation_context import show_attestation
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.fee_payment import buy_gas, pay_fees, return_unused_gas
from phal2.node.state.message_execution import (
    TransactionMessage,
    execute_message,
    gas_used_after_refund,
)
from phal2.node.state.validation import BlockRoom, Charges, validate_transaction


class AppliedTransaction(NamedTuple):
    """What a transaction did, before it has its place in the block's running total of gas.

    `deposit_nonce` and `deposit_receipt_version` are None but for deposits.
    """

    gas_used: int
    effective_gas_price: int
    logs: tuple[Log, ...]
    output: bytes
    error: str | None
    contract_address: bytes | None
    attestation: VerifiedAttestation | None = None
    deposit_nonce: int | None = None
    deposit_receipt_version: int | None = None


def apply_signed_transaction(
    scope: BlockScope, recovered: RecoveredTransaction, transaction: SignedTransaction, room: BlockRoom
) -> AppliedTransaction:
    """Apply a transaction of any type but deposits; raise an `InvalidTransaction` with the state untouched."""
    sender = recovered.sender
    charges = validate_transaction(scope, recovered, transaction, room)
    attestation = _verify(scope, transaction, sender)
    buy_gas(scope, sender, transaction.gas_limit, charges)
    if attestation is not None:
        show_attestation(scope.world, attestation)
    executed = execute_message(scope, _message(transaction, sender, charges))
    gas_used = gas_used_after_refund(transaction.gas_limit, executed.result, charges.gas.floor)
    return_unused_gas(scope, sender, transaction.gas_limit, gas_used, charges)
    pay_fees(scope, gas_used, charges)
    logs = scope.world.logs()
    scope.world.end_transaction()
    return AppliedTransaction(
        gas_used=gas_used,
        effective_gas_price=charges.effective_gas_price,
        logs=logs,
        output=executed.result.output,
        error=executed.result.error,
        contract_address=executed.contract_address,
        attestation=attestation,
    )


def _verify(scope: BlockScope, transaction: SignedTransaction, sender: bytes) -> VerifiedAttestation | None:
    if not isinstance(transaction, AttestedTransaction):
        return None
    view = StateAttestationView(scope.world)
    return verify_attestation(transaction, sender, scope.environment.timestamp, view, scope.verdicts)


def _message(transaction: SignedTransaction, sender: bytes, charges: Charges) -> TransactionMessage:
    return TransactionMessage(
        sender=sender,
        to=transaction.to,
        value=transaction.value,
        data=transaction.data,
        gas=transaction.gas_limit - charges.gas.intrinsic,
        gas_price=charges.effective_gas_price,
        access_list=transaction.access_list,
        authorization_list=transaction.authorization_list,
        blob_versioned_hashes=transaction.blob_versioned_hashes,
    )
