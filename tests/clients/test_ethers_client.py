"""Unmodified ethers 6 on the sequencer: one script does what an application does, the tests look at its results."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from node_packages import run_script

from phal2.devnet.process import DevnetProcess


@pytest.fixture(scope="module")
def arguments(script_arguments: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return script_arguments()


@pytest.fixture(scope="module")
def results(arguments: dict[str, Any]) -> dict[str, Any]:
    return run_script("ethers.mjs", arguments)


@pytest.fixture(scope="module")
def account(arguments: dict[str, Any]) -> str:
    return str(Account.from_key(arguments["privateKey"]).address)


def test_accounts_and_chain(results: dict[str, Any], devnet: DevnetProcess) -> None:
    chain = results["chain"]
    assert int(chain["chainId"]) == devnet.l2.chain_id
    assert int(chain["balance"]) == 100 * 10**18
    assert chain["accounts"] == [account["address"] for account in devnet.accounts]


def test_deployment(results: dict[str, Any], devnet: DevnetProcess) -> None:
    deployment = results["deployment"]
    assert deployment["status"] == 1
    assert deployment["code"] == devnet.l2.request("eth_getCode", deployment["address"], "latest")


def test_write_and_read(results: dict[str, Any], account: str) -> None:
    write = results["write"]
    assert (write["number"], write["status"], write["logs"]) == ("0", 1, 1)
    assert results["read"] == {"text": "a page", "author": account, "count": "1"}


def test_subscriptions(results: dict[str, Any], account: str) -> None:
    subscription, transaction_hash = results["subscription"], results["write"]["transactionHash"]
    assert subscription["events"] == [
        {"author": account, "number": "0", "text": "a page", "transactionHash": transaction_hash}
    ]
    assert subscription["hasHead"]
    assert transaction_hash in subscription["pending"]


def test_logs(results: dict[str, Any], account: str) -> None:
    assert results["logs"] == {"found": [[account, "0", "a page"]], "none": 0}


def test_failures_are_decoded(results: dict[str, Any]) -> None:
    failures = results["failures"]
    assert (failures["custom"]["name"], failures["custom"]["args"]) == ("NoSuchPage", ["9", "1"])
    assert failures["reason"]["reason"] == "why not"
    assert failures["panic"]["reason"] == "Panic due to DIVIDE_BY_ZERO(18)"
    assert (failures["estimate"]["name"], failures["estimate"]["args"]) == ("TextTooLong", ["1025", "1024"])
    assert failures["poor"] == {"code": "INSUFFICIENT_FUNDS"}
    assert failures["mined"]["status"] == 0


def test_unlocked_accounts_sign_and_send(results: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert results["signatures"] == {"typedData": arguments["unlocked"], "message": arguments["unlocked"]}
    assert results["unlocked"] == 1


def test_fee_estimates(results: dict[str, Any]) -> None:
    fees = results["fees"]
    assert int(fees["gasPrice"]) > int(fees["maxPriorityFeePerGas"]) > 0
    assert int(fees["maxFeePerGas"]) > int(fees["gasPrice"])
    assert 70_000 < int(fees["gas"]) < 100_000


def test_access_list(results: dict[str, Any], arguments: dict[str, Any]) -> None:
    listed, address = results["accessList"], results["deployment"]["address"]
    assert listed["accessList"] == [{"address": address.lower(), "storageKeys": [arguments["countSlot"]]}]
    assert listed["type"] == 1
    assert listed["sent"] == [{"address": address, "storageKeys": [arguments["countSlot"]]}]


def test_delegation(results: dict[str, Any]) -> None:
    delegation, address = results["delegation"], results["deployment"]["address"]
    assert (delegation["status"], delegation["type"]) == (1, 4)
    assert delegation["code"] == "0xef0100" + address[2:].lower()
    assert delegation["text"] == "in my own storage"
    assert [entry["address"] for entry in delegation["authorizations"]] == [address]


def test_blocks_with_a_deposit(results: dict[str, Any]) -> None:
    block = results["block"]
    assert [transaction["type"] for transaction in block["transactions"]] == [0x7E, 2]
    assert block["transactions"][1]["hash"] == results["write"]["transactionHash"]
    assert (block["deposit"], block["depositReceipt"]) == (0x7E, 1)
    assert int(block["l1Fee"], 16) > 0


def test_the_pending_block_is_on_top_of_the_head(results: dict[str, Any]) -> None:
    heads = results["heads"]
    assert heads["before"] < heads["pending"] <= heads["after"] + 1


def test_state(results: dict[str, Any]) -> None:
    assert int(results["state"]["slot"], 16) == int(results["state"]["proved"], 16) == 1


def test_unknown_methods_are_told_apart(results: dict[str, Any]) -> None:
    assert results["state"]["unknown"]
