"""Fixtures and settings that all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, not of the code: time is for benchmarks.
settings.register_profile("phal2", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("phal2")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all",
        action="store_true",
        dest="run_all",
        help="run all of what is long, where otherwise a sample does: every state test, every round of killing",
    )


@pytest.fixture(scope="session")
def run_all(request: pytest.FixtureRequest) -> bool:
    """Whether everything is asked for (`--all`), rather than a sample of what is long."""
    return bool(request.config.getoption("run_all"))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of shared test vectors; tests that need it are skipped where it is missing."""
    default = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("PHAL2_VECTORS", default))
    if not folder.is_dir():
        pytest.skip("vectors not found")
    return folder
