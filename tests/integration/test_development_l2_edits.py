"""A devnet whose L2 state may be edited: what the sequencer has then, and what the follower has not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint

Until = Callable[[Callable[[], Any]], Any]

STRANGER = Web3.to_checksum_address("0x" + "5a" * 20)
RECEIVER = Web3.to_checksum_address("0x" + "0e" * 20)
ETHER = 10**18


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edited") / "log"


@pytest.fixture(scope="module")
def editable(log: Path) -> Iterator[DevnetProcess]:
    with DevnetProcess.start("--allow-state-edits", "--automine", log=log) as running:
        yield running


def balance(endpoint: Endpoint, address: str, block: str = "latest") -> int:
    return int(endpoint.request("eth_getBalance", address, block), 16)


def block_hash(endpoint: Endpoint, number: int) -> str:
    return str(endpoint.request("eth_getBlockByNumber", hex(number), False)["hash"])


def test_an_edit_holds_on_the_sequencer_and_leaves_the_follower_behind(
    editable: DevnetProcess, log: Path, until: Until
) -> None:
    l2 = editable.l2
    snapshot = editable.snapshot()

    with editable.stop_sequencer():
        l2.request("anvil_setBalance", STRANGER, hex(3 * ETHER))
        assert balance(l2, STRANGER) == 3 * ETHER
        number = l2.block_number()
        l2.mine(3)
    assert balance(l2, STRANGER) == 3 * ETHER
    assert "the follower cannot follow the blocks after it" in log.read_text()

    # The sequencer's own derivation goes on, as it compares transactions.
    until(lambda: int(l2.request("eth_getBlockByNumber", "safe", False)["number"], 16) > number + 1)
    assert balance(l2, STRANGER) == 3 * ETHER
    assert balance(editable.follower, STRANGER) == 0
    # It has its own blocks after the edited one, as many as the posted span has; no later batch fits onto them.
    until(lambda: editable.follower.block_number() > number)
    own, edited = (block_hash(endpoint, number + 1) for endpoint in (editable.follower, l2))
    assert own != edited

    editable.revert(snapshot)
    assert balance(l2, STRANGER) == 0
    l2.mine()
    head = l2.block_number()
    until(lambda: editable.follower.block_number() >= head)


def test_accounts_of_l2_are_impersonated(editable: DevnetProcess) -> None:
    web3 = Web3(Web3.HTTPProvider(editable.l2.url))
    snapshot = editable.snapshot()
    predeploy = Web3.to_checksum_address("0x4200000000000000000000000000000000000007")
    editable.l2.request("hardhat_setBalance", predeploy, hex(ETHER))
    editable.l2.request("hardhat_impersonateAccount", predeploy)

    transaction_hash = web3.eth.send_transaction({"from": predeploy, "to": RECEIVER, "value": 5})

    receipt = web3.eth.get_transaction_receipt(transaction_hash)
    assert (receipt["status"], receipt["from"]) == (1, predeploy)
    assert web3.eth.get_balance(RECEIVER) == 5
    editable.l2.request("hardhat_stopImpersonatingAccount", predeploy)
    editable.revert(snapshot)


def test_automine_can_be_had_from_the_start(editable: DevnetProcess) -> None:
    web3 = Web3(Web3.HTTPProvider(editable.l2.url))
    first, second = [
        web3.eth.get_transaction_receipt(
            web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": RECEIVER, "value": 1})
        )["blockNumber"]
        for _ in range(2)
    ]

    assert second > first
    assert editable.l2.request("anvil_getAutomine") is True
