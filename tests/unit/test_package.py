"""The wheel has what an installed phal2 needs, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of the files in the wheel, which is built from a copy as building leaves files beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "*.egg-info")
    shutil.copytree(PROJECT / "phal2", source / "phal2", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    done = subprocess.run((sys.executable, "-c", BUILD, str(folder)), cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return frozenset(zipfile.ZipFile(built).namelist())


@pytest.mark.parametrize("kind", ["*.py", "artefacts/*.json", "*.sol", "py.typed"])
def test_it_has_every_file_of_the_project(wheel: frozenset[str], kind: str) -> None:
    files = {
        str(path.relative_to(PROJECT)) for path in (PROJECT / "phal2").rglob(kind) if "node_modules" not in path.parts
    }

    assert files
    assert files - wheel == set()


def test_it_has_nothing_but_the_package(wheel: frozenset[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"phal2"}
    assert [name for name in wheel if "__pycache__" in name or name.startswith("phal2/contracts/build/")] == []
