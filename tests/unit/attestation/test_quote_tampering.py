"""Any change to what is signed in a quote or its collateral is refused, even with the envelope signed anew."""

import json

import pytest
from attested_calls import NOW, OPEN_POLICY, MemoryView, quote_of, simulated_quote, verify, with_evidence
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.dcap import QuoteClaims, QuoteRefusal, check_quote
from phal2.node.attestation.errors import InvalidAttestation

SIMULATED = {tee: simulated_quote(platform=SimulatedPlatform(tee=tee)) for tee in ("TDX", "SGX")}
CERTIFICATES_BEGIN = {"TDX": 632 + 4 + 128 + 6 + 448 + 34 + 6, "SGX": 432 + 4 + 128 + 448 + 34 + 6}
every_tee = pytest.mark.parametrize("tee", ["TDX", "SGX"])


@every_tee
@settings(max_examples=200)
@given(data=st.data())
def test_every_byte_before_the_certificates_counts(tee, data):
    attestation = quote_of(SIMULATED[tee])
    quote, collateral = attestation.evidence
    position = data.draw(st.integers(0, CERTIFICATES_BEGIN[tee] - 1))
    changed = bytearray(quote)
    changed[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, bytes(changed), collateral))


@settings(max_examples=200)
@given(position=st.integers(0, 635), change=st.integers(1, 255))
@example(position=48 + 184, change=1)
def test_dcap_refuses_each_byte_of_header_and_body(position, change):
    changed = bytearray(SIMULATED["TDX"].quote)
    changed[position] ^= change

    verdict = check_quote(bytes(changed), SIMULATED["TDX"].collateral_json, SIMULATOR_ROOT_CA_DER, NOW)

    assert isinstance(verdict, QuoteRefusal)


@every_tee
@pytest.mark.parametrize("field", ["tcb_info", "qe_identity", "tcb_info_signature", "qe_identity_signature"])
@settings(max_examples=60)
@given(data=st.data())
def test_every_character_of_signed_collateral_counts(tee, field, data):
    attestation = quote_of(SIMULATED[tee])
    text = SIMULATED[tee].collateral[field]
    position = data.draw(st.integers(0, len(text) - 1))
    alphabet = "0123456789abcdef" if field.endswith("signature") else '0aF"}{: Z'
    replacement = data.draw(st.sampled_from(alphabet).filter(lambda character: character != text[position]))
    changed = {**SIMULATED[tee].collateral, field: text[:position] + replacement + text[position + 1 :]}

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, attestation.evidence[0], json.dumps(changed).encode()))


def test_collateral_of_the_other_tee_is_refused():
    attestation = quote_of(SIMULATED["TDX"])

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, attestation.evidence[0], SIMULATED["SGX"].collateral_json))


@pytest.mark.parametrize("field", ["root_ca_crl", "pck_crl"])
def test_revocation_lists_count(field):
    attestation = quote_of(SIMULATED["TDX"])
    collateral = SIMULATED["TDX"].collateral
    other = {**collateral, field: collateral[field][:-2] + ("00" if collateral[field][-2:] != "00" else "01")}

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, attestation.evidence[0], json.dumps(other).encode()))


def test_roots_are_tried_in_the_policys_order():
    verified = verify(quote_of(SIMULATED["TDX"]), view=MemoryView(OPEN_POLICY))

    assert verified.root_ca == OPEN_POLICY.root_certificates[1].hash


def test_untampered_quotes_verify():
    for simulated in SIMULATED.values():
        verdict = check_quote(simulated.quote, simulated.collateral_json, SIMULATOR_ROOT_CA_DER, NOW)

        assert verdict == QuoteClaims(tcb_status=0, tcb_evaluation_number=20, advisory_ids=())
