"""Whether a transaction may be in a block, and what it will be charged. Nothing is changed here.

The order of the checks is geth's, so that a transaction with several faults gets the error that clients expect.
"""

from typing import NamedTuple

from phal2.node.attestation.gas import attestation_gas
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.blob_sidecars import VERSIONED_HASH_VERSION
from phal2.node.protocol.fees import l1_fee, operator_fee
from phal2.node.protocol.impersonation import is_impersonated
from phal2.node.protocol.intrinsic_gas import MAXIMUM_INIT_CODE_LENGTH, floor_gas, intrinsic_gas
from phal2.node.protocol.keccak import EMPTY_KECCAK
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import (
    BLOB,
    SET_CODE,
    AccessList,
    Attestation,
    AttestedTransaction,
    SignedTransaction,
)
from phal2.node.state.accounts import MAXIMUM_NONCE
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.delegation import delegated_address
from phal2.node.state.rules import Revision
from phal2.node.state.transaction_errors import (
    BlobFeeCapTooLow,
    BlobGasExceeded,
    BlobHashesMissing,
    BlobHashVersionWrong,
    BlockGasExceeded,
    EmptyAuthorizationList,
    FeeCapBelowBaseFee,
    FloorGasTooLow,
    InitCodeTooLong,
    InsufficientFunds,
    IntrinsicGasTooLow,
    NonceAtMaximum,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
    TipAboveFeeCap,
    TransactionTypeNotSupported,
    WrongChainId,
)


class BlockRoom(NamedTuple):
    """What is left of a block: gas, and blobs."""

    gas: int
    blobs: int


class GasCharge(NamedTuple):
    """Gas that is taken before the message runs, and the least gas that the transaction uses at all."""

    intrinsic: int
    floor: int


class Charges(NamedTuple):
    """What a valid transaction is charged: prices in wei a gas, fees in wei, the operator's for the whole gas limit."""

    effective_gas_price: int
    priority_fee_per_gas: int
    gas: GasCharge
    l1_fee: int
    operator_fee: int
    blob_fee: int


def validate_transaction(
    scope: BlockScope, recovered: RecoveredTransaction, transaction: SignedTransaction, room: BlockRoom
) -> Charges:
    """Return the charges of a signed transaction; raise an `InvalidTransaction` where it may not be in the block."""
    rules, world, sender = scope.rules, scope.world, recovered.sender
    if transaction.transaction_type not in rules.transaction_types:
        raise TransactionTypeNotSupported(transaction.transaction_type, rules.transaction_types)
    if transaction.chain_id is not None and transaction.chain_id != rules.chain_id:
        raise WrongChainId(transaction.chain_id, rules.chain_id)
    require_nonce(world.nonce(sender), transaction.nonce)
    if world.code_hash(sender) != EMPTY_KECCAK and not is_impersonated(transaction):
        _require_delegation(scope, sender)
    require_fee_caps(transaction, sender, scope.environment.base_fee_per_gas)
    if transaction.blob_versioned_hashes or transaction.transaction_type == BLOB:
        require_blobs(scope, transaction, room.blobs)
    if transaction.transaction_type == SET_CODE and not transaction.authorization_list:
        raise EmptyAuthorizationList(sender)
    charges = _charges(scope, recovered.raw, transaction)
    _require_funds(scope, sender, transaction, charges)
    if transaction.gas_limit > room.gas:
        raise BlockGasExceeded(transaction.gas_limit, room.gas)
    require_gas(transaction.gas_limit, charges.gas)
    if transaction.to is None:
        require_init_code(rules.revision, transaction.data)
    return charges


def require_gas(gas_limit: int, gas: GasCharge) -> None:
    """Raise `IntrinsicGasTooLow` or `FloorGasTooLow` where the gas limit does not cover the charge."""
    if gas_limit < gas.intrinsic:
        raise IntrinsicGasTooLow(gas_limit, gas.intrinsic)
    if gas_limit < gas.floor:
        raise FloorGasTooLow(gas_limit, gas.floor)


def require_init_code(revision: Revision, init_code: bytes) -> None:
    """Raise `InitCodeTooLong` where the init code of a creation is above the limit (EIP-3860, since Shanghai)."""
    if revision >= Revision.SHANGHAI and len(init_code) > MAXIMUM_INIT_CODE_LENGTH:
        raise InitCodeTooLong(len(init_code), MAXIMUM_INIT_CODE_LENGTH)


def gas_charge(
    revision: Revision,
    data: bytes,
    is_creation: bool,
    access_list: AccessList = (),
    authorizations: int = 0,
    attestation: Attestation | None = None,
) -> GasCharge:
    """Return what a transaction with these parts is charged; an attestation is added to both numbers.

    Raise an `InvalidAttestation` where the evidence's shape has no price.
    """
    extra = 0 if attestation is None else attestation_gas(attestation)
    intrinsic = intrinsic_gas(data, is_creation, access_list, authorizations, revision >= Revision.SHANGHAI)
    floor = floor_gas(data) if revision >= Revision.PRAGUE else 0
    return GasCharge(intrinsic + extra, floor + extra)


def require_nonce(next_nonce: int, nonce: int) -> None:
    """Raise `NonceTooLow`, `NonceTooHigh` or `NonceAtMaximum` where `nonce` is not the sender's next one."""
    if nonce < next_nonce:
        raise NonceTooLow(next_nonce, nonce)
    if nonce > next_nonce:
        raise NonceTooHigh(next_nonce, nonce)
    if nonce >= MAXIMUM_NONCE:
        raise NonceAtMaximum(nonce)


def _require_delegation(scope: BlockScope, sender: bytes) -> None:
    """Raise `SenderHasCode` unless the sender's code delegates: such an account is still its owner's (EIP-7702)."""
    if scope.rules.revision < Revision.PRAGUE or delegated_address(scope.world.code(sender)) is None:
        raise SenderHasCode(sender)


def require_fee_caps(transaction: SignedTransaction, sender: bytes, base_fee_per_gas: int) -> None:
    """Raise `TipAboveFeeCap` or `FeeCapBelowBaseFee` where the fees are not those of a valid transaction."""
    fee_cap = transaction.max_fee_per_gas
    if transaction.max_priority_fee_per_gas > fee_cap:
        raise TipAboveFeeCap(transaction.max_priority_fee_per_gas, fee_cap)
    if fee_cap < base_fee_per_gas:
        raise FeeCapBelowBaseFee(sender, fee_cap, base_fee_per_gas)


def require_blobs(scope: BlockScope, transaction: SignedTransaction, remaining: int) -> None:
    """Raise the `InvalidTransaction` that says what is wrong with a transaction's blobs (EIP-4844)."""
    hashes = transaction.blob_versioned_hashes
    if not hashes:
        raise BlobHashesMissing
    for index, versioned_hash in enumerate(hashes):
        if versioned_hash[:1] != VERSIONED_HASH_VERSION:
            raise BlobHashVersionWrong(index, versioned_hash[0])
    if transaction.max_fee_per_blob_gas < scope.blob_base_fee:
        raise BlobFeeCapTooLow(transaction.max_fee_per_blob_gas, scope.blob_base_fee)
    if len(hashes) > remaining:
        raise BlobGasExceeded(len(hashes), remaining)


def _charges(scope: BlockScope, raw: bytes, transaction: SignedTransaction) -> Charges:
    base_fee_per_gas = scope.environment.base_fee_per_gas
    priority_fee = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base_fee_per_gas)
    l1_data_fee = worst_operator_fee = 0
    fork = scope.rules.l2_fork
    if fork is not None:
        parameters = scope.l1_fee_parameters(fork)
        l1_data_fee = l1_fee(raw, parameters, fork)
        worst_operator_fee = operator_fee(transaction.gas_limit, parameters, fork)
    return Charges(
        effective_gas_price=base_fee_per_gas + priority_fee,
        priority_fee_per_gas=priority_fee,
        gas=gas_charge(
            scope.rules.revision,
            transaction.data,
            transaction.to is None,
            transaction.access_list,
            len(transaction.authorization_list),
            transaction.attestation if isinstance(transaction, AttestedTransaction) else None,
        ),
        l1_fee=l1_data_fee,
        operator_fee=worst_operator_fee,
        blob_fee=GAS_PER_BLOB * len(transaction.blob_versioned_hashes) * scope.blob_base_fee,
    )


def _require_funds(scope: BlockScope, sender: bytes, transaction: SignedTransaction, charges: Charges) -> None:
    """Require the balance for the highest prices that the transaction agrees to, whatever the actual ones are."""
    blob_gas = GAS_PER_BLOB * len(transaction.blob_versioned_hashes)
    cost = (
        transaction.gas_limit * transaction.max_fee_per_gas
        + transaction.value
        + charges.l1_fee
        + charges.operator_fee
        + blob_gas * transaction.max_fee_per_blob_gas
    )
    balance = scope.world.balance(sender)
    if balance < cost:
        raise InsufficientFunds(sender, balance, cost)
