"""The state tests' files, and what is told of them at the end."""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from general_state_tests import extract_archive

# The chain in memory on which the contracts' own tests run their code.
sys.path.append(str(Path(__file__).parents[1] / "unit" / "contracts"))

from predeploy_sides import NewSides, Side, both_allocations

STATE_TESTS = "state_tests"
"""The property of a report with what `record_state_tests` was given."""


@dataclass
class Directory:
    """What came of a directory's tests."""

    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    left_out: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def state_tests(vectors: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The directories of GeneralStateTests, extracted once in a run of however many processes."""
    temporary = tmp_path_factory.getbasetemp()
    # The processes of pytest-xdist have a folder each, in the folder of their run.
    return extract_archive(vectors, (temporary if worker_id == "master" else temporary.parent) / "state-tests")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    directories: defaultdict[str, Directory] = defaultdict(Directory)
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for outcome in (value for name, value in report.user_properties if name == STATE_TESTS):
            total = directories[outcome["directory"]]
            total.passed += outcome["passed"]
            total.failed += outcome["failed"]
            total.seconds += outcome["seconds"]
            total.left_out |= outcome["left_out"]
    if not directories:
        return
    terminalreporter.section("GeneralStateTests")
    if config.getoption("run_all"):
        _write_table(terminalreporter, directories)
    totals = directories.values()
    terminalreporter.line(
        f"{sum(total.passed for total in totals)} post-states passed, {sum(total.failed for total in totals)} failed, "
        f"{sum(len(total.left_out) for total in totals)} left out, in {len(directories)} directories; "
        f"{sum(total.seconds for total in totals):.0f} s of CPU"
    )
    if not config.getoption("run_all"):
        terminalreporter.line("a fixed sample; --all (make test-all) runs every one")


def _write_table(terminalreporter: Any, directories: dict[str, Directory]) -> None:
    terminalreporter.line(f"{'directory':<45}{'passed':>8}{'failed':>8}{'left out':>10}{'seconds':>10}")
    for name, total in sorted(directories.items()):
        counts = f"{total.passed:>8}{total.failed:>8}{len(total.left_out):>10}{total.seconds:>10.1f}"
        terminalreporter.line(f"{name:<45}{counts}")
    for directory, total in sorted(directories.items()):
        for name, reason in sorted(total.left_out.items()):
            terminalreporter.line(f"left out: {directory}/{name}: {reason}")


@pytest.fixture(scope="session")
def new_sides(vectors: Path) -> NewSides:
    """What makes the project's L2 predeploys and a real chain's anew, each on a chain of its own."""
    ours, real = both_allocations(vectors)
    return lambda: (Side(ours), Side(real))


@pytest.fixture
def sides(new_sides: NewSides) -> tuple[Side, Side]:
    """The project's L2 predeploys and a real chain's."""
    return new_sides()
