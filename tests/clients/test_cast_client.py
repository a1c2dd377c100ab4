"""Unmodified cast of Foundry on the devnet's sequencer: the shell commands that people have in their scripts."""

import json
import os
import re
import select
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from cast_client import Cast
from eth_account import Account
from eth_account.messages import encode_typed_data
from sealing import sealing

from phal2.contracts import load_artefact
from phal2.devnet.process import DevnetProcess

NO_SUCH_PAGE: Final = "NoSuchPage(uint256,uint256)"


@pytest.fixture(scope="module")
def notebook(cast: Cast) -> str:
    """A contract that `cast send --create` deployed, with one page written."""
    receipt = cast.send("--create", "0x" + load_artefact("Notebook").bytecode.hex())
    assert receipt["status"] == "0x1"
    address: str = receipt["contractAddress"]
    cast.send(address, "write(string)", "a page")
    return address


def test_chain(cast: Cast, devnet: DevnetProcess) -> None:
    assert int(cast("chain-id")) == devnet.l2.chain_id
    assert cast("client").startswith("anvil-compatible phal2/")
    assert int(cast("gas-price")) > 0
    assert int(cast("base-fee")) > 0
    assert int(cast("block-number")) > 0


def test_balances_and_transfer(cast: Cast) -> None:
    receiver = Account.create().address
    sent = cast.send(receiver, "--value", "1ether")
    receipt = cast.json("receipt", sent["transactionHash"])
    assert receipt["status"] == "0x1"
    assert int(receipt["l1Fee"], 16) > 0
    assert cast("balance", "--ether", receiver) == "1.000000000000000000"
    assert int(cast("nonce", cast.account)) > 0


def test_unlocked_accounts_send(cast: Cast, devnet: DevnetProcess) -> None:
    sender, receiver = devnet.accounts[4]["address"], Account.create().address
    cast("send", "--unlocked", "--from", sender, receiver, "--value", 7)
    assert int(cast("balance", receiver)) == 7


def test_blocks_and_transactions(cast: Cast, notebook: str) -> None:
    receipt = cast.send(notebook, "write(string)", "for a block")
    number, transaction_hash = int(receipt["blockNumber"], 16), receipt["transactionHash"]
    block = cast.json("block", number)
    assert transaction_hash in block["transactions"]
    full = cast.json("block", "--full", number)
    assert full["transactions"][0]["type"] == "0x7e"
    assert cast.json("tx", transaction_hash)["hash"] == transaction_hash
    assert cast.json("tx", full["transactions"][0]["hash"])["type"] == "0x7e"
    assert cast.json("receipt", transaction_hash)["blockHash"] == block["hash"]
    assert cast.json("receipt", full["transactions"][0]["hash"])["status"] == "0x1"


def test_calls(cast: Cast, notebook: str) -> None:
    assert cast("call", notebook, "read(uint256)(string)", 0) == '"a page"'
    assert int(cast("call", notebook, "count()(uint256)").split()[0]) >= 1
    assert cast("code", notebook) == "0x" + load_artefact("Notebook").deployed_bytecode.hex()
    assert int(cast("storage", notebook, 0), 16) >= 1
    proof = json.loads(cast("proof", notebook, 0))
    assert int(proof["storageProof"][0]["value"], 16) >= 1


def test_call_with_overrides(cast: Cast, notebook: str) -> None:
    slot, value = "0x" + bytes(32).hex(), "0x" + (77).to_bytes(32, "big").hex()
    answer = cast("call", notebook, "count()(uint256)", "--override-state-diff", f"{notebook}:{slot}:{value}")
    assert answer == "77"


def test_failing_calls(cast: Cast, notebook: str) -> None:
    custom = cast.run("call", notebook, "read(uint256)(string)", 99)
    assert custom.returncode != 0
    data = re.search(r'data: "(0x[0-9a-f]+)"', custom.stderr)
    assert data is not None, custom.stderr
    assert cast("decode-error", "--sig", NO_SUCH_PAGE, data[1]).splitlines()[0] == "99"
    reason = cast.run("call", notebook, "failWithReason(string)", "why not")
    assert reason.returncode != 0
    assert "execution reverted: why not" in reason.stderr
    unsent = cast.run("send", "--private-key", cast.private_key, notebook, "deposit()")
    assert unsent.returncode != 0
    assert "no ether sent" in unsent.stderr


def test_logs(cast: Cast, notebook: str) -> None:
    logs = cast.json(
        "logs", "--address", notebook, "--from-block", 0, "Written(address indexed,uint256 indexed,string)"
    )
    assert {log["address"] for log in logs} == {notebook.lower()}
    found = cast.json(
        "logs", "--address", notebook, "--from-block", 0,
        "Written(address indexed,uint256 indexed,string)", cast.account, 0,
    )  # fmt: skip
    assert len(found) == 1


def test_logs_by_subscription(cast: Cast, notebook: str) -> None:
    url = cast.endpoint.url.replace("http", "ws")
    command = [str(cast.program), "logs", "--subscribe", "--address", notebook, "--rpc-url", url]
    with subprocess.Popen(command, cwd=cast.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as listener:
        try:
            assert listener.stdout is not None
            # Nothing says when the subscription stands, so pages are written until one is heard of.
            for _ in range(20):
                cast.send(notebook, "write(string)", "heard")
                if select.select([listener.stdout], [], [], 0.3)[0]:
                    break
            assert notebook.lower() in os.read(listener.stdout.fileno(), 10_000).decode().lower()
        finally:
            listener.kill()


def test_estimates_and_access_lists(cast: Cast, notebook: str) -> None:
    assert 21_000 < int(cast("estimate", "--from", cast.account, notebook, "write(string)", "a page")) < 100_000
    made = cast.json("access-list", "--from", cast.account, notebook, "count()")
    assert made["accessList"] == [{"address": notebook.lower(), "storageKeys": ["0x" + bytes(32).hex()]}]
    receipt = cast.send(notebook, "write(string)", "listed", "--access-list", json.dumps(made["accessList"]))
    assert receipt["status"] == "0x1"
    sent = cast.json("tx", receipt["transactionHash"])
    assert sent["accessList"] == made["accessList"]


def test_legacy_transaction(cast: Cast, notebook: str) -> None:
    receipt = cast.send(notebook, "write(string)", "old", "--legacy")
    assert (receipt["status"], receipt["type"]) == ("0x1", "0x0")


def test_delegation(cast: Cast, notebook: str, funded_key: Callable[[], str]) -> None:
    authority = funded_key()
    address = Account.from_key(authority).address
    signed = cast("wallet", "sign-auth", notebook, "--private-key", authority)
    receipt = cast.send(address, "write(string)", "delegated", "--auth", signed)
    assert (receipt["status"], receipt["type"]) == ("0x1", "0x4")
    assert cast("code", address) == "0xef0100" + notebook[2:].lower()
    assert cast("call", address, "read(uint256)(string)", 0) == '"delegated"'


def test_typed_data_signed_by_cast_and_by_the_node(cast: Cast, devnet: DevnetProcess) -> None:
    unlocked = devnet.accounts[5]
    typed_data = {
        "types": {"EIP712Domain": [{"name": "name", "type": "string"}], "Note": [{"name": "text", "type": "string"}]},
        "primaryType": "Note",
        "domain": {"name": "cast"},
        "message": {"text": "signed"},
    }
    by_cast = cast("wallet", "sign", "--private-key", unlocked["privateKey"], "--data", json.dumps(typed_data))
    by_node = json.loads(cast("rpc", "eth_signTypedData_v4", unlocked["address"], json.dumps(typed_data)))
    assert by_cast == by_node
    signer = Account.recover_message(encode_typed_data(full_message=typed_data), signature=by_cast)
    assert signer == unlocked["address"]


def test_raw_requests(cast: Cast, notebook: str) -> None:
    assert json.loads(cast("rpc", "eth_chainId")) == hex(cast.endpoint.chain_id)
    transaction = cast.send(notebook, "write(string)", "traced")["transactionHash"]
    trace = json.loads(cast("rpc", "debug_traceTransaction", transaction, '{"tracer":"callTracer"}'))
    assert (trace["type"], trace["to"]) == ("CALL", notebook.lower())


def test_trace_of_a_transaction_on_l1(cast: Cast, devnet: DevnetProcess) -> None:
    _expect_trace_of_a_write(replace(cast, endpoint=devnet.l1))


def test_trace_of_a_transaction_on_l2(cast: Cast) -> None:
    # cast reads deposits in `cast run` only on chains whose number it knows as one of the OP Stack.
    with DevnetProcess.start("--l2-chain-id", "10") as devnet:
        private_key = devnet.accounts[1]["privateKey"]
        _expect_trace_of_a_write(replace(cast, endpoint=devnet.l2, private_key=private_key))


def test_trace_of_a_call(cast: Cast, notebook: str) -> None:
    trace = cast("call", notebook, "count()(uint256)", "--trace")
    assert "count()" in trace or "06661abd" in trace


def _expect_trace_of_a_write(cast: Cast) -> None:
    """cast replays the block up to a transaction with state that it asks the node for."""
    with sealing(cast.endpoint):
        notebook = cast.send("--create", "0x" + load_artefact("Notebook").bytecode.hex())["contractAddress"]
        receipt = cast.send(notebook, "write(string)", "run")
    trace = cast("run", receipt["transactionHash"])
    assert "Transaction successfully executed." in trace
    assert f"Gas used: {int(receipt['gasUsed'], 16)}" in trace
    assert "emit topic 0: " + receipt["logs"][0]["topics"][0] in trace
