"""Changed bytes: without signing anew anywhere in the envelope, signed anew in quotes and collateral."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from attested_actions import INVALID, WORKLOAD, Attester, enter, fields_of, signed_fields, workload_hash
from chain_actions import deploy, mine
from eth_account.signers.local import LocalAccount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phal2.devnet.process import DevnetProcess, RequestRefused
from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.building import Call
from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transactions import Attestation

KINDS = ["quote", "enclave key", "account"]
SAMPLES = 60
TD_BODY = range(48, 48 + 584)
SGX_BODY = range(48, 48 + 384)
REPORT_DATA = 64
QUOTE_CERTIFICATES = b"-----BEGIN CERTIFICATE-----"
many_examples = settings(
    max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 4)


@pytest.fixture(scope="module")
def genuine(attester: Attester) -> dict[str, bytes]:
    """A valid envelope of each kind, made after every transaction that this module sends, so that all stay valid."""
    enclave: LocalAccount = attester.web3.eth.account.create()
    attester.register(bytes.fromhex(enclave.address[2:]))
    gate = deploy(attester.web3, attester.account, "WorkloadGate", workload_hash())
    call, until = attester.call(gate.address, enter()), attester.next_timestamp() + 80_000
    attestations = {
        "quote": attester.quoted(call, valid_until=until),
        "enclave key": attester.enclave_signed(call, bytes(enclave.key), valid_until=until),
        "account": attester.account_signed(call, valid_until=until),
    }
    return {kind: attester.sign(call, attestation) for kind, attestation in attestations.items()}


@pytest.fixture
def refused(attester: Attester) -> Iterator[Callable[[bytes], str]]:
    """Sends what must be refused; at the end a block is sealed, which may contain none of it."""
    sent: set[str] = set()

    def send(raw: bytes) -> str:
        with pytest.raises(RequestRefused) as refusal:
            attester.l2.request("eth_sendRawTransaction", f"0x{raw.hex()}")
        assert refusal.value.code == INVALID, refusal.value
        sent.add(f"0x{keccak256(raw).hex()}")
        return refusal.value.message

    yield send
    mine(attester.web3)
    latest = attester.l2.request("eth_getBlockByNumber", "latest", False)
    assert not sent.intersection(latest["transactions"])
    assert attester.l2.request("txpool_status")["pending"] == "0x0"


@pytest.mark.parametrize("kind", KINDS)
def test_the_envelopes_are_valid_as_they_are(attester: Attester, genuine: dict[str, bytes], kind: str) -> None:
    assert attester.l2.request("attestation_verify", f"0x{genuine[kind].hex()}")["valid"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_any_changed_byte_makes_an_envelope_invalid(
    refused: Callable[[bytes], str], genuine: dict[str, bytes], kind: str
) -> None:
    raw = genuine[kind]
    for position in {*range(0, len(raw), max(1, len(raw) // SAMPLES)), *range(70), *range(len(raw) - 70, len(raw))}:
        assert refused(flipping(position)(raw)), position


@pytest.mark.parametrize("kind", KINDS)
def test_any_change_of_bytes_makes_an_envelope_invalid(
    refused: Callable[[bytes], str], genuine: dict[str, bytes], kind: str
) -> None:
    raw = genuine[kind]

    @many_examples
    @given(begin=st.integers(0, len(raw) - 1), cut=st.integers(0, 40), put=st.binary(max_size=40))
    def check(begin: int, cut: int, put: bytes) -> None:
        changed = raw[:begin] + put + raw[begin + cut :]
        if changed != raw:
            assert refused(changed)

    check()


def test_arbitrary_bytes_are_no_transaction(refused: Callable[[bytes], str]) -> None:
    @many_examples
    @given(st.binary(max_size=300))
    def check(payload: bytes) -> None:
        assert refused(b"\x54" + payload)
        assert refused(b"\x54" + rlp.encode(payload))

    check()


def test_arbitrary_evidence_signed_by_its_sender_proves_nothing(
    attester: Attester, refused: Callable[[bytes], str], genuine: dict[str, bytes]
) -> None:
    fields = fields_of(genuine["account"])
    small = st.binary(max_size=4) | st.sampled_from([bytes(20), bytes(32), bytes(64), bytes(65)])
    items = st.recursive(small, lambda inner: st.lists(inner, max_size=5), max_leaves=12)

    @many_examples
    @given(kind=st.integers(0, 5), until=st.integers(0, 2**64 - 1), evidence=st.lists(items, max_size=6))
    def check(kind: int, until: int, evidence: list[Any]) -> None:
        for valid_until in (rlp.encode_uint(until), fields[9][1]):
            changed = [*fields[:9], [rlp.encode_uint(kind), valid_until, evidence]]
            assert refused(signed_fields(attester, changed))

    check()


def flipping(position: int) -> Callable[[bytes], bytes]:
    """Changes one bit of a byte."""
    return lambda data: data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def requoted(attester: Attester, call: Call, change: Callable[[bytes], bytes], **choices: Any) -> bytes:
    """An envelope, signed as it should be, around a quote that was changed after it was made."""
    attestation = attester.quoted(call, **choices)
    quote, collateral = attestation.evidence
    changed = Attestation(1, attestation.valid_until, (change(bytes(quote)), collateral))
    return attester.sign(call, changed)


@pytest.mark.parametrize(("tee", "body"), [("TDX", TD_BODY), ("SGX", SGX_BODY)])
def test_a_changed_quote_body_breaks_the_quotes_signature(
    attester: Attester, refused: Callable[[bytes], str], tee: str, body: range
) -> None:
    call, platform = attester.call(), SimulatedPlatform(tee=tee)
    for position in body[:-REPORT_DATA:31]:
        raw = requoted(attester, call, flipping(position), platform=platform)

        assert refused(raw).startswith("quote is refused at "), position


@pytest.mark.parametrize(("tee", "body"), [("TDX", TD_BODY), ("SGX", SGX_BODY)])
def test_changed_report_data_is_not_the_statements(
    attester: Attester, refused: Callable[[bytes], str], tee: str, body: range
) -> None:
    call, platform = attester.call(), SimulatedPlatform(tee=tee)
    for position in (body[-REPORT_DATA], body[-33], body[-32], body[-1]):
        raw = requoted(attester, call, flipping(position), platform=platform)

        assert refused(raw).startswith("quote's report_data is 0x"), position


@pytest.mark.parametrize(("tee", "signature_data"), [("TDX", 48 + 584), ("SGX", 48 + 384)])
def test_changed_signatures_lengths_and_enclave_reports_are_refused(
    attester: Attester, refused: Callable[[bytes], str], tee: str, signature_data: int
) -> None:
    call, platform = attester.call(), SimulatedPlatform(tee=tee)
    end = bytes(attester.quoted(call, platform=platform).evidence[0]).index(QUOTE_CERTIFICATES)
    for position in {*range(signature_data, signature_data + 140, 11), *range(signature_data + 140, end, 23)}:
        raw = requoted(attester, call, flipping(position), platform=platform)

        assert "quote" in refused(raw), position


def test_a_changed_quote_header_is_refused(attester: Attester, refused: Callable[[bytes], str]) -> None:
    call = attester.call()
    for position in range(48):
        assert "quote" in refused(requoted(attester, call, flipping(position))), position


def test_bytes_behind_a_quote_are_refused(attester: Attester, refused: Callable[[bytes], str]) -> None:
    call = attester.call()

    assert "is followed by 1 more" in refused(requoted(attester, call, lambda quote: quote + b"\0"))
    assert "quote ends within" in refused(requoted(attester, call, lambda quote: quote[:-1]))


# dcap-qvl takes the revocation list's issuer from the quote's own certificates, and no notice of pck_crl_issuer_chain.
CHECKED_COLLATERAL = [
    "root_ca_crl",
    "pck_crl",
    "tcb_info_issuer_chain",
    "tcb_info",
    "tcb_info_signature",
    "qe_identity_issuer_chain",
    "qe_identity",
    "qe_identity_signature",
]


def with_collateral(attester: Attester, call: Call, collateral: bytes) -> bytes:
    attestation = attester.quoted(call)
    return attester.sign(call, replace(attestation, evidence=(attestation.evidence[0], collateral)))


@pytest.mark.parametrize("key", CHECKED_COLLATERAL)
def test_a_changed_character_of_collateral_is_refused(
    attester: Attester, refused: Callable[[bytes], str], key: str
) -> None:
    call = attester.call()
    collateral = attester.simulated(call, attester.valid_until()).collateral
    text = collateral[key]
    certificate_end = text.find("-----END")
    last = len(text) if certificate_end < 0 else certificate_end - 4
    for position in range(30, last, max(1, last // 12)):
        digit = "1" if text[position] == "0" else "0"
        changed = {**collateral, key: text[:position] + digit + text[position + 1 :]}
        if changed[key].lower() == text.lower():
            continue

        assert "quote is refused at" in refused(with_collateral(attester, call, json.dumps(changed).encode())), position


@pytest.mark.parametrize("document", ["tcb_info", "qe_identity"])
def test_tcb_documents_that_claim_something_better_are_refused(
    attester: Attester, refused: Callable[[bytes], str], document: str
) -> None:
    call = attester.call()
    collateral = attester.simulated(call, attester.valid_until()).collateral
    newer = {**json.loads(collateral[document]), "tcbEvaluationDataNumber": 99}

    changed = {**collateral, document: json.dumps(newer, separators=(",", ":"))}

    assert "quote is refused at" in refused(with_collateral(attester, call, json.dumps(changed).encode()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace('"pck_crl"', '"PCK_CRL"'), "unknown key 'PCK_CRL'"),
        (lambda text: text[:-1] + ',"pck_crl":""}', "has the key pck_crl twice"),
        (lambda text: text[:-1] + ',"extra":""}', "unknown key 'extra'"),
        (lambda text: text[:-1] + ',"extra":{"deep":[[[]]]}}', "no key with a string value"),
        (lambda text: "[" + text + "]", "is not a JSON object"),
        (lambda text: text + "x", "goes on behind its object"),
        (lambda _: "{}", "no key with a string value"),
        (lambda _: "", "is not a JSON object"),
        (lambda _: "[" * 60_000, "is not a JSON object"),
        (lambda text: text.replace('"tcb_info_signature":"', '"tcb_info_signature":"00'), "is not 128 hex digits"),
    ],
)
def test_collateral_that_is_not_exactly_its_keys_is_refused(
    attester: Attester, refused: Callable[[bytes], str], change: Callable[[str], str], reason: str
) -> None:
    call = attester.call()
    collateral = attester.simulated(call, attester.valid_until()).collateral_json

    assert reason in refused(with_collateral(attester, call, change(collateral.decode()).encode()))


def test_collateral_of_another_day_or_machine_is_refused(attester: Attester, refused: Callable[[bytes], str]) -> None:
    call, until = attester.call(), attester.valid_until()
    sgx = attester.simulated(call, until, platform=SimulatedPlatform(tee="SGX"), workload=WORKLOAD)

    assert "quote is refused at" in refused(with_collateral(attester, call, sgx.collateral_json))
    assert "not UTF-8" in refused(with_collateral(attester, call, b"\xff" + sgx.collateral_json))
