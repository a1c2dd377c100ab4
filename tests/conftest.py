"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of shared test vectors; tests that need it are skipped where it is missing."""
    default = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("PHAL2_VECTORS", default))
    if not folder.is_dir():
        pytest.skip("vectors not found")
    return folder
