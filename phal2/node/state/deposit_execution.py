"""Deposit transactions: free of charge, always included, and harmless where they fail (OP Stack "Deposits")."""

from dataclasses import dataclass
from typing import Final

from phal2.node.attestation.verification import verify_account_statement
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol import rlp
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.transaction_codec import evidence_item
from phal2.node.protocol.transactions import ATTESTED, Attestation
from phal2.node.state.attestation_context import show_attestation
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.message_execution import TransactionMessage, execute_message, gas_used_after_refund
from phal2.node.state.tracing import CALL, CREATE, FrameEnd, FrameStart, Tracer
from phal2.node.state.transaction_errors import (
    BlockGasExceeded,
    InsufficientFundsForTransfer,
    SystemTransactionNotSupported,
    TransactionTypeNotSupported,
)
from phal2.node.state.transaction_execution import AppliedTransaction
from phal2.node.state.validation import BlockRoom, gas_charge, require_gas, require_init_code

DEPOSIT_RECEIPT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class DepositCall:
    """What a deposit asks to run: its own call, or the attested call within its data."""

    to: bytes | None
    data: bytes
    attestation: Attestation | None


@dataclass(frozen=True, slots=True)
class ExecutedDeposit:
    """How a deposit ended, apart from what every deposit has."""

    gas_used: int
    output: bytes
    error: str | None
    contract_address: bytes | None
    attestation: VerifiedAttestation | None


def apply_deposit(scope: BlockScope, deposit: DepositTransaction, room: BlockRoom) -> AppliedTransaction:
    """Apply a deposit. Whatever happens it is part of the block, unless the block has no gas left for it.

    The mint stays and the nonce goes up even where the deposit fails before its message runs; then it uses all its gas.
    """
    if deposit.transaction_type not in scope.rules.transaction_types:
        raise TransactionTypeNotSupported(deposit.transaction_type, scope.rules.transaction_types)
    if deposit.gas_limit > room.gas:
        raise BlockGasExceeded(deposit.gas_limit, room.gas)
    world = scope.world
    nonce = world.nonce(deposit.sender)
    if deposit.mint:
        world.add_balance(deposit.sender, deposit.mint)
    after_mint = world.snapshot()
    try:
        executed = _execute(scope, deposit)
    except (InvalidTransaction, InvalidEncoding) as error:
        world.revert(after_mint)
        world.set_nonce(deposit.sender, nonce + 1)
        would_be = contract_address(deposit.sender, nonce) if deposit.to is None else None
        executed = ExecutedDeposit(deposit.gas_limit, b"", f"failed deposit: {error}", would_be, None)
        if scope.tracer is not None:
            _trace_refusal(scope.tracer, deposit, executed)
    logs = world.logs()
    world.end_transaction()
    canyon = scope.rules.is_l2_fork(Fork.CANYON)
    return AppliedTransaction(
        gas_used=executed.gas_used,
        effective_gas_price=0,
        logs=logs,
        output=executed.output,
        error=executed.error,
        contract_address=executed.contract_address,
        attestation=executed.attestation,
        deposit_nonce=nonce if canyon else None,
        deposit_receipt_version=DEPOSIT_RECEIPT_VERSION if canyon else None,
    )


def _trace_refusal(tracer: Tracer, deposit: DepositTransaction, executed: ExecutedDeposit) -> None:
    """Tell of the message that a deposit should have run, as one that failed at once."""
    target = executed.contract_address if deposit.to is None else deposit.to
    opcode = CREATE if deposit.to is None else CALL
    tracer.enter(FrameStart(0, opcode, deposit.sender, target or b"", deposit.data, deposit.gas_limit, deposit.value))
    tracer.exit(FrameEnd(b"", deposit.gas_limit, executed.error, reverted=False))


def decode_attested_call(data: bytes) -> DepositCall:
    """Read rlp([to, data, attestation]), the data of a deposit to AttestationContext; raise `RlpError`."""
    to, call_data, attestation = rlp.expect_list(rlp.decode(data), 3)
    kind, valid_until, evidence = rlp.expect_list(attestation, 3)
    return DepositCall(
        to=rlp.expect_bytes(to, 20),
        data=rlp.expect_bytes(call_data),
        attestation=Attestation(
            kind=rlp.decode_uint(kind, 8),
            valid_until=rlp.decode_uint(valid_until, 8),
            evidence=tuple(evidence_item(item) for item in rlp.expect_list(evidence)),
        ),
    )


def _execute(scope: BlockScope, deposit: DepositTransaction) -> ExecutedDeposit:
    """Run a deposit's call; raise an `InvalidTransaction` or `InvalidEncoding` where it fails before that."""
    if deposit.is_system_transaction:
        raise SystemTransactionNotSupported
    call = _call_of(scope, deposit)
    revision = scope.rules.revision
    charge = gas_charge(revision, call.data, call.to is None, attestation=call.attestation)
    require_gas(deposit.gas_limit, charge)
    balance = scope.world.balance(deposit.sender)
    if balance < deposit.value:
        raise InsufficientFundsForTransfer(deposit.sender, balance, deposit.value)
    if call.to is None:
        require_init_code(revision, call.data)
    attestation = _verify(scope, deposit, call)
    if attestation is not None:
        show_attestation(scope.world, attestation)
    gas = deposit.gas_limit - charge.intrinsic
    message = TransactionMessage(deposit.sender, call.to, deposit.value, call.data, gas, gas_price=0)
    executed = execute_message(scope, message)
    return ExecutedDeposit(
        gas_used=gas_used_after_refund(deposit.gas_limit, executed.result, charge.floor),
        output=executed.result.output,
        error=executed.result.error,
        contract_address=executed.contract_address,
        attestation=attestation,
    )


def _call_of(scope: BlockScope, deposit: DepositTransaction) -> DepositCall:
    if deposit.to == ATTESTATION_CONTEXT and ATTESTED in scope.rules.transaction_types:
        return decode_attested_call(deposit.data)
    return DepositCall(deposit.to, deposit.data, None)


def _verify(scope: BlockScope, deposit: DepositTransaction, call: DepositCall) -> VerifiedAttestation | None:
    if call.attestation is None or call.to is None:
        return None
    return verify_account_statement(
        scope.rules.chain_id,
        call.to,
        call.data,
        call.attestation,
        scope.environment.timestamp,
        deposit.sender,
        deposit.value,
    )
