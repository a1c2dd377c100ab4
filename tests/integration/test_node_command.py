"""`phal2 node` as a person or a script uses it: a second follower of a devnet, from nothing but L1 and two files."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import send
from eth_account import Account
from node_process import command, refused, running
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"
L2_CHAIN_ID = 20350

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def chain_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def kept_devnet(chain_dir: Path) -> Iterator[DevnetProcess]:
    """A devnet that leaves rollup.json and genesis.json in `chain_dir`, with a few transactions in it."""
    with DevnetProcess.start("--data-dir", str(chain_dir)) as devnet:
        transfer(devnet)
        transfer(devnet)
        yield devnet


def transfer(devnet: DevnetProcess) -> Any:
    """Send a wei on L2 from the devnet's first account and return the receipt."""
    web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
    return send(web3, Account.from_key(devnet.accounts[0]["privateKey"]), to=RECIPIENT, value=1)


def assert_same_chain(node: Endpoint, sequencer: Endpoint, last: int) -> None:
    for number in range(last + 1):
        ours, theirs = (each.request("eth_getBlockByNumber", hex(number), False) for each in (node, sequencer))
        assert ours["hash"] == theirs["hash"], f"block {number}"


def test_a_follower_reaches_the_sequencers_hashes_and_goes_on_after_a_kill(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path, until: Until
) -> None:
    arguments = command(kept_devnet, chain_dir, tmp_path, "--progress-interval", "0.05")
    before = transfer(kept_devnet)["blockNumber"]
    with running(arguments) as (process, node):
        until(lambda: node.block_number() >= before)
        assert_same_chain(node, kept_devnet.l2, before)
        process.kill()

    receipt = transfer(kept_devnet)
    with running(arguments) as (process, node):
        assert node.block_number() >= before
        until(lambda: node.block_number() >= receipt["blockNumber"])
        assert_same_chain(node, kept_devnet.l2, receipt["blockNumber"])
        process.send_signal(signal.SIGINT)
        output, log = process.communicate(timeout=20)

    assert (process.returncode, output) == (0, "")
    assert "follower of chain 20350" in log
    assert "blocks/s" in log
    assert "stopping; L2 unsafe" in log
    assert "Traceback" not in log


def test_a_follower_serves_the_namespaces_of_a_node_and_no_other(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path, until: Until
) -> None:
    with running(command(kept_devnet, chain_dir, tmp_path)) as (process, node):
        until(lambda: node.block_number() >= 1)
        web3 = Web3(Web3.HTTPProvider(node.url))

        assert web3.eth.chain_id == L2_CHAIN_ID
        assert web3.client_version.startswith("phal2/")
        assert node.request("net_version") == str(L2_CHAIN_ID)
        assert node.request("txpool_status") == {"pending": "0x0", "queued": "0x0"}
        assert node.request("debug_getRawHeader", "0x0").startswith("0x")
        assert node.request("optimism_rollupConfig") == json.loads((chain_dir / "rollup.json").read_text())
        assert node.request("attestation_getPolicy") == kept_devnet.l2.request("attestation_getPolicy")
        for foreign in ("evm_mine", "eth_sendTransaction"):
            answer = web3.provider.make_request(foreign, [])
            assert "does not exist" in answer["error"]["message"]

        process.terminate()
        assert process.wait(timeout=20) == 0


def test_a_sequencer_builds_blocks_with_the_transactions_it_is_sent(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path
) -> None:
    # A rollup of its own on the same L1: with another inbox the devnet's batches are none of its.
    rollup = json.loads((chain_dir / "rollup.json").read_text()) | {"batch_inbox_address": "0xff" + "00" * 19}
    other = tmp_path / "rollup.json"
    other.write_text(json.dumps(rollup))
    options = ("--sequencer", "--rollup-config", str(other))
    with running(command(kept_devnet, chain_dir, tmp_path / "data", *options)) as (_, node):
        web3 = Web3(Web3.HTTPProvider(node.url))
        sender = Account.from_key(kept_devnet.accounts[8]["privateKey"])
        transaction = {
            "to": RECIPIENT,
            "value": 1,
            "gas": 21_000,
            "nonce": 0,
            "chainId": L2_CHAIN_ID,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 10**6,
        }

        sent = web3.eth.send_raw_transaction(sender.sign_transaction(transaction).raw_transaction)

        assert web3.eth.wait_for_transaction_receipt(sent, timeout=120, poll_latency=0.02)["status"] == 1


def test_a_taken_port_is_one_line_and_exit_code_1(kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, errors = refused(command(kept_devnet, chain_dir, tmp_path, "--port", str(port)))

    assert code == 1
    assert errors == f"phal2: error: port {port} on 127.0.0.1 is in use; stop what uses it or choose another port\n"


def test_an_l1_of_another_chain_is_refused(kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path) -> None:
    code, errors = refused(command(kept_devnet, chain_dir, tmp_path, "--l1", kept_devnet.l2.url))

    assert (code, errors.count("\n")) == (1, 1)
    assert "serves chain 20350, but the rollup's L1 is chain 31337" in errors


def test_an_l1_that_does_not_answer_is_one_line(kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path) -> None:
    code, errors = refused(command(kept_devnet, chain_dir, tmp_path, "--l1", "http://127.0.0.1:1"))

    assert (code, errors.count("\n")) == (1, 1)
    assert "http://127.0.0.1:1: the connection failed" in errors


def test_an_l1_without_the_block_where_l2_begins_is_refused(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path
) -> None:
    document = json.loads((chain_dir / "rollup.json").read_text())
    document["genesis"]["l1"]["hash"] = "0x" + "ab" * 32
    other = tmp_path / "rollup.json"
    other.write_text(json.dumps(document))

    code, errors = refused(command(kept_devnet, chain_dir, tmp_path / "data", "--rollup-config", str(other)))

    assert (code, errors.count("\n")) == (1, 1)
    assert "where the rollup begins on L1 block 0xabab" in errors


def test_a_genesis_that_is_not_the_configurations_is_refused(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path
) -> None:
    document = json.loads((chain_dir / "genesis.json").read_text())
    document["alloc"][RECIPIENT] = {"balance": "0x1"}
    other = tmp_path / "genesis.json"
    other.write_text(json.dumps(document))

    code, errors = refused(command(kept_devnet, chain_dir, tmp_path / "data", "--genesis", str(other)))

    assert (code, errors.count("\n")) == (1, 1)
    assert "the genesis hashes to 0x" in errors
    assert not (tmp_path / "data").exists()


def test_a_data_directory_of_another_node_that_runs_is_refused(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path
) -> None:
    arguments = command(kept_devnet, chain_dir, tmp_path)
    with running(arguments):
        code, errors = refused(arguments)

    assert (code, errors.count("\n")) == (1, 1)
    assert "in use by a running phal2" in errors
