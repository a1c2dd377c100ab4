"""Evidence of every wrong shape: refused with a clear error, never a crash."""

from contextlib import suppress
from dataclasses import replace

import pytest
from attested_calls import (
    CALL,
    SECRETS,
    SENDER_KEY,
    account_signed,
    enclave_signed,
    multisig_signed,
    quote_of,
    registry_view,
    simulated_quote,
    verify,
    with_evidence,
)
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.building import sign_attested
from phal2.node.attestation.errors import (
    InvalidAttestation,
    MalformedEvidence,
    UnknownAttestationKind,
)
from phal2.node.attestation.gas import attestation_gas
from phal2.node.protocol import rlp
from phal2.node.protocol.rlp import RlpError
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.protocol.transactions import Attestation

KINDS = {
    "quote": quote_of(simulated_quote()),
    "enclave key": enclave_signed(),
    "account": account_signed(),
    "multisig": multisig_signed(2, [account_of(secret) for secret in SECRETS], list(SECRETS[:2])),
}
every_kind = pytest.mark.parametrize("attestation", KINDS.values(), ids=KINDS.keys())

evidence_items = st.recursive(
    st.binary(max_size=70) | st.sampled_from([b"", b"\x01", b"\x02", b"\x03", bytes(20), bytes(32), bytes(65)]),
    lambda children: st.lists(children, max_size=5).map(tuple),
    max_leaves=12,
)


def test_the_four_examples_hold():
    for attestation in KINDS.values():
        assert verify(attestation, view=registry_view()).kind == attestation.kind


@pytest.mark.parametrize("kind", [0, 4, 255, 2**64 - 1])
def test_unknown_kinds_are_refused(kind):
    attestation = replace(account_signed(), kind=kind)

    with pytest.raises(UnknownAttestationKind, match=str(kind)):
        verify(attestation)
    with pytest.raises(UnknownAttestationKind):
        attestation_gas(attestation)


@every_kind
def test_a_field_more_or_less_is_refused(attestation):
    for evidence in (attestation.evidence[:-1], (*attestation.evidence, b"")):
        with pytest.raises(MalformedEvidence, match="fields"):
            verify(with_evidence(attestation, *evidence), view=registry_view())


@every_kind
def test_no_evidence_is_refused(attestation):
    with pytest.raises(MalformedEvidence):
        verify(with_evidence(attestation), view=registry_view())


@every_kind
def test_lists_for_byte_strings_and_byte_strings_for_lists_are_refused(attestation):
    for index, field in enumerate(attestation.evidence):
        swapped = (field,) if isinstance(field, bytes) else b"".join(part for part in field if isinstance(part, bytes))
        evidence = (*attestation.evidence[:index], swapped, *attestation.evidence[index + 1 :])
        with pytest.raises(MalformedEvidence):
            verify(with_evidence(attestation, *evidence), view=registry_view())


@pytest.mark.parametrize("name", ["account", "multisig"])
def test_scheme_with_a_leading_zero_is_refused(name):
    attestation = KINDS[name]
    scheme, *rest = attestation.evidence

    for longer in (b"\x00", b"\x00" + scheme):
        with pytest.raises(MalformedEvidence, match="leading zero"):
            verify(with_evidence(attestation, longer, *rest))


def test_threshold_index_and_inner_scheme_with_a_leading_zero_are_refused():
    attestation = KINDS["multisig"]
    scheme, threshold, signatories, (first, second), note = attestation.evidence
    index, inner, signature = second

    for wrong_threshold, wrong_second in (
        (b"\x00" + threshold, second),
        (threshold, (b"\x00" + index, inner, signature)),
        (threshold, (index, b"\x00" + inner, signature)),
    ):
        with pytest.raises(MalformedEvidence, match="leading zero"):
            verify(with_evidence(attestation, scheme, wrong_threshold, signatories, (first, wrong_second), note))


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_enclave_addresses_have_20_bytes(length):
    attestation = KINDS["enclave key"]

    with pytest.raises(MalformedEvidence, match=f"enclave of {length} bytes"):
        verify(with_evidence(attestation, bytes(length), attestation.evidence[1]), view=registry_view())


@pytest.mark.parametrize("length", [0, 64, 66])
def test_enclave_signatures_have_65_bytes(length):
    attestation = KINDS["enclave key"]

    with pytest.raises(MalformedEvidence, match=f"signature of {length} bytes"):
        verify(with_evidence(attestation, attestation.evidence[0], bytes(length)), view=registry_view())


@pytest.mark.parametrize("length", [0, 31, 33])
def test_signatories_have_32_bytes(length):
    attestation = KINDS["multisig"]
    scheme, threshold, signatories, signatures, note = attestation.evidence
    wrong = (*signatories[:2], b"\xff" * length)

    with pytest.raises(MalformedEvidence, match=f"signatory of {length} bytes"):
        verify(with_evidence(attestation, scheme, threshold, wrong, signatures, note))


def test_multisig_signatures_have_three_fields():
    attestation = KINDS["multisig"]
    scheme, threshold, signatories, (first, second), note = attestation.evidence

    for wrong in (second[:2], (*second, b""), second[2]):
        with pytest.raises(MalformedEvidence):
            verify(with_evidence(attestation, scheme, threshold, signatories, (first, wrong), note))


@given(kind=st.integers(0, 4), evidence=st.lists(evidence_items, max_size=6).map(tuple))
def test_any_evidence_is_judged(kind, evidence):
    attestation = Attestation(kind, KINDS["account"].valid_until, evidence)

    with pytest.raises(InvalidAttestation):
        verify(attestation, view=registry_view())
    with suppress(InvalidAttestation):
        assert attestation_gas(attestation) > 16 * len(rlp.encode(evidence))


@every_kind
@given(data=st.data())
def test_any_field_replaced_is_refused(attestation, data):
    index = data.draw(st.integers(0, len(attestation.evidence) - 1))
    replacement = data.draw(evidence_items.filter(lambda item: item != attestation.evidence[index]))
    evidence = (*attestation.evidence[:index], replacement, *attestation.evidence[index + 1 :])

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, *evidence), view=registry_view())


def test_trailing_bytes_and_non_canonical_rlp_never_reach_the_rules():
    raw = sign_attested(CALL, account_signed(), SENDER_KEY)

    for wrong in (raw + b"\x00", raw[:-1], raw[:1] + b"\xb9" + raw[2:]):
        with pytest.raises(RlpError):
            recover_transaction(wrong)
