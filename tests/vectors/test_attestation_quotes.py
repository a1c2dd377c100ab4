"""Real Intel quotes with the collateral of their day."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from phal2.devnet.tee.measurements import event_digest, replay
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.building import quote_attestation
from phal2.node.attestation.collateral import check_collateral
from phal2.node.attestation.dcap import QuoteClaims, QuoteRefusal, QuoteVerdicts, check_quote
from phal2.node.attestation.errors import MalformedQuote
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.quotes import parse_exact_quote, parse_quote
from phal2.node.protocol.keccak import keccak256

SGX_TIME = 1_750_334_171
TDX_TIME = 1_750_329_247
OUTDATED_TIME = 1_771_412_431

DSTACK_EVENT_TYPE = 0x08000001


@dataclass(frozen=True)
class GenuineQuote:
    quote: str
    collateral: str
    timestamp: int
    claims: QuoteClaims

    def read(self, folder: Path) -> tuple[bytes, bytes]:
        return quote_in(folder, self.quote), (folder / self.collateral).read_bytes()


GENUINE_QUOTES = [
    GenuineQuote(
        "sgx_quote",
        "sgx_quote_collateral.json",
        SGX_TIME,
        QuoteClaims(3, 17, ("INTEL-SA-00289", "INTEL-SA-00615")),
    ),
    GenuineQuote("tdx_quote", "tdx_quote_collateral.json", TDX_TIME, QuoteClaims(0, 17, ())),
    GenuineQuote("quote-report.json", "tdx_quote_outdated_collateral.json", OUTDATED_TIME, QuoteClaims(0, 18, ())),
]
every_genuine_quote = pytest.mark.parametrize("case", GENUINE_QUOTES, ids=lambda case: case.quote)


@pytest.fixture
def attestation(vectors: Path) -> Path:
    folder = vectors / "attestation"
    if not folder.is_dir():
        pytest.skip("vectors not found")
    return folder


def quote_in(folder: Path, name: str) -> bytes:
    content = (folder / name).read_bytes()
    if name.endswith(".json"):
        content = bytes.fromhex(json.loads(content)["quote"])
    elif name.endswith(".hex"):
        content = bytes.fromhex(content.decode().strip().removeprefix("0x"))
    return content[: parse_quote(content).length]


def test_intels_root_is_the_one_in_the_code(attestation):
    assert (attestation / "TrustedRootCA.der").read_bytes() == INTEL_ROOT_CA_DER


@every_genuine_quote
def test_genuine_quotes_verify_at_their_time(attestation, case):
    raw, collateral = case.read(attestation)

    check_collateral(collateral)

    assert check_quote(raw, collateral, INTEL_ROOT_CA_DER, case.timestamp) == case.claims


@every_genuine_quote
@pytest.mark.parametrize(("days", "reason"), [(30, "TCBInfo expired"), (365, "CrlExpired"), (9_000, "CrlExpired")])
def test_genuine_quotes_are_refused_after_their_time(attestation, case, days, reason):
    verdict = check_quote(*case.read(attestation), INTEL_ROOT_CA_DER, case.timestamp + days * 86_400)

    assert isinstance(verdict, QuoteRefusal)
    assert reason in verdict.reason


@every_genuine_quote
def test_genuine_quotes_are_refused_before_their_time(attestation, case):
    verdict = check_quote(*case.read(attestation), INTEL_ROOT_CA_DER, case.timestamp - 7 * 86_400)

    assert isinstance(verdict, QuoteRefusal)


@every_genuine_quote
def test_genuine_quotes_are_refused_under_the_simulators_root(attestation, case):
    verdicts = QuoteVerdicts()

    assert isinstance(verdicts.verdict(*case.read(attestation), INTEL_ROOT_CA_DER, case.timestamp), QuoteClaims)
    assert isinstance(verdicts.verdict(*case.read(attestation), SIMULATOR_ROOT_CA_DER, case.timestamp), QuoteRefusal)


@every_genuine_quote
def test_genuine_quotes_are_refused_with_any_sampled_byte_changed(attestation, case):
    raw, collateral = case.read(attestation)
    certificates = raw.index(b"-----BEGIN CERTIFICATE-----")

    for position in range(0, certificates - 12, 41):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        try:
            parse_exact_quote(changed)
        except MalformedQuote:
            continue
        assert isinstance(check_quote(changed, collateral, INTEL_ROOT_CA_DER, case.timestamp), QuoteRefusal), position


def test_the_outdated_platform_is_refused(attestation):
    raw = quote_in(attestation, "tdx_quote_outdated")
    text = (attestation / "tdx_quote_outdated_collateral.json").read_bytes()

    verdict = check_quote(raw, text, INTEL_ROOT_CA_DER, OUTDATED_TIME)

    assert isinstance(verdict, QuoteRefusal)
    assert "No matching TCB level found" in verdict.reason


def test_a_quote_with_the_collateral_of_another_platform_is_refused(attestation):
    raw = quote_in(attestation, "quote-from-tappd.hex")
    text = (attestation / "tdx_quote_collateral.json").read_bytes()

    assert isinstance(check_quote(raw, text, INTEL_ROOT_CA_DER, TDX_TIME), QuoteRefusal)


def test_reports_are_read_as_dcap_qvl_reads_them(attestation):
    dcap_qvl = pytest.importorskip("dcap_qvl")
    for name in ("tdx_quote", "tdx_quote_outdated", "quote-report.json", "tdx-lite-getquote.json"):
        raw = quote_in(attestation, name)
        report, reference = parse_exact_quote(raw), dcap_qvl.parse_quote(raw).report
        registers = (reference.rt_mr0, reference.rt_mr1, reference.rt_mr2, reference.rt_mr3)

        assert report.report_data == reference.report_data
        assert report.workload == keccak256(reference.mr_td + b"".join(registers) + reference.mr_config_id)
        bound = any(reference.mr_config_id)
        image = keccak256(reference.mr_td + b"".join(registers[:3]) + reference.mr_config_id)
        assert report.image == (image if bound else bytes(32))

    raw = quote_in(attestation, "sgx_quote")
    report, reference = parse_exact_quote(raw), dcap_qvl.parse_quote(raw).report
    assert report.report_data == reference.report_data
    assert report.workload == keccak256(reference.mr_enclave + reference.mr_signer)


def test_images_that_bind_their_configuration_are_seen(attestation):
    report = parse_exact_quote(quote_in(attestation, "tdx-lite-getquote.json"))

    assert report.image != bytes(32)


def test_padding_by_the_host_is_cut_off(attestation):
    padded = (attestation / "tdx_quote").read_bytes()
    text = (attestation / "tdx_quote_collateral.json").read_bytes()

    quote, _ = quote_attestation(padded, text, TDX_TIME).evidence

    assert len(padded) - len(quote) == 70
    assert check_quote(quote, text, INTEL_ROOT_CA_DER, TDX_TIME) == check_quote(
        padded, text, INTEL_ROOT_CA_DER, TDX_TIME
    )


def test_the_simulator_extends_rtmr3_as_dstack_does(attestation):
    report = json.loads((attestation / "quote-report.json").read_text())
    log = report["event_log"]
    events = [event for event in (json.loads(log) if isinstance(log, str) else log) if event["imr"] == 3]

    digests = [event_digest(event["event"], bytes.fromhex(event["event_payload"])) for event in events]

    assert all(event["event_type"] == DSTACK_EVENT_TYPE for event in events)
    assert replay(digests) == bytes.fromhex(report["quote"])[48 + 472 : 48 + 520]
