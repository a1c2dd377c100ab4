"""Running the message of a transaction: nonce, access list and delegations first, then the call or creation."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import EMPTY_KECCAK
from phal2.node.protocol.transactions import AccessList, Authorization
from phal2.node.state.authorizations import set_delegations
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.evm import Message, MessageResult, TransactionContext
from phal2.node.state.rules import Revision

REFUND_QUOTIENT: Final = 5
"""At most one fifth of the gas used goes back (EIP-3529)."""


class TransactionMessage(NamedTuple):
    """The message of a transaction. `gas` is what is left after the intrinsic gas; `to` is None for a creation."""

    sender: bytes
    to: bytes | None
    value: int
    data: bytes
    gas: int
    gas_price: int
    access_list: AccessList = ()
    authorization_list: Sequence[Authorization] = ()
    blob_versioned_hashes: tuple[bytes, ...] = ()


class ExecutedMessage(NamedTuple):
    """How the message ended, and for a creation the address, whether or not it succeeded."""

    result: MessageResult
    contract_address: bytes | None


def execute_message(scope: BlockScope, message: TransactionMessage) -> ExecutedMessage:
    """Run the message; the sender's nonce goes up by one however it ends."""
    world = scope.world
    nonce = world.nonce(message.sender)
    world.set_nonce(message.sender, nonce + 1)
    if message.to is None:
        created = contract_address(message.sender, nonce)
        _warm(scope, message, created)
        return ExecutedMessage(_run(scope, message, created), created)
    if scope.tracer is None and not message.authorization_list and _is_plain_transfer(scope, message.to):
        return ExecutedMessage(_transfer(scope, message, message.to), None)
    _warm(scope, message, message.to)
    delegation_refund = set_delegations(world, scope.rules.chain_id, message.authorization_list)
    result = _run(scope, message, None)
    if delegation_refund:
        result = result._replace(gas_refund=result.gas_refund + delegation_refund)
    return ExecutedMessage(result, None)


def gas_used_after_refund(gas_limit: int, result: MessageResult, floor: int) -> int:
    """Return the gas that a transaction is charged in the end (EIP-3529, EIP-7623)."""
    gas_used = gas_limit - result.gas_left
    return max(gas_used - min(result.gas_refund, gas_used // REFUND_QUOTIENT), floor)


def _is_plain_transfer(scope: BlockScope, to: bytes) -> bool:
    return to not in scope.callable_precompiles and scope.world.code_hash(to) == EMPTY_KECCAK


def _transfer(scope: BlockScope, message: TransactionMessage, to: bytes) -> MessageResult:
    # No code can look at what is warm, so nothing is warmed.
    if message.value:
        scope.world.add_balance(message.sender, -message.value)
    scope.world.add_balance(to, message.value)
    return MessageResult(gas_left=message.gas, gas_refund=0, output=b"", error=None, reverted=False)


def _warm(scope: BlockScope, message: TransactionMessage, target: bytes) -> None:
    """Warm what a transaction has accessed before its message runs (EIP-2929, EIP-2930, EIP-3651)."""
    world = scope.world
    world.warm_from_start(scope.precompiles)
    world.warm_address(message.sender)
    world.warm_address(target)
    if scope.rules.revision >= Revision.SHANGHAI:
        world.warm_address(scope.environment.coinbase)
    for address, slots in message.access_list:
        world.warm_address(address)
        for slot in slots:
            world.warm_slot(address, int.from_bytes(slot, "big"))


def _run(scope: BlockScope, message: TransactionMessage, created_address: bytes | None) -> MessageResult:
    return scope.evm.execute(
        Message(message.sender, message.to, message.value, message.data, message.gas, created_address),
        TransactionContext(message.sender, message.gas_price, message.blob_versioned_hashes),
    )
