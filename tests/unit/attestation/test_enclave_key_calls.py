"""Kind 2: a call signed with a registered enclave's key."""

from dataclasses import replace

import pytest
from attested_calls import (
    CALL,
    ENCLAVE,
    INTEL_ROOT,
    NOW,
    OPEN_POLICY,
    RECORD,
    SIMULATOR_ROOT,
    MemoryView,
    enclave_signed,
    registry_view,
    verify,
    with_evidence,
)

from phal2.node.attestation.errors import (
    AttestationExpired,
    AttestationTooDistant,
    EnclaveExpired,
    EnclaveNotRegistered,
    EnclaveRevoked,
    EnclaveSignatureInvalid,
    TcbEvaluationTooOld,
    TcbStatusNotAllowed,
    UntrustedRoot,
    WorkloadNotAllowed,
)
from phal2.node.attestation.policy import RootCertificate
from phal2.node.protocol.signatures import SECP256K1_ORDER


def test_proves_what_was_registered():
    verified = verify(enclave_signed(), view=registry_view())

    assert verified.kind == 2
    assert verified.subject == bytes(12) + ENCLAVE
    assert (verified.workload, verified.image) == (RECORD.workload, RECORD.image)
    assert (verified.root_ca, verified.tcb_status, verified.tcb_evaluation_number) == (RECORD.root_ca, 0, 20)
    assert verified.simulated


@pytest.mark.parametrize(
    "change",
    [{"chain_id": 1}, {"nonce": 8}, {"to": b"\x01" * 20}, {"value": 6}, {"data": b""}],
    ids=lambda change: next(iter(change)),
)
def test_does_not_cover_another_call(change):
    with pytest.raises(EnclaveSignatureInvalid, match="recovers"):
        verify(enclave_signed(), call=replace(CALL, **change), view=registry_view())


def test_does_not_cover_another_sender():
    with pytest.raises(EnclaveSignatureInvalid):
        verify(enclave_signed(), view=registry_view(), sender_key=b"\x12" * 32)


def test_unregistered_keys_are_refused():
    with pytest.raises(EnclaveNotRegistered, match=ENCLAVE.hex()):
        verify(enclave_signed(), view=MemoryView())


def test_revoked_keys_are_refused():
    with pytest.raises(EnclaveRevoked):
        verify(enclave_signed(), view=registry_view(replace(RECORD, revoked=True)))


def test_keys_attest_until_the_second_before_their_expiry():
    view = registry_view(replace(RECORD, expiry=NOW + 1))

    assert verify(enclave_signed(), view=view).kind == 2
    with pytest.raises(EnclaveExpired, match=str(NOW + 1)):
        verify(enclave_signed(), view=view, timestamp=NOW + 1)


def test_a_root_that_the_policy_dropped_is_refused():
    policy = replace(OPEN_POLICY, root_certificates=(INTEL_ROOT,))

    with pytest.raises(UntrustedRoot, match=SIMULATOR_ROOT.hash.hex()):
        verify(enclave_signed(), view=registry_view(policy=policy))


def test_a_status_that_the_policy_dropped_is_refused():
    with pytest.raises(TcbStatusNotAllowed):
        verify(enclave_signed(), view=registry_view(replace(RECORD, tcb_status=4)))


def test_an_evaluation_number_that_the_policy_outgrew_is_refused():
    policy = replace(OPEN_POLICY, least_tcb_evaluation_number=21)

    with pytest.raises(TcbEvaluationTooOld):
        verify(enclave_signed(), view=registry_view(policy=policy))


def test_a_workload_that_the_policy_dropped_is_refused():
    view = registry_view(policy=replace(OPEN_POLICY, any_workload=False))

    with pytest.raises(WorkloadNotAllowed):
        verify(enclave_signed(), view=view)
    view.images.add(RECORD.image)
    assert verify(enclave_signed(), view=view).kind == 2


def test_a_root_marked_as_simulated_later_shows():
    root = RootCertificate(INTEL_ROOT.der, simulated=True)
    record = replace(RECORD, simulated=False, root_ca=root.hash)

    verified = verify(enclave_signed(), view=registry_view(record, replace(OPEN_POLICY, root_certificates=(root,))))

    assert verified.simulated


@pytest.mark.parametrize(("offset", "error"), [(-1, AttestationExpired), (86_401, AttestationTooDistant)])
def test_validity_outside_of_the_window_is_refused(offset, error):
    with pytest.raises(error):
        verify(enclave_signed(valid_until=NOW + offset), view=registry_view())


def test_a_high_s_is_refused():
    attestation = enclave_signed()
    enclave, signature = attestation.evidence
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
    malleated = signature[:32] + s.to_bytes(32, "big") + bytes([1 - signature[64]])

    with pytest.raises(EnclaveSignatureInvalid, match="half"):
        verify(with_evidence(attestation, enclave, malleated), view=registry_view())


@pytest.mark.parametrize("y_parity", [2, 27, 28, 255])
def test_y_parity_other_than_0_and_1_is_refused(y_parity):
    attestation = enclave_signed()
    enclave, signature = attestation.evidence

    with pytest.raises(EnclaveSignatureInvalid, match="parity"):
        verify(with_evidence(attestation, enclave, signature[:64] + bytes([y_parity])), view=registry_view())


def test_another_keys_signature_is_refused():
    attestation = enclave_signed(key=b"\x23" * 32)
    _, signature = attestation.evidence

    with pytest.raises(EnclaveSignatureInvalid):
        verify(with_evidence(attestation, ENCLAVE, signature), view=registry_view())
