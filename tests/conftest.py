"""Fixtures and settings that all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, not of the code: time is for benchmarks.
settings.register_profile("phal2", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("phal2")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of shared test vectors; tests that need it are skipped where it is missing."""
    default = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("PHAL2_VECTORS", default))
    if not folder.is_dir():
        pytest.skip("vectors not found")
    return folder
