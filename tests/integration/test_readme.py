"""Every command and example of the README, and of the page on attestations, does what is said there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from phal2.devnet.process import DevnetProcess, Endpoint

PROJECT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((PROJECT / "README.md").read_text())
MAKE, BASH = (shutil.which(program) or program for program in ("make", "bash"))
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "sh"]


@pytest.fixture(scope="module")
def fresh_devnet() -> Any:
    """A devnet of its own: the examples use the accounts and the migration of a fresh one."""
    with DevnetProcess.start() as devnet:
        yield devnet


def _on(devnet: DevnetProcess, code: str) -> str:
    """Point an example at the devnet's ports, and at the interpreter that runs the tests."""
    for default, endpoint in ((8545, devnet.l1), (9545, devnet.l2), (9546, devnet.follower)):
        code = code.replace(f"http://127.0.0.1:{default}", endpoint.url)
    return code.replace(".venv/bin/phal2", f"{sys.executable} -m phal2")


def test_the_python_examples_run_in_order(fresh_devnet: DevnetProcess, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {}

    for example in PYTHON[:-1]:
        exec(_on(fresh_devnet, example), namespace)  # noqa: S102 - the README's own examples

    printed = capsys.readouterr().out
    assert "status 1" in printed
    assert "'simulated': True" in printed


def test_the_test_example_passes(l2: Endpoint) -> None:
    namespace: dict[str, Any] = {}
    exec(PYTHON[-1], namespace)  # noqa: S102 - the README's own example

    namespace["test_chain_id"](l2)


def test_the_bridge_example_deposits_and_withdraws(fresh_devnet: DevnetProcess, tmp_path: Path) -> None:
    (commands,) = [code for code in SHELL if "bridge withdraw" in code]
    account = fresh_devnet.accounts[2]["address"]

    done = subprocess.run(
        (BASH, "-e", "-c", _on(fresh_devnet, commands)), cwd=tmp_path, capture_output=True, text=True, timeout=240
    )

    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout
    assert "nothing: it is finalized" in done.stdout
    spent = 10_000 * 10**18 - int(fresh_devnet.l1.request("eth_getBalance", account, "latest"), 16)
    assert 10**18 <= spent < 10**18 + 10**17


def test_the_claim_example_pays_pha(fresh_devnet: DevnetProcess, tmp_path: Path) -> None:
    (commands,) = [code for code in SHELL if "migration claim" in code]
    script = _on(fresh_devnet, commands).replace("tree.json", str(tmp_path / "tree.json"))

    result = subprocess.run(
        [BASH, "-euc", script], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )

    assert result.returncode == 0, result.stderr
    claims = fresh_devnet.l2.contracts["PHAToken"]
    balance_of = "0x70a08231" + "70997970C51812dc3A010C7d01b50e0d17dc79C8".lower().rjust(64, "0")
    paid = fresh_devnet.l2.request("eth_call", {"to": claims, "data": balance_of}, "latest")
    assert int(paid, 16) == 12345 * 10**17


def test_the_simulators_quote_is_refused_under_intels_root_and_taken_by_the_devnet(
    fresh_devnet: DevnetProcess, tmp_path: Path
) -> None:
    ((_, commands),) = BLOCK.findall((PROJECT / "docs" / "attested-transactions.md").read_text())

    done = subprocess.run(
        (BASH, "-c", _on(fresh_devnet, commands)), cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r"^valid +no: ", done.stdout, re.MULTILINE)
    assert "succeeded in block" in done.stdout


def test_make_devnet_starts_a_devnet() -> None:
    assert any("make devnet" in code for code in SHELL)
    ports = "--json --l1-port 0 --l2-port 0 --follower-port 0"

    process = subprocess.Popen(
        [MAKE, "-s", "devnet", f"ARGS={ports}"],
        cwd=PROJECT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        description = json.loads(process.stdout.readline())
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.close()
        process.wait(timeout=30)
    assert description["l2"]["chainId"] == 20350


def test_make_test_runs_the_tests() -> None:
    assert any("make test" in code for code in SHELL)

    result = subprocess.run(
        [MAKE, "-s", "test", "PYTEST_WORKERS=0", "ARGS=-q tests/unit/sequencer/test_ordering.py"],
        cwd=PROJECT,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed" in result.stdout


def test_every_shell_command_is_among_those_tested_here() -> None:
    tested = ("make devnet", "make test", ".venv/bin/phal2 bridge", ".venv/bin/phal2 migration")
    commands = [line for code in SHELL for line in code.splitlines() if line and not line.startswith((" ", "#"))]

    assert [line for line in commands if not line.startswith(tested)] == []


def _environment() -> Mapping[str, str]:
    """This process's environment without what an outer `make` passes on."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
