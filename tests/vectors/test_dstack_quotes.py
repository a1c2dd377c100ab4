"""Real answers of dstack's guest agents: a prover takes its quote from them."""

import json
from pathlib import Path

import pytest

from phal2.bridge.prover.dstack_enclave import exact_quote
from phal2.node.attestation.quotes import parse_exact_quote


@pytest.mark.parametrize("name", ["quote-report.json", "tdx-lite-getquote.json"])
def test_real_answers_of_guest_agents_hold_a_whole_quote(vectors: Path, name: str) -> None:
    answer = json.loads((vectors / "attestation" / name).read_text())
    report = parse_exact_quote(exact_quote(answer))
    assert report.report_data.hex().startswith(answer["report_data"][:64])
