"""The two steps of a withdrawal on L1: prove and finalise. Each looks first at whether it is done."""

from dataclasses import dataclass
from typing import Final

from phal2.bridge.chain_access.errors import CallReverted
from phal2.bridge.chain_access.transactions import (
    DEFAULT_TIMEOUT_SECONDS,
    ContractFunction,
    Report,
    estimated_gas,
    send,
    transaction_logs,
)
from phal2.bridge.relayed_messages import relaying_of
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.bridge.withdrawals.errors import ClaimIsAnother, NotYet, StateNotKept, WithdrawalError, WouldBeLost
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.proof import WithdrawalProof, build_proof
from phal2.bridge.withdrawals.status import Proven, Step, WithdrawalStatus, withdrawal_status
from phal2.contracts import event_topic, load_artefact
from phal2.node.l1.client import L1Client
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.signatures import address_of_private_key

_TRUE: Final = 1
_ESTIMATION_ADDRESS: Final = (1).to_bytes(20, "big")
_NOT_TAKEN: Final = "OptimismPortal_GasEstimation()"


@dataclass(frozen=True, slots=True)
class Bridge:
    """The chains and contracts of a rollup, the key that sends, and where progress goes."""

    l1: L1Client
    l2: L1Client
    contracts: RollupContracts
    private_key: bytes
    report: Report = lambda _: None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    @property
    def sender(self) -> bytes:
        """The address of the key."""
        return address_of_private_key(self.private_key)


@dataclass(frozen=True, slots=True)
class Proving:
    """A withdrawal that is proven: by `transaction`, None where that was done before; `proof` is then None, too.

    `step` is at which of its steps the withdrawal is now.
    """

    transaction: bytes | None
    proof: WithdrawalProof | None
    step: Step


@dataclass(frozen=True, slots=True)
class Finalizing:
    """A withdrawal that is finalised: by `transaction`, None where that was done before.

    `delivered` tells whether the target on L1 took the message, None where it is not known; `relayed` whether the
    message inside it was, None where it is no message of the messengers.
    """

    transaction: bytes | None
    delivered: bool | None
    relayed: bool | None


async def prove(bridge: Bridge, initiated: InitiatedWithdrawal) -> Proving:
    """Prove a withdrawal against the oldest game that covers it and whose claim is the L2 node's, too.

    Raises `NotYet`, `ClaimIsAnother`, `StateNotKept`, `WrongProof`, and as `send`.
    """
    status = await withdrawal_status(bridge.l1, bridge.contracts, initiated)
    if status.step == Step.FINALIZED or status.proven is not None:
        return Proving(None, None, status.step)
    if status.step == Step.WAITING_TO_PROVE:
        raise NotYet(status.reason, status.seconds)
    proof = await _first_proof(bridge.l2, initiated, status)
    bridge.report(f"proving it against game {proof.game.index}, which covers L2 block {proof.game.block_number}")
    arguments = (_transaction(initiated), proof.game.index, proof.output_root_proof(), proof.nodes)
    function = ContractFunction(
        "OptimismPortal", bridge.contracts.portal, "proveWithdrawalTransaction", arguments, ("AnchorStateRegistry",)
    )
    return Proving(await _send(bridge, function), proof, Step.WAITING_TO_FINALIZE)


async def finalize(bridge: Bridge, initiated: InitiatedWithdrawal, *, force: bool = False) -> Finalizing:
    """Deliver a withdrawal with whoever's proof counts; with `force` also where its target would not take it.

    Raises `NotYet`, `WouldBeLost`, `WithdrawalError`, and as `send`.
    """
    status = await withdrawal_status(bridge.l1, bridge.contracts, initiated)
    if status.step == Step.FINALIZED:
        return Finalizing(None, None, None)
    if status.step in (Step.WAITING_TO_PROVE, Step.READY_TO_PROVE):
        raise WithdrawalError(f"the withdrawal is not proven: {status.reason}; run `phal2 bridge prove` first")
    if status.step == Step.WAITING_TO_FINALIZE:
        raise NotYet(status.reason, status.seconds)
    delivery = _delivery(bridge, initiated, status.proven)
    least_gas = 0 if force else await _gas_to_be_taken(bridge, initiated, status.proven)
    bridge.report("delivering the message on L1")
    transaction = await _send(bridge, delivery, least_gas)
    logs = await transaction_logs(bridge.l1, transaction)
    delivered = _is_delivered(logs, bridge.contracts.portal, initiated.hash)
    return Finalizing(transaction, delivered, _is_relayed(logs, initiated))


def _delivery(bridge: Bridge, initiated: InitiatedWithdrawal, proven: Proven | None) -> ContractFunction:
    if proven is not None and proven.submitter != bridge.sender:
        bridge.report(f"with the proof of {to_checksum_address(proven.submitter)}")
        return _delivery_with_proof_of(bridge, initiated, proven.submitter)
    function, arguments = "finalizeWithdrawalTransaction", (_transaction(initiated),)
    return ContractFunction("OptimismPortal", bridge.contracts.portal, function, arguments)


async def _gas_to_be_taken(bridge: Bridge, initiated: InitiatedWithdrawal, proven: Proven | None) -> int:
    """Return the gas with which the target takes the message, as the portal tells those who estimate from address 1.

    The estimate for anybody else may be less: for the portal a message that fails is delivered, too. Raises
    `WouldBeLost`, `CallReverted` and `EndpointError`.
    """
    submitter = bridge.sender if proven is None else proven.submitter
    delivery = _delivery_with_proof_of(bridge, initiated, submitter)
    try:
        return await estimated_gas(bridge.l1, _ESTIMATION_ADDRESS, delivery)
    except CallReverted as error:
        if error.reason == _NOT_TAKEN:
            raise WouldBeLost(initiated.hash) from None
        raise


def _delivery_with_proof_of(bridge: Bridge, initiated: InitiatedWithdrawal, submitter: bytes) -> ContractFunction:
    function, arguments = "finalizeWithdrawalTransactionExternalProof", (_transaction(initiated), submitter)
    return ContractFunction("OptimismPortal", bridge.contracts.portal, function, arguments)


async def _first_proof(l2: L1Client, initiated: InitiatedWithdrawal, status: WithdrawalStatus) -> WithdrawalProof:
    """Return the proof against the oldest game with which there is one; raise the last reason where there is none."""
    reason: WithdrawalError | None = None
    for game in status.games:
        try:
            return await build_proof(l2, initiated, game)
        except (ClaimIsAnother, StateNotKept) as error:
            reason = error
    raise reason or WithdrawalError(status.reason)


async def _send(bridge: Bridge, function: ContractFunction, least_gas: int = 0) -> bytes:
    mined = await send(
        bridge.l1,
        bridge.private_key,
        function,
        least_gas=least_gas,
        timeout_seconds=bridge.timeout_seconds,
        report=bridge.report,
    )
    bridge.report(f"mined in L1 block {mined.block_number}")
    return mined.hash


def _transaction(initiated: InitiatedWithdrawal) -> dict[str, object]:
    withdrawal = initiated.withdrawal
    return {
        "nonce": withdrawal.nonce,
        "sender": withdrawal.sender,
        "target": withdrawal.target,
        "value": withdrawal.value,
        "gasLimit": withdrawal.gas_limit,
        "data": withdrawal.data,
    }


def _is_delivered(logs: tuple[Log, ...], portal: bytes, withdrawal: bytes) -> bool | None:
    topics = (event_topic(load_artefact("OptimismPortal"), "WithdrawalFinalized"), withdrawal)
    for log in logs:
        if log.address == portal and log.topics == topics:
            return int.from_bytes(log.data, "big") == _TRUE
    return None


def _is_relayed(logs: tuple[Log, ...], initiated: InitiatedWithdrawal) -> bool | None:
    # Any contract can log what looks like a messenger's event; L2's messenger sends to L1's alone.
    if initiated.withdrawal.sender != L2_CROSS_DOMAIN_MESSENGER:
        return None
    relaying = relaying_of(logs, initiated.withdrawal.target)
    return None if relaying is None else relaying.succeeded
