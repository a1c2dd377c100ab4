"""What L1 says reaches L2 without the sequencer's help, and the sequencer goes on from there when it comes back."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at, l1_blocks_on_demand, send
from migration_material import ALICE, write_export
from node_process import command
from node_process import running as running_node
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused

Until = Callable[[Callable[[], Any]], Any]

RECEIVER = Web3.to_checksum_address("0x" + "0e" * 20)
WINDOW = 12
OPTIONS = (
    "--sequencing-window",
    str(WINDOW),
    "--l1-block-time",
    "1",
    "--no-proposer",
    "--rpc.enable-admin",
    "--verbose",
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forced") / "log"


@pytest.fixture(scope="module")
def forced(log: Path) -> Iterator[DevnetProcess]:
    """A devnet with a short sequencing window."""
    with DevnetProcess.start(*OPTIONS, log=log) as running:
        yield running


def deposit(devnet: DevnetProcess, value: int) -> str:
    """Deposit for a new account; return its address."""
    l1 = Web3(Web3.HTTPProvider(devnet.l1.url))
    receiver = l1.eth.account.create().address
    portal = contract_at(l1, "OptimismPortal", devnet.l1.contracts["OptimismPortal"])
    data = portal.functions.depositTransaction(receiver, value, 100_000, False, b"")._encode_transaction_data()
    payer = l1.eth.account.from_key(devnet.accounts[2]["privateKey"])
    assert send(l1, payer, to=portal.address, value=value, data=data)["status"] == 1
    return receiver


def transfer(devnet: DevnetProcess) -> Any:
    web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
    payer = web3.eth.account.from_key(devnet.accounts[3]["privateKey"])
    return send(web3, payer, to=RECEIVER, value=1, gas=21_000)


def is_started(node: Endpoint) -> bool:
    """Start the sequencer on its head, unless derivation has added a block meanwhile."""
    head = node.request("eth_getBlockByNumber", "latest", False)
    try:
        node.request("admin_startSequencer", head["hash"])
    except RequestRefused as refused:
        if "block hash does not match" not in refused.message:
            raise
        return False
    return True


def balance(node: Endpoint, address: str) -> int:
    return int(node.request("eth_getBalance", address, "latest"), 16)


def heads(node: Endpoint) -> dict[str, Any]:
    status: dict[str, Any] = node.request("optimism_syncStatus")
    return status


def block_hash(node: Endpoint, number: int) -> Any:
    block = node.request("eth_getBlockByNumber", hex(number), False)
    return block and block["hash"]


def assert_both_have_one_chain(devnet: DevnetProcess, until: Until) -> int:
    """The sequencer's blocks become safe as they are, on the follower, too; return how far both are compared."""
    head = devnet.l2.block_number()
    until(lambda: heads(devnet.follower)["safe_l2"]["number"] >= head)
    until(lambda: heads(devnet.l2)["safe_l2"]["number"] >= head)
    for number in range(head + 1):
        assert block_hash(devnet.follower, number) == block_hash(devnet.l2, number), f"block {number}"
    return head


def end_window(devnet: DevnetProcess, until: Until, origin: int) -> None:
    """Have L1 seal what is left of the sequencing window of an L1 block, and both nodes read it."""
    end = origin + WINDOW
    devnet.l1.mine(max(0, end - devnet.l1.block_number()))
    for node in (devnet.l2, devnet.follower):
        until(lambda node=node: heads(node)["current_l1"]["number"] >= end)


@pytest.mark.parametrize("stop", ["stop_sequencer", "admin"])
def test_deposits_arrive_when_the_window_ends_and_the_sequencer_goes_on_from_there(
    forced: DevnetProcess, until: Until, stop: str
) -> None:
    transfer(forced)
    if stop == "admin":
        forced.l2.request("admin_stopSequencer")
        receiver = deposit(forced, 7)
        end_window(forced, until, forced.l1.block_number())
        on_both = [balance(node, receiver) for node in (forced.l2, forced.follower)]
        until(lambda: is_started(forced.l2))
    else:
        with forced.stop_sequencer():
            receiver = deposit(forced, 7)
            end_window(forced, until, forced.l1.block_number())
            on_both = [balance(node, receiver) for node in (forced.l2, forced.follower)]

    assert on_both == [7, 7]
    receipt = until(lambda: transfer(forced))
    until(lambda: heads(forced.follower)["safe_l2"]["number"] >= receipt["blockNumber"])
    assert block_hash(forced.follower, receipt["blockNumber"]) == receipt["blockHash"].to_0x_hex()
    assert_both_have_one_chain(forced, until)


def test_a_devnet_that_is_killed_while_the_window_ends_goes_on(tmp_path: Path, until: Until, run_all: bool) -> None:
    if not run_all:
        pytest.skip("long; --all runs it")
    options = (*OPTIONS, "--data-dir", str(tmp_path))
    devnet = DevnetProcess.start(*options)
    try:
        receivers = []
        for part in (WINDOW // 3, WINDOW, 2 * WINDOW):
            transfer(devnet)
            devnet.l2.request("admin_stopSequencer")
            receivers.append(deposit(devnet, 7))
            devnet.l1.mine(part)
            devnet.kill()
            devnet = DevnetProcess.start(*options)
            until(lambda node=devnet.follower: {balance(node, each) for each in receivers} == {7})
            assert_both_have_one_chain(devnet, until)
    finally:
        devnet.kill()


def run(devnet: DevnetProcess, number: int, *words: str) -> Any:
    """Run `phal2 migration … --json` with an account's key; return what it prints."""
    command = [sys.executable, "-m", "phal2", "migration", *words, "--json"]
    environment = os.environ | {"PHAL2_PRIVATE_KEY": devnet.accounts[number]["privateKey"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_migration_claim_is_forced_through_l1(forced: DevnetProcess, until: Until, tmp_path: Path) -> None:
    export, tree, secret = (tmp_path / name for name in ("export.json", "tree.json", "alice.secret"))
    write_export(export, None)
    secret.write_text(f"sr25519:0x{ALICE.secret.hex()}")
    run(forced, 0, "tree", str(export), "--out", str(tree))
    run(forced, 0, "launch", "--l1", forced.l1.url, "--l2", forced.l2.url, "--tree", str(tree), "--valid-for", "86400")
    launched = forced.l2.block_number()
    until(lambda: heads(forced.follower)["safe_l2"]["number"] >= launched)
    until(lambda: forced.follower.request("migration_status")["root"] == forced.l2.request("migration_status")["root"])

    with forced.stop_sequencer():
        words = ("--l2", forced.follower.url, "--tree", str(tree), "--receiver", RECEIVER, "--secret", str(secret))
        claimed = run(forced, 4, "claim", *words, "--force-through-l1", forced.l1.url)
        receipts = [
            until(lambda node=node: node.request("eth_getTransactionReceipt", claimed["transactionHash"]))
            for node in (forced.l2, forced.follower)
        ]
        assert receipts[0] == receipts[1]
        assert (receipts[0]["type"], receipts[0]["status"]) == ("0x7e", "0x1")

    follower = Web3(Web3.HTTPProvider(forced.follower.url))
    token = contract_at(follower, "L2PHAToken", forced.follower.contracts["PHAToken"])
    assert token.functions.balanceOf(RECEIVER).call() == int(claimed["amount"]) == 10 * 10**18
    assert_both_have_one_chain(forced, until)


def test_a_sequencer_whose_blocks_nobody_posts_is_overruled_and_keeps_its_pool(tmp_path: Path, until: Until) -> None:
    log, chain_dir = tmp_path / "log", tmp_path / "chain"
    with (
        DevnetProcess.start(*OPTIONS, "--no-batcher", "--data-dir", str(chain_dir), log=log) as devnet,
        running_node(command(devnet, chain_dir, tmp_path / "node")) as (_, outsider),
    ):
        with l1_blocks_on_demand(devnet):
            receipt, receiver = transfer(devnet), deposit(devnet, 9)
            origin = devnet.l1.block_number()
            until(lambda: balance(devnet.l2, receiver) == 9)
            assert balance(devnet.follower, receiver) == 0

        end_window(devnet, until, origin)
        until(lambda: heads(outsider)["current_l1"]["number"] >= origin + WINDOW)

        assert balance(devnet.follower, receiver) == balance(outsider, receiver) == 9
        number, sender = receipt["blockNumber"], receipt["from"]
        assert block_hash(devnet.l2, number) == block_hash(devnet.follower, number) == block_hash(outsider, number)
        assert block_hash(devnet.l2, number) != receipt["blockHash"].to_0x_hex()
        assert devnet.follower.request("eth_getTransactionCount", sender, "latest") == "0x0"
        # It was not posted, so it comes again in a later block.
        until(lambda: devnet.l2.request("eth_getTransactionCount", sender, "latest") == "0x1")
    assert "unsafe block" in log.read_text()
