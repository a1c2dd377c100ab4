"""What is found of a prover's quote before its owner approves it."""

from dataclasses import replace

import pytest

from phal2.bridge.proposer.errors import InvalidQuote
from phal2.bridge.proposer.registration import QuoteTrust, judged_tcb_status
from phal2.bridge.prover.prover import registration_report_data
from phal2.devnet.tee.collateral import TcbState
from phal2.devnet.tee.prover_enclave import open_enclave, prover_workload, prover_workload_hash
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import SimulatedPlatform, simulate_quote
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER

NOW = 1_760_000_000
CONFIGURATION = b'{"rollup": 1}'
REPORT_DATA = registration_report_data(31337, b"\x44" * 20, b"\x55" * 20)
QUOTE = open_enclave(CONFIGURATION).quote(REPORT_DATA)


def trust(status: str = "UpToDate", **changes: object) -> QuoteTrust:
    platform = SimulatedPlatform(tcb=TcbState(status=status))

    def collateral(_: bytes) -> bytes:
        return simulate_quote(REPORT_DATA, "", NOW, platform).collateral_json

    known = QuoteTrust(SIMULATOR_ROOT_CA_DER, collateral, lambda: NOW, prover_workload_hash(CONFIGURATION))
    return replace(known, **changes)


@pytest.mark.parametrize(
    ("status", "number"),
    [
        ("UpToDate", 0),
        ("SWHardeningNeeded", 1),
        ("ConfigurationAndSWHardeningNeeded", 2),
        ("ConfigurationNeeded", 3),
        ("OutOfDate", 4),
        ("OutOfDateConfigurationNeeded", 5),
    ],
)
def test_statuses_are_said_in_automatas_numbers(status: str, number: int) -> None:
    assert judged_tcb_status(QUOTE, REPORT_DATA, trust(status)) == number


def test_the_workload_covers_the_configuration() -> None:
    assert simulate_quote(REPORT_DATA, prover_workload(CONFIGURATION), NOW).workload == prover_workload_hash(
        CONFIGURATION
    )
    assert prover_workload_hash(CONFIGURATION) != prover_workload_hash(CONFIGURATION + b" ")
    with pytest.raises(InvalidQuote, match="of the workload"):
        judged_tcb_status(open_enclave(b"{}").quote(REPORT_DATA), REPORT_DATA, trust())


def test_another_key_chain_or_registry_is_refused() -> None:
    for other in (
        registration_report_data(1, b"\x44" * 20, b"\x55" * 20),
        registration_report_data(31337, b"\x45" * 20, b"\x55" * 20),
        registration_report_data(31337, b"\x44" * 20, b"\x56" * 20),
    ):
        with pytest.raises(InvalidQuote, match="report data"):
            judged_tcb_status(QUOTE, other, trust())


def test_quotes_that_do_not_hold_are_refused() -> None:
    broken = QUOTE[:700] + bytes([QUOTE[700] ^ 1]) + QUOTE[701:]
    for quote, judge in (
        (b"", trust()),
        (QUOTE + b"\x00", trust()),
        (broken, trust()),
        (QUOTE, trust(root_der=INTEL_ROOT_CA_DER)),
        (QUOTE, trust(now=lambda: NOW + 400 * 86_400)),
        (QUOTE, trust(collateral=lambda _: b"no JSON")),
        (QUOTE, trust("Revoked")),
    ):
        with pytest.raises(InvalidQuote):
            judged_tcb_status(quote, REPORT_DATA, judge)
