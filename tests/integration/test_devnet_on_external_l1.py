"""A devnet on an L1 that somebody else runs, for which another devnet's embedded L1 stands in."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at
from web3 import Web3

from phal2.devnet.process import DevnetProcess, RequestRefused

Until = Callable[[Callable[[], Any]], Any]

PAYER = 8
ETHER = 10**18


@pytest.fixture(scope="module")
def below() -> Iterator[DevnetProcess]:
    with DevnetProcess.start("--l1-block-time", "1", "--no-proposer") as devnet:
        yield devnet


@pytest.fixture(scope="module")
def key_file(below: DevnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("payer") / "key"
    path.write_text(below.accounts[PAYER]["privateKey"])
    return path


def start(below: DevnetProcess, key_file: Path, *options: str) -> DevnetProcess:
    return DevnetProcess.start("--l1", below.l1.url, "--private-key-file", str(key_file), *options)


@pytest.fixture(scope="module")
def running(below: DevnetProcess, key_file: Path) -> Iterator[DevnetProcess]:
    with start(below, key_file) as devnet:
        yield devnet


def deposit(devnet: DevnetProcess, value: int) -> str:
    sender = devnet.accounts[6]["address"]
    portal = devnet.l1.contracts["OptimismPortal"]
    devnet.l1.request("eth_sendTransaction", {"from": sender, "to": portal, "value": hex(value)})
    return sender


def test_its_contracts_are_its_own_and_belong_to_who_paid(below: DevnetProcess, running: DevnetProcess) -> None:
    web3 = Web3(Web3.HTTPProvider(running.l1.url))
    payer = below.accounts[PAYER]["address"]

    assert running.l1.url == below.l1.url
    assert running.l1.chain_id == below.l1.chain_id
    for name in ("OptimismPortal", "SystemConfig", "PHAToken"):
        assert running.l1.contracts[name] != below.l1.contracts[name]
        assert web3.eth.get_code(Web3.to_checksum_address(running.l1.contracts[name]))
    system_config = contract_at(web3, "SystemConfig", running.l1.contracts["SystemConfig"])
    assert system_config.functions.owner().call() == payer
    token = contract_at(web3, "PHAToken", running.l1.contracts["PHAToken"])
    assert token.functions.balanceOf(payer).call() == token.functions.totalSupply().call()
    assert running.l1.contracts["Multicall3"] == below.l1.contracts["Multicall3"]


def test_deposits_arrive_and_the_follower_agrees(running: DevnetProcess, until: Until) -> None:
    sender = deposit(running, 9)

    until(lambda: int(running.l2.request("eth_getBalance", sender, "latest"), 16) == 10_000 * ETHER + 9)
    number = running.l2.block_number()
    until(lambda: running.follower.block_number() >= number)
    hashes = {
        endpoint.request("eth_getBlockByNumber", hex(number), False)["hash"]
        for endpoint in (running.l2, running.follower)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("evm_increaseTime", (60,)), ("evm_snapshot", ()), ("evm_revert", ("0x1",)), ("hardhat_reset", ())],
)
def test_what_needs_control_of_l1_is_refused(running: DevnetProcess, method: str, parameters: tuple[Any, ...]) -> None:
    with pytest.raises(RequestRefused, match="an L1 that this devnet does not control"):
        running.l2.request(method, *parameters)


def test_l2_blocks_come_on_demand(running: DevnetProcess) -> None:
    before = running.l2.block_number()

    running.l2.mine(3)

    assert running.l2.block_number() >= before + 3


def test_a_kept_devnet_goes_on_and_asks_for_the_same_key(
    below: DevnetProcess, key_file: Path, tmp_path: Path, until: Until
) -> None:
    directory = tmp_path / "chain"
    with start(below, key_file, "--data-dir", str(directory)) as devnet:
        until(lambda: devnet.l2.request("optimism_syncStatus")["safe_l2"]["number"] > 0)
        contracts = devnet.l1.contracts
        safe = devnet.l2.request("optimism_syncStatus")["safe_l2"]

    with start(below, key_file, "--data-dir", str(directory)) as again:
        assert again.l1.contracts == contracts
        block = again.l2.request("eth_getBlockByNumber", hex(safe["number"]), False)
        assert block["hash"] == safe["hash"]
        until(lambda: again.l2.request("optimism_syncStatus")["safe_l2"]["number"] > safe["number"])
    other = tmp_path / "other"
    other.write_text(below.accounts[7]["privateKey"])
    refused = run_devnet(below.l1.url, "--private-key-file", str(other), "--data-dir", str(directory))
    assert refused.returncode == 1
    assert "another key" in refused.stderr


def run_devnet(l1: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "phal2", "devnet", "--l2-port", "0", "--follower-port", "0", "--l1", l1)
    return subprocess.run((*command, *options), capture_output=True, text=True, timeout=60)


def test_somebody_has_to_pay(below: DevnetProcess) -> None:
    done = run_devnet(below.l1.url)

    assert done.returncode == 1
    assert "give --private-key-file FILE" in done.stderr


def test_who_pays_must_have_enough(below: DevnetProcess) -> None:
    poor = Web3().eth.account.create()

    done = run_devnet(below.l1.url, "--private-key", poor.key.to_0x_hex())

    assert done.returncode == 1
    assert f"{poor.address} has 0 ETH on L1, but the devnet needs" in done.stderr


def test_an_l1_that_is_away_is_told_in_one_line() -> None:
    done = run_devnet("http://127.0.0.1:9", "--private-key", "0x" + "11" * 32)

    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert "http://127.0.0.1:9" in error


def test_what_is_no_l1_is_wrong_usage() -> None:
    done = run_devnet("geth")

    assert done.returncode == 2
    assert "expected embedded, anvil, or http://" in done.stderr
