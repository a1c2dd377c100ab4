"""Kind 1: a call attested by a DCAP quote."""

from dataclasses import replace

import pytest
from attested_calls import (
    CALL,
    INTEL_ROOT,
    NOW,
    OPEN_POLICY,
    SENDER,
    SIMULATOR_ROOT,
    VALID_UNTIL,
    MemoryView,
    quote_of,
    simulated_quote,
    verify,
    with_evidence,
)

from phal2.devnet.tee.collateral import TcbState
from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.errors import (
    AttestationExpired,
    AttestationTooDistant,
    MalformedCollateral,
    MalformedQuote,
    OversizedEvidence,
    QuoteRefused,
    ReportDataMismatch,
    TcbEvaluationTooOld,
    TcbStatusNotAllowed,
    WorkloadNotAllowed,
)
from phal2.node.attestation.quotes import parse_exact_quote
from phal2.node.attestation.tcb import TCB_STATUSES
from phal2.node.attestation.verification import evidence_hash
from phal2.node.protocol.keccak import keccak256

STRICT = replace(OPEN_POLICY, any_workload=False)


def test_proves_the_workload_and_the_platform():
    simulated = simulated_quote()
    attestation = quote_of(simulated)

    verified = verify(attestation)

    assert verified.kind == 1
    assert verified.subject == keccak256(simulated.quote[48:632])
    assert verified.workload == simulated.workload
    assert verified.image == bytes(32)
    assert (verified.sender, verified.to, verified.value) == (SENDER, CALL.to, CALL.value)
    assert verified.data_hash == keccak256(CALL.data)
    assert verified.evidence_hash == evidence_hash(attestation)
    assert verified.root_ca == SIMULATOR_ROOT.hash
    assert (verified.tcb_status, verified.tcb_evaluation_number, verified.valid_until) == (0, 20, VALID_UNTIL)
    assert verified.simulated


def test_sgx_quotes_are_accepted():
    simulated = simulated_quote(platform=SimulatedPlatform(tee="SGX"))

    verified = verify(quote_of(simulated))

    assert verified.subject == keccak256(simulated.quote[48:432])
    assert verified.workload == simulated.workload
    assert verified.image == bytes(32)


def test_image_leaves_out_the_instance():
    simulated = simulated_quote(platform=SimulatedPlatform(bind_configuration=True))
    body = simulated.quote[48:632]

    verified = verify(quote_of(simulated))

    assert verified.image == keccak256(body[136:184] + body[328:472] + body[184:232])
    assert verified.workload == keccak256(body[136:184] + body[328:520] + body[184:232])


@pytest.mark.parametrize(
    "change",
    [{"chain_id": 1}, {"nonce": 8}, {"to": b"\x01" * 20}, {"value": 6}, {"data": b""}],
    ids=lambda change: next(iter(change)),
)
def test_does_not_cover_another_call(change):
    attestation = quote_of(simulated_quote())

    with pytest.raises(ReportDataMismatch, match="report_data"):
        verify(attestation, call=replace(CALL, **change))


def test_does_not_cover_another_sender():
    with pytest.raises(ReportDataMismatch):
        verify(quote_of(simulated_quote()), sender_key=b"\x12" * 32)


def test_does_not_cover_another_validity():
    with pytest.raises(ReportDataMismatch):
        verify(quote_of(simulated_quote(), valid_until=VALID_UNTIL + 1))


def test_fees_and_gas_are_not_covered():
    cheaper = replace(CALL, gas_limit=2_000_000, max_fee_per_gas=2 * 10**9, max_priority_fee_per_gas=3)

    assert verify(quote_of(simulated_quote()), call=cheaper).kind == 1


def test_second_half_of_report_data_must_be_zero():
    right = parse_exact_quote(simulated_quote().quote).report_data
    attestation = quote_of(simulated_quote(report_data=right[:63] + b"\x01"))

    with pytest.raises(ReportDataMismatch):
        verify(attestation)


@pytest.mark.parametrize(("offset", "error"), [(-1, AttestationExpired), (86_401, AttestationTooDistant)])
def test_validity_outside_of_the_window_is_refused(offset, error):
    valid_until = NOW + offset

    with pytest.raises(error, match=str(valid_until)):
        verify(quote_of(simulated_quote(valid_until=valid_until), valid_until))


@pytest.mark.parametrize("offset", [0, 86_400])
def test_validity_at_the_edges_of_the_window_holds(offset):
    valid_until = NOW + offset

    assert verify(quote_of(simulated_quote(valid_until=valid_until), valid_until)).valid_until == valid_until


@pytest.mark.parametrize("status", ["SWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"])
def test_tcb_status_must_be_allowed(status):
    platform = SimulatedPlatform(tcb=TcbState(status=status))

    with pytest.raises(TcbStatusNotAllowed, match=status):
        verify(quote_of(simulated_quote(platform=platform)))


@pytest.mark.parametrize(("number", "status"), list(enumerate(TCB_STATUSES)))
def test_each_tcb_status_has_its_number_and_bit(number, status):
    view = MemoryView(replace(OPEN_POLICY, allowed_statuses=1 << number))
    platform = SimulatedPlatform(tcb=TcbState(status=status))

    assert verify(quote_of(simulated_quote(platform=platform)), view=view).tcb_status == number


def test_revoked_platforms_are_refused_whatever_the_policy():
    view = MemoryView(replace(OPEN_POLICY, allowed_statuses=0xFF))
    platform = SimulatedPlatform(tcb=TcbState(status="Revoked"))

    with pytest.raises(QuoteRefused, match="Revoked"):
        verify(quote_of(simulated_quote(platform=platform)), view=view)


@pytest.mark.parametrize("numbers", [(17, 30), (30, 17)])
def test_the_lower_evaluation_number_counts(numbers):
    platform = SimulatedPlatform(tcb=TcbState("UpToDate", *numbers))

    with pytest.raises(TcbEvaluationTooOld, match="17"):
        verify(quote_of(simulated_quote(platform=platform)))


def test_debug_mode_is_refused():
    for tee in ("TDX", "SGX"):
        with pytest.raises(QuoteRefused, match="Debug"):
            verify(quote_of(simulated_quote(platform=SimulatedPlatform(tee=tee, debug=True))))


def test_workload_must_be_listed_where_not_any_is_allowed():
    simulated = simulated_quote()

    with pytest.raises(WorkloadNotAllowed, match=simulated.workload.hex()):
        verify(quote_of(simulated), view=MemoryView(STRICT))
    assert verify(quote_of(simulated), view=MemoryView(STRICT, workloads={simulated.workload})).kind == 1


def test_a_listed_image_admits_its_workloads():
    attestation = quote_of(simulated_quote(platform=SimulatedPlatform(bind_configuration=True)))
    image = verify(attestation).image

    assert verify(attestation, view=MemoryView(STRICT, images={image})).image == image
    assert verify(attestation, view=MemoryView(replace(STRICT, any_image=True))).image == image
    with pytest.raises(WorkloadNotAllowed):
        verify(attestation, view=MemoryView(STRICT))


def test_no_image_is_no_image_that_can_be_allowed():
    view = MemoryView(replace(STRICT, any_image=True), images={bytes(32)})

    with pytest.raises(WorkloadNotAllowed):
        verify(quote_of(simulated_quote()), view=view)


@pytest.mark.parametrize("roots", [(), (INTEL_ROOT,)], ids=["none", "Intel"])
def test_the_simulators_root_must_be_trusted(roots):
    view = MemoryView(replace(OPEN_POLICY, root_certificates=roots))

    with pytest.raises(QuoteRefused) as refusal:
        verify(quote_of(simulated_quote()), view=view)
    assert [root for root, _ in refusal.value.reasons] == [root.hash for root in roots]


def test_collateral_that_has_expired_is_refused():
    later = NOW + 40 * 86_400
    attestation = quote_of(simulated_quote(valid_until=later), later)

    with pytest.raises(QuoteRefused, match="Expired"):
        verify(attestation, timestamp=later)


def test_bytes_behind_the_quote_are_refused():
    attestation = quote_of(simulated_quote())
    quote, collateral = attestation.evidence

    with pytest.raises(MalformedQuote, match="exact length"):
        verify(with_evidence(attestation, quote + b"\0", collateral))


def test_the_builder_cuts_padding_off():
    simulated = simulated_quote()

    padded = replace(simulated, quote=simulated.quote + bytes(70))

    assert quote_of(padded) == quote_of(simulated)


def test_oversized_parts_are_refused_by_their_size():
    attestation = quote_of(simulated_quote())
    quote, collateral = attestation.evidence

    with pytest.raises(OversizedEvidence, match="quote of 16385 bytes"):
        verify(with_evidence(attestation, bytes(16_385), collateral))
    with pytest.raises(OversizedEvidence, match="collateral of 65537 bytes"):
        verify(with_evidence(attestation, quote, bytes(65_537)))


def test_collateral_with_a_foreign_key_is_refused():
    attestation = quote_of(simulated_quote())
    quote, collateral = attestation.evidence

    with pytest.raises(MalformedCollateral, match="extra"):
        verify(with_evidence(attestation, quote, b'{"extra":"",' + collateral[1:]))
