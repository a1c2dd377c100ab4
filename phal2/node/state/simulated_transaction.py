"""A transaction that nobody signed, applied as part of a block (execution-apis, eth_simulateV1).

It is paid for and changes the state as a signed one does. Unless it is to be validated, its nonce may be any, and one
without a price pays nothing at all. Its sender may be a contract, and on L2 the L1 and operator fees are left out, as
they depend on a signed envelope.
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.attestation.verification import verify_attestation
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.predeploys import BASE_FEE_VAULT
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transactions import BLOB, SET_CODE, AttestedTransaction, SignedTransaction
from phal2.node.state.attestation_context import show_attestation
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.evm import MessageResult
from phal2.node.state.message_execution import TransactionMessage, execute_message, gas_used_after_refund
from phal2.node.state.transaction_errors import (
    EmptyAuthorizationList,
    InsufficientFunds,
    TransactionTypeNotSupported,
)
from phal2.node.state.validation import (
    GasCharge,
    gas_charge,
    require_blobs,
    require_fee_caps,
    require_gas,
    require_init_code,
    require_nonce,
)

_NONCE_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class SimulatedTransaction:
    """What a simulated transaction did.

    `gas_used` is what it is charged, `maximum_gas_used` what it needed before refunds.
    """

    result: MessageResult
    logs: tuple[Log, ...]
    gas_used: int
    maximum_gas_used: int


def apply_simulated_transaction(
    scope: BlockScope, sender: bytes, transaction: SignedTransaction, validates: bool
) -> SimulatedTransaction:
    """Apply an unsigned transaction; raise an `InvalidTransaction` with the state untouched."""
    world = scope.world
    if transaction.transaction_type not in scope.rules.transaction_types:
        raise TransactionTypeNotSupported(transaction.transaction_type, scope.rules.transaction_types)
    if validates:
        require_nonce(world.nonce(sender), transaction.nonce)
    # A contract may rely on the price being at least the base fee, so only one that pays nothing is let through.
    is_free = not validates and not (transaction.max_fee_per_gas or transaction.max_priority_fee_per_gas)
    if not is_free:
        require_fee_caps(transaction, sender, scope.environment.base_fee_per_gas)
    if transaction.transaction_type == BLOB:
        require_blobs(scope, transaction, len(transaction.blob_versioned_hashes))
    if transaction.transaction_type == SET_CODE and not transaction.authorization_list:
        raise EmptyAuthorizationList(sender)
    charge = _charge(scope, transaction)
    _require_funds(scope, sender, transaction)
    require_gas(transaction.gas_limit, charge)
    if transaction.to is None:
        require_init_code(scope.rules.revision, transaction.data)
    _show_attestation(scope, sender, transaction)
    return _run(scope, sender, transaction, charge, _gas_price(scope, transaction, is_free))


def _run(
    scope: BlockScope, sender: bytes, transaction: SignedTransaction, charge: GasCharge, gas_price: int
) -> SimulatedTransaction:
    world, gas_limit = scope.world, transaction.gas_limit
    blob_gas = GAS_PER_BLOB * len(transaction.blob_versioned_hashes)
    if cost := gas_limit * gas_price + blob_gas * scope.blob_base_fee:
        world.add_balance(sender, -cost)
    message = TransactionMessage(
        sender=sender,
        to=transaction.to,
        value=transaction.value,
        data=transaction.data,
        gas=gas_limit - charge.intrinsic,
        gas_price=gas_price,
        access_list=transaction.access_list,
        authorization_list=transaction.authorization_list,
        blob_versioned_hashes=transaction.blob_versioned_hashes,
    )
    result = execute_message(scope, message).result
    gas_used = gas_used_after_refund(gas_limit, result, charge.floor)
    if gas_price:
        _settle(scope, sender, gas_limit, gas_used, gas_price)
    if world.nonce(sender) > _NONCE_MASK:
        # A sender at the last nonce goes round, as the simulation lets every nonce pass.
        world.set_nonce(sender, world.nonce(sender) & _NONCE_MASK)
    logs = world.logs()
    world.end_transaction()
    return SimulatedTransaction(result, logs, gas_used, max(gas_limit - result.gas_left, charge.floor))


def _gas_price(scope: BlockScope, transaction: SignedTransaction, is_free: bool) -> int:
    if is_free:
        return 0
    offered = transaction.max_priority_fee_per_gas + scope.environment.base_fee_per_gas
    return min(transaction.max_fee_per_gas, offered)


def _charge(scope: BlockScope, transaction: SignedTransaction) -> GasCharge:
    return gas_charge(
        scope.rules.revision,
        transaction.data,
        transaction.to is None,
        transaction.access_list,
        len(transaction.authorization_list),
        transaction.attestation if isinstance(transaction, AttestedTransaction) else None,
    )


def _require_funds(scope: BlockScope, sender: bytes, transaction: SignedTransaction) -> None:
    blob_gas = GAS_PER_BLOB * len(transaction.blob_versioned_hashes)
    cost = transaction.gas_limit * transaction.max_fee_per_gas + transaction.value
    cost += blob_gas * transaction.max_fee_per_blob_gas
    balance = scope.world.balance(sender)
    if balance < cost:
        raise InsufficientFunds(sender, balance, cost)


def _show_attestation(scope: BlockScope, sender: bytes, transaction: SignedTransaction) -> None:
    if isinstance(transaction, AttestedTransaction):
        view = StateAttestationView(scope.world)
        verified = verify_attestation(transaction, sender, scope.environment.timestamp, view, scope.verdicts)
        show_attestation(scope.world, verified)


def _settle(scope: BlockScope, sender: bytes, gas_limit: int, gas_used: int, gas_price: int) -> None:
    world, base_fee_per_gas = scope.world, scope.environment.base_fee_per_gas
    world.add_balance(sender, (gas_limit - gas_used) * gas_price)
    world.add_balance(scope.environment.coinbase, gas_used * (gas_price - base_fee_per_gas))
    if scope.rules.l2_fork is not None:
        world.add_balance(BASE_FEE_VAULT, gas_used * base_fee_per_gas)
