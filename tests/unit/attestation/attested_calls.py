"""Calls, keys, a state in memory and attestations of every kind, for the tests of their verification."""

from dataclasses import dataclass, field, replace

from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import STANDARD_PLATFORM, SimulatedPlatform, SimulatedQuote, simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    multisig_attestation,
    quote_attestation,
    sign_attested,
    statement_for,
)
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.policy import AttestationPolicy, EnclaveRecord, RootCertificate
from phal2.node.attestation.statement import report_data_of
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519
from phal2.node.attestation.verification import verify_attestation
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.protocol.transactions import Attestation, AttestedTransaction, Evidence

NOW = 1_760_000_000
VALID_UNTIL = NOW + 3_600
SENDER_KEY = b"\x11" * 32
SENDER = address_of_private_key(SENDER_KEY)
ENCLAVE_KEY = b"\x22" * 32
ENCLAVE = address_of_private_key(ENCLAVE_KEY)
CALL = Call(
    chain_id=20_350,
    nonce=7,
    to=bytes.fromhex("c0ffee254729296a45a3885639ac7e10f9d54979"),
    value=5,
    data=b"\xca\xfe\xba\xbe" + b"\x01" * 32,
    gas_limit=1_000_000,
    max_priority_fee_per_gas=1,
    max_fee_per_gas=10**9,
)
WORKLOAD_NAME = "gate"
NOTE = b"receive PHA at 0x000000000000000000000000000000000000dEaD"

SIMULATOR_ROOT = RootCertificate(SIMULATOR_ROOT_CA_DER, simulated=True)
INTEL_ROOT = RootCertificate(INTEL_ROOT_CA_DER, simulated=False)
OPEN_POLICY = AttestationPolicy(
    root_certificates=(INTEL_ROOT, SIMULATOR_ROOT),
    allowed_statuses=0b000001,
    least_tcb_evaluation_number=18,
    any_workload=True,
    any_image=False,
)

SR25519_SECRET = AccountSecret(SR25519, b"\x31" * 32)
ED25519_SECRET = AccountSecret(ED25519, b"\x32" * 32)
ECDSA_SECRET = AccountSecret(ECDSA, b"\x33" * 32)
SECRETS = (SR25519_SECRET, ED25519_SECRET, ECDSA_SECRET)


@dataclass
class MemoryView:
    """The state's part in attestations, held in memory."""

    present_policy: AttestationPolicy = OPEN_POLICY
    workloads: set[bytes] = field(default_factory=set)
    images: set[bytes] = field(default_factory=set)
    enclaves: dict[bytes, EnclaveRecord] = field(default_factory=dict)

    def policy(self) -> AttestationPolicy:
        return self.present_policy

    def is_workload_listed(self, workload: bytes) -> bool:
        return workload in self.workloads

    def is_image_listed(self, image: bytes) -> bool:
        return image in self.images

    def enclave(self, address: bytes) -> EnclaveRecord | None:
        return self.enclaves.get(address)


RECORD = EnclaveRecord(
    workload=b"\x51" * 32,
    image=b"\x52" * 32,
    root_ca=SIMULATOR_ROOT.hash,
    expiry=NOW + 100,
    tcb_evaluation_number=20,
    tcb_status=0,
    simulated=True,
    revoked=False,
    registrar=SENDER,
)


def registry_view(record: EnclaveRecord = RECORD, policy: AttestationPolicy = OPEN_POLICY) -> MemoryView:
    return MemoryView(present_policy=policy, enclaves={ENCLAVE: record})


def simulated_quote(
    call: Call = CALL,
    valid_until: int = VALID_UNTIL,
    platform: SimulatedPlatform = STANDARD_PLATFORM,
    report_data: bytes | None = None,
) -> SimulatedQuote:
    expected = report_data_of(statement_for(call, SENDER, valid_until))
    return simulate_quote(report_data or expected, WORKLOAD_NAME, NOW, platform)


def quote_of(simulated: SimulatedQuote, valid_until: int = VALID_UNTIL) -> Attestation:
    return quote_attestation(simulated.quote, simulated.collateral_json, valid_until)


def enclave_signed(call: Call = CALL, valid_until: int = VALID_UNTIL, key: bytes = ENCLAVE_KEY) -> Attestation:
    return enclave_key_attestation(statement_for(call, SENDER, valid_until), key)


def account_signed(
    secret: AccountSecret = SR25519_SECRET,
    call: Call = CALL,
    valid_until: int = VALID_UNTIL,
    *,
    note: bytes = NOTE,
    wrap_in_bytes: bool = False,
) -> Attestation:
    statement = account_statement_for(call, valid_until, note)
    return account_attestation(statement, secret, wrap_in_bytes=wrap_in_bytes)


def multisig_signed(
    threshold: int, signatories: list[bytes], secrets: list[AccountSecret], *, wrap_in_bytes: bool = False
) -> Attestation:
    statement = account_statement_for(CALL, VALID_UNTIL, NOTE)
    return multisig_attestation(statement, threshold, signatories, secrets, wrap_in_bytes=wrap_in_bytes)


def with_evidence(attestation: Attestation, *evidence: Evidence) -> Attestation:
    return replace(attestation, evidence=evidence)


def verify(
    attestation: Attestation,
    call: Call = CALL,
    view: MemoryView | None = None,
    timestamp: int = NOW,
    sender_key: bytes = SENDER_KEY,
) -> VerifiedAttestation:
    """Send the call through the wire's encoding and verify what arrives."""
    recovered = recover_transaction(sign_attested(call, attestation, sender_key))
    assert isinstance(recovered.transaction, AttestedTransaction)
    return verify_attestation(recovered.transaction, recovered.sender, timestamp, view or MemoryView(), QuoteVerdicts())
