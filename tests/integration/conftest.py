"""What the integration tests share: web3.py on the session's devnet, and a funded account of its own for each test."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chain_actions import send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint


@pytest.fixture(scope="session")
def l1_web3(l1: Endpoint) -> Web3:
    return Web3(Web3.HTTPProvider(l1.url))


@pytest.fixture(scope="session")
def web3(l2: Endpoint) -> Web3:
    return Web3(Web3.HTTPProvider(l2.url))


@pytest.fixture(scope="session")
def follower_web3(follower: Endpoint) -> Web3:
    return Web3(Web3.HTTPProvider(follower.url))


@pytest.fixture(scope="session")
def owner(devnet: DevnetProcess) -> LocalAccount:
    """The devnet's first account, which owns policy, registry and migration."""
    account: LocalAccount = Web3().eth.account.from_key(devnet.accounts[0]["privateKey"])
    return account


@pytest.fixture
def funded(devnet: DevnetProcess, web3: Web3, l1_web3: Web3) -> Callable[[], LocalAccount]:
    """Makes accounts of a test's own with 100 ETH on L2 (with `on_l1=True` on L1, too): tests share no nonces."""
    rich = web3.eth.account.from_key(devnet.accounts[9]["privateKey"])

    def make(on_l1: bool = False) -> LocalAccount:
        account: LocalAccount = web3.eth.account.create()
        for chain in (web3, l1_web3) if on_l1 else (web3,):
            send(chain, rich, to=account.address, value=Web3.to_wei(100, "ether"))
        return account

    return make


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], Any]:
    """Asks again and again until the answer is true; fails after three minutes, far more than anything takes."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 180
        while not (answer := condition()):
            assert time.monotonic() < deadline, "the condition did not become true within three minutes"
            time.sleep(0.05)
        return answer

    return wait


@pytest.fixture(scope="session")
def still_devnet() -> Iterator[DevnetProcess]:
    """A devnet with L2 blocks ten minutes apart, each sealed when a test asks for it: its time is known before."""
    with (
        DevnetProcess.start("--l1-block-time", "600", "--l2-block-time", "600") as running,
        running.stop_sequencer(),
    ):
        yield running
