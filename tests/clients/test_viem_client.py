"""Unmodified viem 2 on the sequencer: one script does what an application does, the tests look at its results."""

from collections.abc import Callable
from typing import Any

import pytest
import rlp
from eth_account import Account
from hexbytes import HexBytes
from node_packages import run_script
from trie import HexaryTrie
from web3 import Web3

from phal2.devnet.process import DevnetProcess


@pytest.fixture(scope="module")
def arguments(script_arguments: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return script_arguments()


@pytest.fixture(scope="module")
def results(arguments: dict[str, Any]) -> dict[str, Any]:
    return run_script("viem.mjs", arguments)


@pytest.fixture(scope="module")
def account(arguments: dict[str, Any]) -> str:
    return str(Account.from_key(arguments["privateKey"]).address)


def test_requests_in_a_batch(results: dict[str, Any], devnet: DevnetProcess) -> None:
    chain = results["chain"]
    assert chain["chainId"] == devnet.l2.chain_id
    assert int(chain["balance"]) == 100 * 10**18
    assert int(chain["blockNumber"]) > 0
    assert chain["accounts"] == [account["address"] for account in devnet.accounts]


def test_deployment(results: dict[str, Any], devnet: DevnetProcess) -> None:
    deployment = results["deployment"]
    assert deployment["status"] == "success"
    assert deployment["code"] == devnet.l2.request("eth_getCode", deployment["address"], "latest")


def test_write_and_read(results: dict[str, Any], account: str) -> None:
    assert results["write"]["number"] == "0"
    assert results["write"]["status"] == "success"
    assert results["read"] == {"text": "a page", "page": {"author": account, "text": "a page"}, "count": "1"}


def test_subscriptions(results: dict[str, Any], account: str) -> None:
    subscription, transaction_hash = results["subscription"], results["write"]["transactionHash"]
    arguments = {"author": account, "number": "0", "text": "a page"}
    assert subscription["events"] == [{"eventName": "Written", "args": arguments, "transactionHash": transaction_hash}]
    assert subscription["hasHead"]
    assert transaction_hash in subscription["pending"]


def test_logs_and_filters(results: dict[str, Any], account: str) -> None:
    logs = [{"author": account, "number": "0", "text": "a page"}]
    assert results["logs"] == {"filtered": logs, "contract": logs, "none": 0}


def test_multicall_without_a_deployed_contract(results: dict[str, Any]) -> None:
    assert results["multicall"] == ["1", "a page", 'The contract function "read" reverted.']


def test_failures_are_decoded(results: dict[str, Any]) -> None:
    failures = results["failures"]
    assert (failures["custom"]["name"], failures["custom"]["args"]) == ("NoSuchPage", ["9", "1"])
    assert failures["reason"]["reason"] == "why not"
    assert failures["panic"]["args"] == ["18"]
    assert (failures["estimate"]["name"], failures["estimate"]["args"]) == ("TextTooLong", ["1025", "1024"])
    assert "exceeds the balance of the account" in failures["poor"]["text"]
    assert failures["mined"] == "reverted"


def test_signatures_of_unlocked_accounts_verify(results: dict[str, Any]) -> None:
    assert results["signatures"] == {"typedData": True, "wrongSigner": False, "message": True}


def test_fee_estimates(results: dict[str, Any]) -> None:
    fees = results["fees"]
    tip = int(fees["tip"])
    *of_blocks, of_the_next = map(int, fees["baseFees"])
    assert int(fees["maxPriorityFeePerGas"]) == tip
    # viem allows for a base fee of 1.2 times the newest block's.
    assert int(fees["maxFeePerGas"]) - tip in [base_fee * 12 // 10 for base_fee in of_blocks]
    assert int(fees["gasPrice"]) - tip in [*of_blocks[1:], of_the_next]
    assert 70_000 < int(fees["gas"]) < 100_000
    assert len(fees["history"]["baseFeePerGas"]) == 4
    assert [len(rewards) for rewards in fees["history"]["reward"]] == [2, 2, 2]


def test_access_list(results: dict[str, Any], arguments: dict[str, Any]) -> None:
    listed, address = results["accessList"], results["deployment"]["address"]
    expected = [{"address": address, "storageKeys": [arguments["countSlot"]]}]
    assert listed["accessList"] == expected
    assert listed["type"] == "eip2930"
    assert listed["transaction"]["accessList"] == expected
    assert 21_000 < int(listed["gasUsed"]) <= int(listed["transaction"]["gas"])


def test_delegation(results: dict[str, Any], account: str) -> None:
    delegation, address = results["delegation"], results["deployment"]["address"]
    assert (delegation["status"], delegation["type"]) == ("success", "eip7702")
    assert delegation["to"] == Web3.to_checksum_address(address)
    assert delegation["text"] == "in my own storage"
    (authorization,) = delegation["transaction"]["authorizationList"]
    assert authorization["address"] == address
    assert authorization["nonce"] == delegation["transaction"]["nonce"] + 1
    assert delegation["transaction"]["from"] == account.lower()


def test_op_stack_blocks_and_receipts(results: dict[str, Any]) -> None:
    op_stack = results["opStack"]
    deposit, own = op_stack["block"]["transactions"]
    assert deposit == op_stack["deposit"]
    assert deposit["type"] == "deposit"
    assert len(HexBytes(deposit["sourceHash"])) == 32
    assert own["type"] == "eip1559"
    assert (op_stack["receipts"], op_stack["count"]) == (2, 2)
    receipt = op_stack["receipt"]
    assert int(receipt["l1Fee"]) > 0
    assert int(receipt["l1GasUsed"]) >= 1_600
    assert int(receipt["l1GasPrice"]) > 0
    deposit_receipt = op_stack["depositReceipt"]
    assert (deposit_receipt["type"], deposit_receipt["depositReceiptVersion"]) == ("0x7e", 1)
    assert int(deposit_receipt["depositNonce"]) == deposit["nonce"]


def test_deposit_from_l1(results: dict[str, Any]) -> None:
    deposit = results["userDeposit"]
    assert deposit["receipt"]["status"] == "success"
    transaction = deposit["transaction"]
    assert (transaction["type"], transaction["mint"], transaction["value"]) == ("deposit", "5", "3")
    assert deposit["balance"] == "3"


def test_proof_holds_against_the_blocks_state_root(results: dict[str, Any], arguments: dict[str, Any]) -> None:
    proof, slot = results["proof"]["proof"], HexBytes(arguments["countSlot"])
    account = rlp.decode(
        HexaryTrie.get_from_proof(
            HexBytes(results["proof"]["block"]["stateRoot"]),
            Web3.keccak(hexstr=proof["address"]),
            [rlp.decode(HexBytes(node)) for node in proof["accountProof"]],
        )
    )
    assert account[2] == HexBytes(proof["storageHash"])
    (storage,) = proof["storageProof"]
    value = HexaryTrie.get_from_proof(
        account[2], Web3.keccak(slot), [rlp.decode(HexBytes(node)) for node in storage["proof"]]
    )
    assert value == rlp.encode(int(storage["value"]))
    assert int(results["proof"]["slot"], 16) == int(storage["value"]) == 1


def test_state_override(results: dict[str, Any]) -> None:
    assert results["override"] == "7"


def test_simulated_calls_build_on_one_another(results: dict[str, Any]) -> None:
    write, count, failing, transfer = results["simulation"]["results"]
    assert (write["status"], write["result"], write["logs"]) == ("success", "1", 1)
    assert count["result"] == "2"
    assert (failing["status"], failing["error"]) == ("failure", "NoSuchPage")
    assert transfer["status"] == "success"
    assert results["simulation"]["assetChanges"] == [str(-15 * 10**17)]
