"""Scenarios made by hand do the same on both sides, with code run one by one and compiled."""

from collections.abc import Callable

import pytest
from agreement import assert_agreement
from directed_scenarios import SCENARIOS
from scenarios import Scenario

from phal2.node.state import py_evm_segments


@pytest.mark.parametrize("build", SCENARIOS.values(), ids=SCENARIOS)
def test_what_chance_rarely_comes_by(build: Callable[[], Scenario]) -> None:
    scenario = build()

    _, executed = assert_agreement(scenario)

    assert len(executed) == len(scenario.blocks)
    assert all(block.receipts for block in executed)


@pytest.mark.parametrize("build", SCENARIOS.values(), ids=SCENARIOS)
def test_the_same_with_compiled_code(build: Callable[[], Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py_evm_segments, "BUSY_AFTER_RUNS", 1)
    monkeypatch.setattr(py_evm_segments, "COMPILED_AFTER_VISITS", 1)
    assert_agreement(build())
