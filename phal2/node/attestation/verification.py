"""Verifies attestations, at a block's timestamp and against the state before it (docs/attested-transactions.md)."""

from typing import Final

from phal2.node.attestation.account_text import AccountStatement, account_text, wrapped
from phal2.node.attestation.collateral import check_collateral
from phal2.node.attestation.dcap import QuoteClaims, QuoteVerdicts
from phal2.node.attestation.errors import (
    AttestationExpired,
    AttestationTooDistant,
    EnclaveExpired,
    EnclaveNotRegistered,
    EnclaveRevoked,
    EnclaveSignatureInvalid,
    KindNotAllowed,
    QuoteRefused,
    ReportDataMismatch,
    UntrustedRoot,
)
from phal2.node.attestation.evidence import (
    SUBSTRATE_ACCOUNT,
    AccountEvidence,
    EnclaveEvidence,
    MultisigEvidence,
    QuoteEvidence,
    read_account_evidence,
    read_evidence,
)
from phal2.node.attestation.multisig import verify_multisig
from phal2.node.attestation.policy import (
    AttestationPolicy,
    AttestationView,
    EnclaveRecord,
    RootCertificate,
    require_tcb,
    require_workload,
)
from phal2.node.attestation.quotes import Report, parse_exact_quote
from phal2.node.attestation.statement import Statement, report_data_of, statement_hash, statement_of
from phal2.node.attestation.substrate_signatures import account_id, verify_signature
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import InvalidSignature, recover_address
from phal2.node.protocol.transactions import Attestation, AttestedTransaction

LONGEST_VALIDITY: Final = 86_400
LONGEST_ACCOUNT_VALIDITY: Final = 2_592_000

_NO_HASH: Final = bytes(32)


def verify_attestation(
    transaction: AttestedTransaction,
    sender: bytes,
    timestamp: int,
    view: AttestationView,
    verdicts: QuoteVerdicts,
) -> VerifiedAttestation:
    """Return what the transaction's attestation proves in a block of `timestamp`; raise an `InvalidAttestation`.

    `sender` is the address that signed the envelope, `view` the state before the transaction. `verdicts` only saves
    work. The checks run from cheap to expensive: shape, validity, binding to the call, policy, signatures.
    """
    attestation = transaction.attestation
    evidence = read_evidence(attestation)
    require_validity(attestation, timestamp)
    if isinstance(evidence, QuoteEvidence):
        statement = statement_of(transaction, sender)
        return _verify_quote(statement, attestation, evidence, timestamp, view, verdicts)
    if isinstance(evidence, EnclaveEvidence):
        statement = statement_of(transaction, sender)
        return _verify_enclave_key(statement, attestation, evidence, timestamp, view)
    return _verify_account(
        transaction.chain_id, transaction.to, transaction.data, attestation, evidence, sender, transaction.value
    )


def quote_checks(
    transaction: AttestedTransaction, sender: bytes, timestamp: int, view: AttestationView
) -> tuple[tuple[bytes, bytes, bytes, int], ...]:
    """Return the arguments of each `check_quote` that `verify_attestation` may need, after all cheaper checks.

    A worker process can run them and the caller put the verdicts into its `QuoteVerdicts`. Empty for kinds 2 and 3.
    Raises an `InvalidAttestation` where a cheaper check fails.
    """
    evidence = read_evidence(transaction.attestation)
    require_validity(transaction.attestation, timestamp)
    if not isinstance(evidence, QuoteEvidence):
        return ()
    policy = view.policy()
    _bound_report(statement_of(transaction, sender), evidence, view, policy)
    return tuple((evidence.quote, evidence.collateral, root.der, timestamp) for root in policy.root_certificates)


def verify_account_statement(
    chain_id: int,
    to: bytes,
    data: bytes,
    attestation: Attestation,
    timestamp: int,
    sender: bytes,
    value: int,
) -> VerifiedAttestation:
    """Verify an attestation of kind 3 outside of an envelope, as user deposits carry it; raise an `InvalidAttestation`.

    Every other kind raises `KindNotAllowed`.
    """
    if attestation.kind != SUBSTRATE_ACCOUNT:
        raise KindNotAllowed(attestation.kind)
    evidence = read_account_evidence(attestation.evidence)
    require_validity(attestation, timestamp)
    return _verify_account(chain_id, to, data, attestation, evidence, sender, value)


def require_validity(attestation: Attestation, timestamp: int) -> None:
    """Raise `AttestationExpired` or `AttestationTooDistant` where valid_until is before the block or too far ahead."""
    longest = LONGEST_ACCOUNT_VALIDITY if attestation.kind == SUBSTRATE_ACCOUNT else LONGEST_VALIDITY
    if attestation.valid_until < timestamp:
        raise AttestationExpired(attestation.valid_until, timestamp)
    if attestation.valid_until > timestamp + longest:
        raise AttestationTooDistant(attestation.valid_until, timestamp, longest)


def require_report_data(report: Report, statement: Statement) -> None:
    """Raise `ReportDataMismatch` where the quote was not made for the statement."""
    expected = report_data_of(statement)
    if report.report_data != expected:
        raise ReportDataMismatch(expected, report.report_data)


def _verify_quote(
    statement: Statement,
    attestation: Attestation,
    evidence: QuoteEvidence,
    timestamp: int,
    view: AttestationView,
    verdicts: QuoteVerdicts,
) -> VerifiedAttestation:
    policy = view.policy()
    report = _bound_report(statement, evidence, view, policy)
    root, claims = _judge_quote(evidence, timestamp, policy, verdicts)
    require_tcb(policy, claims.tcb_status, claims.tcb_evaluation_number)
    return VerifiedAttestation(
        kind=attestation.kind,
        tcb_status=claims.tcb_status,
        valid_until=attestation.valid_until,
        sender=statement.sender,
        to=statement.to,
        subject=report.subject,
        workload=report.workload,
        evidence_hash=evidence_hash(attestation),
        data_hash=keccak256(statement.data),
        value=statement.value,
        image=report.image,
        root_ca=root.hash,
        tcb_evaluation_number=claims.tcb_evaluation_number,
        simulated=root.simulated,
    )


def _bound_report(
    statement: Statement, evidence: QuoteEvidence, view: AttestationView, policy: AttestationPolicy
) -> Report:
    """Return the quote's report, with everything checked that needs no signature."""
    report = parse_exact_quote(evidence.quote)
    require_report_data(report, statement)
    check_collateral(evidence.collateral)
    require_workload(view, policy, report.workload, report.image)
    return report


def _judge_quote(
    evidence: QuoteEvidence, timestamp: int, policy: AttestationPolicy, verdicts: QuoteVerdicts
) -> tuple[RootCertificate, QuoteClaims]:
    reasons = []
    for root in policy.root_certificates:
        verdict = verdicts.verdict(evidence.quote, evidence.collateral, root.der, timestamp)
        if isinstance(verdict, QuoteClaims):
            return root, verdict
        reasons.append((root.hash, verdict.reason))
    raise QuoteRefused(timestamp, tuple(reasons))


def _verify_enclave_key(
    statement: Statement,
    attestation: Attestation,
    evidence: EnclaveEvidence,
    timestamp: int,
    view: AttestationView,
) -> VerifiedAttestation:
    _require_enclave_signature(evidence, statement_hash(statement))
    record = _usable_record(evidence.enclave, timestamp, view)
    root = _require_record_within_policy(record, view)
    return VerifiedAttestation(
        kind=attestation.kind,
        tcb_status=record.tcb_status,
        valid_until=attestation.valid_until,
        sender=statement.sender,
        to=statement.to,
        subject=evidence.enclave.rjust(32, b"\0"),
        workload=record.workload,
        evidence_hash=evidence_hash(attestation),
        data_hash=keccak256(statement.data),
        value=statement.value,
        image=record.image,
        root_ca=record.root_ca,
        tcb_evaluation_number=record.tcb_evaluation_number,
        # A root that the owner marks as simulated later taints what was registered under it before.
        simulated=record.simulated or root.simulated,
    )


def _require_enclave_signature(evidence: EnclaveEvidence, digest: bytes) -> None:
    r = int.from_bytes(evidence.signature[:32], "big")
    s = int.from_bytes(evidence.signature[32:64], "big")
    try:
        signer = recover_address(digest, evidence.signature[64], r, s)
    except InvalidSignature as error:
        raise EnclaveSignatureInvalid(f"enclave signature: {error}") from None
    if signer != evidence.enclave:
        raise EnclaveSignatureInvalid(
            f"enclave signature recovers to 0x{signer.hex()}, expected 0x{evidence.enclave.hex()}: it is not over the "
            "statement of this chain, sender, nonce, to, value, data and valid_until"
        )


def _usable_record(enclave: bytes, timestamp: int, view: AttestationView) -> EnclaveRecord:
    record = view.enclave(enclave)
    if record is None:
        raise EnclaveNotRegistered(enclave)
    if record.revoked:
        raise EnclaveRevoked(enclave)
    if timestamp >= record.expiry:
        raise EnclaveExpired(enclave, record.expiry, timestamp)
    return record


def _require_record_within_policy(record: EnclaveRecord, view: AttestationView) -> RootCertificate:
    policy = view.policy()
    root = next((root for root in policy.root_certificates if root.hash == record.root_ca), None)
    if root is None:
        raise UntrustedRoot(record.root_ca)
    require_tcb(policy, record.tcb_status, record.tcb_evaluation_number)
    require_workload(view, policy, record.workload, record.image)
    return root


def _verify_account(
    chain_id: int,
    to: bytes,
    data: bytes,
    attestation: Attestation,
    evidence: AccountEvidence | MultisigEvidence,
    sender: bytes,
    value: int,
) -> VerifiedAttestation:
    text = account_text(AccountStatement(chain_id, to, data, attestation.valid_until, evidence.note))
    return VerifiedAttestation(
        kind=attestation.kind,
        tcb_status=0,
        valid_until=attestation.valid_until,
        sender=sender,
        to=to,
        subject=_signing_account(evidence, (text, wrapped(text))),
        workload=keccak256(evidence.note),
        evidence_hash=evidence_hash(attestation),
        data_hash=keccak256(data),
        value=value,
        image=_NO_HASH,
        root_ca=_NO_HASH,
        tcb_evaluation_number=0,
        simulated=False,
    )


def _signing_account(evidence: AccountEvidence | MultisigEvidence, messages: tuple[bytes, ...]) -> bytes:
    if isinstance(evidence, MultisigEvidence):
        return verify_multisig(evidence.threshold, evidence.signatories, evidence.signatures, messages)
    verify_signature(evidence.scheme, evidence.public_key, evidence.signature, messages)
    return account_id(evidence.scheme, evidence.public_key)


def evidence_hash(attestation: Attestation) -> bytes:
    """Return Keccak-256 of the evidence's RLP, by which contracts and caches name the evidence."""
    return keccak256(rlp.encode(attestation.evidence))
