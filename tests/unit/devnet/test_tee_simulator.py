"""Quotes of the simulated TEE."""

import json
import time

import dcap_qvl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.devnet.tee.certificates import LAST_SECOND, ROOT_CA, certificate
from phal2.devnet.tee.collateral import TcbState
from phal2.devnet.tee.measurements import hash_of_compose, measure
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import SimulatedPlatform, SimulatorError, simulate_quote
from phal2.node.attestation.collateral import check_collateral
from phal2.node.attestation.dcap import QuoteClaims, QuoteRefusal, check_quote
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.quotes import parse_exact_quote

NOW = 1_760_000_000
DAY = 86_400
REPORT_DATA = bytes(range(64))


def verdict(simulated, timestamp=NOW, root=SIMULATOR_ROOT_CA_DER):
    return check_quote(simulated.quote, simulated.collateral_json, root, timestamp)


def test_the_committed_root_is_what_the_code_makes():
    assert certificate(ROOT_CA).public_bytes(Encoding.DER) == SIMULATOR_ROOT_CA_DER


def test_the_root_says_what_it_is():
    root = x509.load_der_x509_certificate(SIMULATOR_ROOT_CA_DER)

    assert "simulator" in root.subject.rfc4514_string()
    assert root.issuer == root.subject


@settings(max_examples=30)
@given(report_data=st.binary(min_size=64, max_size=64), workload=st.text(max_size=20), day=st.integers(0, 40_000))
def test_quotes_verify_at_their_time_and_carry_the_report_data(report_data, workload, day):
    timestamp = day * DAY + 12_345

    simulated = simulate_quote(report_data, workload, timestamp)

    assert verdict(simulated, timestamp) == QuoteClaims(0, 20, ())
    assert parse_exact_quote(simulated.quote).report_data == report_data


@pytest.mark.parametrize("tee", ["TDX", "SGX"])
def test_the_same_request_gives_the_same_bytes(tee):
    platform = SimulatedPlatform(tee=tee)

    first, second = (simulate_quote(REPORT_DATA, "gate", NOW, platform) for _ in range(2))

    assert first == second


def test_the_name_makes_the_workload():
    gate = simulate_quote(REPORT_DATA, "gate", NOW)

    assert gate.workload == simulate_quote(bytes(64), "gate", NOW + 90 * DAY).workload
    assert gate.workload != simulate_quote(REPORT_DATA, "Gate", NOW).workload
    assert gate.workload == parse_exact_quote(gate.quote).workload


def test_only_the_application_differs_between_workloads():
    gate, other = measure("gate"), measure("other")

    assert (gate.mr_td, gate.rt_mrs[:3]) == (other.mr_td, other.rt_mrs[:3])
    assert gate.rt_mrs[3] != other.rt_mrs[3]
    assert gate.mr_config_id == bytes(48)


def test_configuration_id_names_the_compose_document_when_asked():
    measurements = measure("gate", bind_configuration=True)

    assert measurements.mr_config_id == b"\x01" + hash_of_compose("gate") + bytes(15)
    simulated = simulate_quote(REPORT_DATA, "gate", NOW, SimulatedPlatform(bind_configuration=True))
    assert parse_exact_quote(simulated.quote).image != bytes(32)


def test_collateral_holds_from_a_day_before_to_30_days_after():
    simulated = simulate_quote(REPORT_DATA, "gate", NOW)

    for offset in (-DAY, 0, 30 * DAY):
        assert isinstance(verdict(simulated, NOW + offset), QuoteClaims)
    for offset in (-3 * DAY, 33 * DAY):
        assert isinstance(verdict(simulated, NOW + offset), QuoteRefusal)


def test_collateral_is_well_formed():
    check_collateral(simulate_quote(REPORT_DATA, "gate", NOW).collateral_json)


def test_intels_root_refuses_it():
    assert isinstance(verdict(simulate_quote(REPORT_DATA, "gate", NOW), root=INTEL_ROOT_CA_DER), QuoteRefusal)


def test_dcap_reads_the_platform_from_the_certificate():
    quote = dcap_qvl.parse_quote(simulate_quote(REPORT_DATA, "gate", NOW).quote)
    extension = quote.pck_extension()

    assert quote.fmspc() == b"\0phal2".hex().upper()
    assert quote.ca() == "platform"
    assert (extension.pce_svn, extension.sgx_type, len(extension.ppid)) == (13, 1, 16)
    assert len(extension.platform_instance_id) == 16


def test_tcb_state_shows_in_the_verdict():
    platform = SimulatedPlatform(tcb=TcbState("OutOfDate", 17, 30))

    assert verdict(simulate_quote(REPORT_DATA, "gate", NOW, platform)) == QuoteClaims(4, 17, ("PHAL2-SA-00001",))


@pytest.mark.parametrize(
    ("report_data", "timestamp", "platform"),
    [
        (bytes(63), NOW, SimulatedPlatform()),
        (bytes(65), NOW, SimulatedPlatform()),
        (bytes(64), -1, SimulatedPlatform()),
        (bytes(64), LAST_SECOND, SimulatedPlatform()),
        (bytes(64), NOW, SimulatedPlatform(tee="SEV")),
        (bytes(64), NOW, SimulatedPlatform(tcb=TcbState("Fine"))),
    ],
)
def test_other_requests_are_refused(report_data, timestamp, platform):
    with pytest.raises(SimulatorError, match="expected"):
        simulate_quote(report_data, "gate", timestamp, platform)


def test_callers_cannot_change_the_cached_collateral():
    simulate_quote(REPORT_DATA, "gate", NOW).collateral.clear()

    assert len(json.loads(simulate_quote(REPORT_DATA, "gate", NOW).collateral_json)) == 9


def test_a_quote_takes_milliseconds():
    simulate_quote(REPORT_DATA, "gate", NOW)
    begin = time.process_time()
    for number in range(20):
        simulate_quote(bytes(63) + bytes([number]), "gate", NOW)

    assert time.process_time() - begin < 20 * 0.02
