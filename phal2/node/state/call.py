"""Calls that leave no trace: eth_call, eth_estimateGas and their like."""

from dataclasses import replace
from typing import Final, NamedTuple

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.verification import verify_attestation
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transactions import AccessList, Attestation, AttestedTransaction, Authorization
from phal2.node.state.attestation_context import show_attestation
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.block_scope import BlockScope, ScopeOverrides
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.message_execution import (
    ExecutedMessage,
    TransactionMessage,
    execute_message,
    gas_used_after_refund,
)
from phal2.node.state.rules import ChainRules, block_rules
from phal2.node.state.transaction_errors import InsufficientFunds
from phal2.node.state.trie import TrieReader
from phal2.node.state.validation import GasCharge, gas_charge, require_gas, require_init_code
from phal2.node.state.world_state import WorldState

_ACCOUNTS_OF_A_CALL: Final = 4
"""Sender, recipient, coinbase, and what the recipient delegates to."""

_LEAST_GAS_OF_A_LOAD: Final = 1_900
"""No account and no word beside those is read for less: 2,100 gas (EIP-2929), or 1,900 as part of an access list."""


_NOTHING: Final[tuple[frozenset[bytes], frozenset[tuple[bytes, int]]]] = (frozenset(), frozenset())


class AttestedCreation(InvalidTransaction):
    """A call with an attestation and without a recipient."""

    def __init__(self) -> None:
        super().__init__("an attested call needs a recipient: attested transactions create no contracts")


class CallRequest(NamedTuple):
    """A call that nobody signed. `to` is None for a creation; `nonce` None stands for the sender's next one.

    With `gas_price` 0 nothing is charged for gas, the sender needs no balance but for `value`, and contracts see a
    base fee of 0. Where `max_fee_per_gas` is higher, the sender must have what all gas costs at that. With an
    `attestation` the call is judged as the attested transaction would be, but for the signature of its envelope.
    `tells_accessed` asks for the `accessed` of the result.
    """

    sender: bytes
    to: bytes | None
    data: bytes = b""
    value: int = 0
    gas_limit: int = 30_000_000
    gas_price: int = 0
    access_list: AccessList = ()
    authorization_list: tuple[Authorization, ...] = ()
    attestation: Attestation | None = None
    nonce: int | None = None
    blob_versioned_hashes: tuple[bytes, ...] = ()
    max_fee_per_gas: int = 0
    tells_accessed: bool = False


class CallResult(NamedTuple):
    """What a call gave. `gas_used` includes the intrinsic gas and is after refunds; `error` is None where it succeeded.

    `reverted` tells a REVERT, whose data is `return_data`, from every other failure. `accessed` are the addresses and
    the (address, slot) pairs that are warm at the end.
    """

    return_data: bytes
    gas_used: int
    succeeded: bool
    error: str | None
    reverted: bool
    logs: tuple[Log, ...]
    accessed: tuple[frozenset[bytes], frozenset[tuple[bytes, int]]] = _NOTHING


class CallScope:
    """A block and the state that calls in it find. Each call finds it as it is, whatever the ones before it did.

    What calls read is kept for those that follow: `load` says how much that may be.
    """

    def __init__(
        self,
        rules: ChainRules,
        environment: BlockEnvironment,
        database: StateDatabase,
        state_root: bytes,
        block_hashes: BlockHashes,
        verdicts: QuoteVerdicts,
        overrides: ScopeOverrides | None = None,
        reader: TrieReader | None = None,
    ) -> None:
        """A `reader` of the same database that earlier calls used saves reading its nodes again."""
        self.load = 0
        """At least as many accounts and words are kept; an execution that was stopped is not counted."""
        self._world = WorldState(database, state_root, reader)
        resolved = block_rules(rules, environment.timestamp)
        self._priced = BlockScope(resolved, environment, self._world, block_hashes, verdicts, overrides)
        # A price below the base fee would break what contracts may rely on.
        free_environment = replace(environment, base_fee_per_gas=0)
        self._free = BlockScope(resolved, free_environment, self._world, block_hashes, verdicts, overrides)

    def execute(self, request: CallRequest) -> CallResult:
        """Run a call.

        What the checkpoint of the overrides raises comes through. Raise an `InvalidTransaction` where the call cannot
        begin: the gas does not cover the intrinsic gas, the sender cannot pay, or the attestation does not hold.
        """
        world = self._world
        self.load += _ACCOUNTS_OF_A_CALL
        scope = self._priced if request.gas_price else self._free
        try:
            charge = _charge(scope, request)
            _prepare_sender(scope, request)
            if request.attestation is not None:
                _show_attestation(scope, request, request.attestation)
            executed = execute_message(scope, _message(request, charge))
            self.load += (request.gas_limit - charge.intrinsic - executed.result.gas_left) // _LEAST_GAS_OF_A_LOAD
            return _result(world, request, charge, executed)
        finally:
            world.discard_transaction()


def execute_call(
    rules: ChainRules,
    environment: BlockEnvironment,
    database: StateDatabase,
    state_root: bytes,
    block_hashes: BlockHashes,
    request: CallRequest,
    verdicts: QuoteVerdicts,
    overrides: ScopeOverrides | None = None,
    reader: TrieReader | None = None,
) -> CallResult:
    """Run a call on the state under `state_root` as in a block of `environment`; nothing is stored.

    Raises what `CallScope.execute` does.
    """
    scope = CallScope(rules, environment, database, state_root, block_hashes, verdicts, overrides, reader)
    return scope.execute(request)


def _charge(scope: BlockScope, request: CallRequest) -> GasCharge:
    revision = scope.rules.revision
    is_creation = request.to is None
    authorizations = len(request.authorization_list)
    charge = gas_charge(revision, request.data, is_creation, request.access_list, authorizations, request.attestation)
    require_gas(request.gas_limit, charge)
    if is_creation:
        require_init_code(revision, request.data)
    return charge


def _prepare_sender(scope: BlockScope, request: CallRequest) -> None:
    world = scope.world
    cost = request.gas_limit * max(request.gas_price, request.max_fee_per_gas) + request.value
    balance = world.balance(request.sender)
    if balance < cost:
        raise InsufficientFunds(request.sender, balance, cost)
    if request.gas_price:
        world.add_balance(request.sender, -request.gas_limit * request.gas_price)
    if request.nonce is not None:
        world.set_nonce(request.sender, request.nonce)


def _show_attestation(scope: BlockScope, request: CallRequest, attestation: Attestation) -> None:
    if request.to is None:
        raise AttestedCreation
    world = scope.world
    transaction = AttestedTransaction(
        chain_id=scope.rules.chain_id,
        nonce=world.nonce(request.sender),
        max_priority_fee_per_gas=0,
        max_fee_per_gas=request.gas_price,
        gas_limit=request.gas_limit,
        to=request.to,
        value=request.value,
        data=request.data,
        access_list=request.access_list,
        attestation=attestation,
        y_parity=0,
        r=0,
        s=0,
    )
    verified = verify_attestation(
        transaction, request.sender, scope.environment.timestamp, StateAttestationView(world), scope.verdicts
    )
    show_attestation(world, verified)


def _message(request: CallRequest, charge: GasCharge) -> TransactionMessage:
    return TransactionMessage(
        sender=request.sender,
        to=request.to,
        value=request.value,
        data=request.data,
        gas=request.gas_limit - charge.intrinsic,
        gas_price=request.gas_price,
        access_list=request.access_list,
        authorization_list=request.authorization_list,
        blob_versioned_hashes=request.blob_versioned_hashes,
    )


def _result(world: WorldState, request: CallRequest, charge: GasCharge, executed: ExecutedMessage) -> CallResult:
    result = executed.result
    return CallResult(
        return_data=result.output,
        gas_used=gas_used_after_refund(request.gas_limit, result, charge.floor),
        succeeded=result.error is None,
        error=result.error,
        reverted=result.reverted,
        logs=world.logs(),
        accessed=world.accessed() if request.tells_accessed else _NOTHING,
    )
