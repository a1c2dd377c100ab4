"""py-evm comes without the libraries of precompiles that the engine has its own of; for others it stays whole."""

import subprocess
import sys


def run(program: str) -> str:
    """Run a program in a process of its own, where nothing is imported yet; return what it prints."""
    result = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


# Adds the point at infinity to itself: 256 zero bytes give 128.
ADDITION = """
from types import SimpleNamespace
from eth.precompiles import bls12_g1_add
message = SimpleNamespace(data=bytes(256), data_as_bytes=bytes(256))
computation = SimpleNamespace(msg=message, consume_gas=lambda gas, reason: None, output=None)
bls12_g1_add(computation)
print(computation.output == bytes(128))
"""
LOADING = "from phal2.node.state.engines import load_engine; load_engine();"


def test_the_engine_is_loaded_without_the_library_of_pairings() -> None:
    assert run(LOADING + "import sys; print('py_ecc.optimized_bls12_381' in sys.modules)") == "False"


def test_py_evms_own_precompile_works_once_it_is_called() -> None:
    assert run(LOADING + ADDITION) == "True"


def test_py_evm_that_was_imported_before_is_left_alone() -> None:
    assert run("import eth;" + LOADING + ADDITION) == "True"
