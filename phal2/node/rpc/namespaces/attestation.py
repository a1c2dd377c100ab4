"""The namespace attestation.

The policy, registered enclaves, and what transactions' attestations prove (docs/attested-transactions.md).
"""

from dataclasses import dataclass
from typing import Any, Final

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.verification import verify_attestation
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.protocol.transactions import AttestedTransaction
from phal2.node.rpc.block_reference import LATEST, Block, BlockReference, require_header
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.parameter_types import Address, Data, Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import optional
from phal2.node.rpc.rollup_schemas import ENCLAVE, POLICY, VERDICT, VERIFIED_ATTESTATION
from phal2.node.rpc.workers import Workers
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.transaction_errors import WrongChainId
from phal2.node.state.world_state import WorldState

LARGEST_ENVELOPE: Final = 256 << 10
"""Bytes of the longest envelope that is looked at: a quote with its collateral takes 80 KiB at most."""


@dataclass(frozen=True, slots=True)
class _Judgement:
    """Where and when an attestation is judged."""

    chain_id: int
    timestamp: int
    view: StateAttestationView
    verdicts: QuoteVerdicts


class AttestationMethods:
    """Reads the predeploys' storage at a block, and verifies as the state module does."""

    def __init__(self, chain: ChainService, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("attestation_getPolicy", self.policy, result=POLICY)
        registry.add("attestation_getEnclave", self.enclave, result=optional(ENCLAVE))
        registry.add(
            "attestation_getByTransactionHash", self.by_transaction_hash, result=optional(VERIFIED_ATTESTATION)
        )
        registry.add("attestation_verify", self.verify, result=VERDICT)

    def policy(self, block: Block = LATEST) -> dict[str, Any]:
        """Return the policy at a block; `rootCertificates` are in the order in which they are tried."""
        policy = self._view(block).policy()
        return {
            "rootCertificates": [
                {"hash": data(root.hash), "der": data(root.der), "simulated": root.simulated}
                for root in policy.root_certificates
            ],
            "allowedTcbStatuses": [quantity(status) for status in range(8) if policy.allowed_statuses >> status & 1],
            "leastTcbEvaluationNumber": quantity(policy.least_tcb_evaluation_number),
            "anyWorkload": policy.any_workload,
            "anyImage": policy.any_image,
        }

    def enclave(self, address: Address, block: Block = LATEST) -> dict[str, Any] | None:
        """Return the record of an enclave key at a block, null where it was never registered."""
        record = self._view(block).enclave(address)
        if record is None:
            return None
        return {
            "enclave": data(address),
            "workload": data(record.workload),
            "image": data(record.image),
            "rootCa": data(record.root_ca),
            "expiry": quantity(record.expiry),
            "tcbStatus": quantity(record.tcb_status),
            "tcbEvaluationNumber": quantity(record.tcb_evaluation_number),
            "simulated": record.simulated,
            "revoked": record.revoked,
            "registrar": data(record.registrar),
        }

    def by_transaction_hash(self, transaction_hash: Hash) -> dict[str, Any] | None:
        """Return what contracts could see of a transaction's attestation, null where there is none in the chain."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is None:
            return None
        verified = self._chain.store.attestation(location.block_hash, location.index)
        if verified is None:
            return None
        return {
            "transactionHash": data(transaction_hash),
            "blockHash": data(location.block_hash),
            "blockNumber": quantity(location.block_number),
            "kind": quantity(verified.kind),
            "tcbStatus": quantity(verified.tcb_status),
            "validUntil": quantity(verified.valid_until),
            "sender": data(verified.sender),
            "to": data(verified.to),
            "subject": data(verified.subject),
            "workload": data(verified.workload),
            "evidenceHash": data(verified.evidence_hash),
            "dataHash": data(verified.data_hash),
            "value": quantity(verified.value),
            "image": data(verified.image),
            "rootCa": data(verified.root_ca),
            "tcbEvaluationNumber": quantity(verified.tcb_evaluation_number),
            "simulated": verified.simulated,
        }

    async def verify(self, raw_transaction: Data) -> dict[str, Any]:
        """Judge the attestation of a signed transaction as the next block would, nonce and balance aside.

        `reason` says why it does not hold, and is null where it does; what is not known is null.
        """
        judgement = _Judgement(
            self._chain.chain_id,
            self._chain.pending_environment().timestamp,
            self._view(LATEST),
            self._chain.verdicts,
        )
        return await self._workers.run(_verdict, raw_transaction, judgement)

    def _view(self, block: BlockReference) -> StateAttestationView:
        state_root = require_header(self._chain, block).state_root
        return StateAttestationView(WorldState(self._chain.store, state_root))


def _verdict(raw_transaction: bytes, judgement: _Judgement) -> dict[str, Any]:
    if len(raw_transaction) > LARGEST_ENVELOPE:
        return _refusal(f"transaction of {len(raw_transaction)} bytes, at most {LARGEST_ENVELOPE} are allowed")
    try:
        recovered = recover_transaction(raw_transaction)
    except Phal2Error as error:
        return _refusal(str(error))
    transaction = recovered.transaction
    if not isinstance(transaction, AttestedTransaction):
        return _refusal(f"transaction of type {hex(transaction.transaction_type)}, expected 0x54", recovered)
    try:
        if transaction.chain_id != judgement.chain_id:
            raise WrongChainId(transaction.chain_id, judgement.chain_id)
        verified = verify_attestation(
            transaction, recovered.sender, judgement.timestamp, judgement.view, judgement.verdicts
        )
    except Phal2Error as error:
        return _refusal(str(error), recovered)
    return {
        "valid": True,
        "reason": None,
        "kind": quantity(verified.kind),
        "sender": data(verified.sender),
        "subject": data(verified.subject),
        "workload": data(verified.workload),
        "tcbStatus": quantity(verified.tcb_status),
        "simulated": verified.simulated,
    }


def _refusal(reason: str, recovered: RecoveredTransaction | None = None) -> dict[str, Any]:
    kind = sender = None
    if recovered is not None:
        sender = data(recovered.sender)
        if isinstance(recovered.transaction, AttestedTransaction):
            kind = quantity(recovered.transaction.attestation.kind)
    unknown = dict.fromkeys(("subject", "workload", "tcbStatus", "simulated"))
    return {"valid": False, "reason": reason, "kind": kind, "sender": sender, **unknown}
