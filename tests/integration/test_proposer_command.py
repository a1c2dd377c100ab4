"""`phal2 proposer` as a process beside a devnet: killed, started again, with provers of both kinds."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from phal2.bridge.proposer.prover_channels import prover_command
from phal2.bridge.prover.configuration import prover_configuration
from phal2.contracts import load_artefact
from phal2.devnet.accounts import role_account
from phal2.devnet.process import DevnetProcess
from phal2.devnet.tee.prover_enclave import OPEN_ENCLAVE
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.rollup_config import RollupConfig

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def bare_devnet() -> Iterator[DevnetProcess]:
    with DevnetProcess.start("--no-proposer", "--l1-block-time", "1") as running:
        running.l1.request("evm_setAutomine", True)
        yield running


@pytest.fixture
def options(bare_devnet: DevnetProcess, tmp_path: Path) -> list[str]:
    """What the command is told of the devnet, its roles and the simulated TEE."""
    contracts = bare_devnet.l1.contracts
    for role in ("proposer", "quote approver"):
        (tmp_path / role).write_text(role_account(role).private_key.hex())
        (tmp_path / role).chmod(0o600)
    (tmp_path / "root.hex").write_text(bare_devnet.description["tee"]["rootCa"])
    quote = [sys.executable, "-m", "phal2", "tee", "quote", "--report-data", "00" * 64, "--json"]
    (tmp_path / "quote.json").write_bytes(subprocess.run(quote, capture_output=True, check=True).stdout)
    return [
        *("--l1", bare_devnet.l1.url, "--l2", bare_devnet.follower.url),
        *("--dispute-game-factory", contracts["DisputeGameFactory"]),
        *("--anchor-state-registry", contracts["AnchorStateRegistry"]),
        *("--prover-registry", contracts["ProverRegistry"]),
        *("--private-key-file", str(tmp_path / "proposer")),
        *("--approver-private-key-file", str(tmp_path / "quote approver")),
        *("--collateral", str(tmp_path / "quote.json"), "--root-ca", str(tmp_path / "root.hex")),
        *("--interval-blocks", "2", "--poll-interval", "0.2", "--resubmit-after", "5"),
    ]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "phal2", "proposer", *arguments]


def games(devnet: DevnetProcess) -> list[Any]:
    l1 = Web3(Web3.HTTPProvider(devnet.l1.url))
    address = Web3.to_checksum_address(devnet.l1.contracts["DisputeGameFactory"])
    factory = l1.eth.contract(address, abi=load_artefact("DisputeGameFactory").abi)
    count = factory.functions.gameCount().call()
    found: list[Any] = factory.functions.findLatestGames(84, max(count - 1, 0), 20).call()
    return found


@pytest.fixture
def configuration(bare_devnet: DevnetProcess, tmp_path: Path) -> Path:
    """The configuration of the workload that the devnet's registry allows."""
    config = RollupConfig.from_json(bare_devnet.l2.request("optimism_rollupConfig"))
    path = tmp_path / "prover.json"
    path.write_bytes(prover_configuration(config))
    return path


@pytest.fixture
def listening_prover(configuration: Path) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A prover that listens, and where."""
    arguments = ("--enclave", OPEN_ENCLAVE, "--listen", "127.0.0.1:0")
    with subprocess.Popen(prover_command(configuration, arguments), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process, process.stderr.readline().split()[-1]
        process.terminate()


def test_a_proposer_that_was_killed_goes_on_from_its_last_game(
    bare_devnet: DevnetProcess,
    options: list[str],
    listening_prover: "tuple[subprocess.Popen[str], str]",
    until: Until,
    tmp_path: Path,
) -> None:
    _, address = listening_prover
    registered = subprocess.run(
        command("register", *options, "--prover", address), capture_output=True, text=True, timeout=60, check=False
    )
    assert registered.returncode == 0, registered.stderr
    log = tmp_path / "log"
    counts = [0]
    for end in (signal.SIGKILL, signal.SIGTERM):
        with (
            log.open("a") as errors,
            subprocess.Popen(command(*options, "--prover", address), stderr=errors) as running,
        ):

            def grown() -> bool:
                bare_devnet.mine()
                return len(games(bare_devnet)) > counts[-1]

            until(grown)
            running.send_signal(end)
            assert running.wait(20) == (-signal.SIGKILL if end == signal.SIGKILL else 0)
        counts.append(len(games(bare_devnet)))
    newest = games(bare_devnet)[: counts[-1] - counts[1] + 1]
    for game, parent in pairwise(newest):
        assert int.from_bytes(game[4][64:96], "big") == parent[0]
    assert to_checksum_address(role_account("proposer").address) in log.read_text()
    assert registered.stdout.strip().startswith("0x")

    again = subprocess.run(
        command("register", *options, "--prover", address), capture_output=True, text=True, timeout=60, check=False
    )
    assert (again.returncode, again.stdout) == (0, registered.stdout)


def test_a_proposer_beside_a_devnet_starts_and_registers_a_prover_of_its_own(
    bare_devnet: DevnetProcess, options: list[str], until: Until
) -> None:
    before = len(games(bare_devnet))

    def grown() -> bool:
        bare_devnet.mine()
        return len(games(bare_devnet)) > before

    with subprocess.Popen(command(*options, "--prover-arguments", f"--enclave {OPEN_ENCLAVE}")) as running:
        until(grown)
        running.terminate()
        assert running.wait(20) == 0


def test_a_prover_of_another_workload_is_not_registered(
    bare_devnet: DevnetProcess, options: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    config = RollupConfig.from_json(bare_devnet.l2.request("optimism_rollupConfig"))
    path.write_text(json.dumps(config.to_json(), indent=2))
    arguments = ("--enclave", OPEN_ENCLAVE, "--listen", "127.0.0.1:0")
    with subprocess.Popen(prover_command(path, arguments), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        refused = subprocess.run(
            command("register", *options, "--prover", address), capture_output=True, text=True, timeout=60, check=False
        )
        process.terminate()
    assert refused.returncode == 1
    assert "the ProverRegistry does not allow the prover's workload 0x" in refused.stderr
