"""`--state-retention`: old state is gone and says so, all else is there, and the chain goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import l1_blocks_on_demand, send
from chain_consistency import assert_consistent
from eth_account import Account
from node_process import command, running
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused
from phal2.node.protocol.predeploys import L1_BLOCK

RETENTION = 128
RECIPIENT = "0x" + "12" * 20
OPTIONS = ("--state-retention", str(RETENTION))

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pruned")


@pytest.fixture(scope="module")
def pruned_devnet(data_dir: Path, until: Until) -> Iterator[DevnetProcess]:
    """A devnet that has outgrown its retention by 100 blocks, all of them final, and was started again."""
    with DevnetProcess.start("--data-dir", str(data_dir), *OPTIONS) as devnet:
        transfer(devnet)
        grow(devnet, RETENTION + 100, until)
    with DevnetProcess.start("--data-dir", str(data_dir), *OPTIONS) as devnet:
        yield devnet


def transfer(devnet: DevnetProcess) -> Any:
    web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
    return send(web3, Account.from_key(devnet.accounts[0]["privateKey"]), to=RECIPIENT, value=1)


def grow(devnet: DevnetProcess, blocks: int, until: Until) -> None:
    """Build blocks, and have all of them become final and the blocks after them prune what they may."""
    devnet.l2.advance_time(blocks)
    head = devnet.l2.block_number()
    until(lambda: devnet.l2.request("optimism_syncStatus")["safe_l2"]["number"] >= head)
    for _ in range(5):
        devnet.l1.mine()
    for node in (devnet.l2, devnet.follower):
        until(lambda node=node: node.request("optimism_syncStatus")["finalized_l2"]["number"] >= head)
    for _ in range(3):
        devnet.l2.mine()
    head = devnet.l2.block_number()
    until(lambda: devnet.follower.block_number() >= head)


def questions(block: int) -> list[tuple[str, list[object]]]:
    """One question of each kind about the state after a block."""
    number, call = hex(block), {"from": RECIPIENT, "to": f"0x{L1_BLOCK.hex()}", "data": "0x8381f58a"}
    return [
        ("eth_getBalance", [RECIPIENT, number]),
        ("eth_getTransactionCount", [RECIPIENT, number]),
        ("eth_getCode", [call["to"], number]),
        ("eth_getStorageAt", [call["to"], "0x0", number]),
        ("eth_getProof", [RECIPIENT, ["0x0"], number]),
        ("eth_call", [call, number]),
        ("eth_estimateGas", [call, number]),
        ("eth_createAccessList", [call, number]),
        ("attestation_getPolicy", [number]),
    ]


def refusals(node: Endpoint, block: int) -> list[tuple[int, str]]:
    """The errors that the questions about a block's state are answered with."""
    found = []
    for method, parameters in questions(block):
        with pytest.raises(RequestRefused) as refused:
            node.request(method, *parameters)
        found.append((refused.value.code, refused.value.message))
    return found


@pytest.mark.parametrize("name", ["l2", "follower"])
def test_a_question_about_pruned_state_is_answered_with_what_is_kept(pruned_devnet: DevnetProcess, name: str) -> None:
    node: Endpoint = getattr(pruned_devnet, name)
    found = refusals(node, 2)

    # The chain goes on meanwhile, so later questions may be told of a later block.
    oldest_of_each = [int(message.split(" is the oldest")[0].split()[-1]) for _, message in found]
    oldest = oldest_of_each[0]
    assert found == [
        (
            -32000,
            f"the state of block 2 is pruned: that of the last {RETENTION} blocks is kept, and block {number} is the "
            "oldest that has one; ask for a newer block, or a node that runs with --state-retention all",
        )
        for number in oldest_of_each
    ]
    assert 50 < oldest <= node.block_number() - RETENTION + 1
    refusals(node, 0)
    refusals(node, oldest - 1)
    # The oldest state may be pruned while these are asked, those of the newest blocks are not.
    with pruned_devnet.stop_sequencer():
        for method, parameters in questions(node.block_number() - RETENTION + 30):
            assert node.request(method, *parameters) is not None


def test_state_within_the_retention_is_there(pruned_devnet: DevnetProcess) -> None:
    l2 = pruned_devnet.l2
    with pruned_devnet.stop_sequencer():
        head = l2.block_number()
        for block in range(head - RETENTION + 30, head, 10):
            for method, parameters in questions(block):
                assert l2.request(method, *parameters) is not None
            assert int(l2.request("eth_getBalance", RECIPIENT, hex(block)), 16) >= 1
    assert_consistent(l2, head - 5, head, {L1_BLOCK: range(3), bytes.fromhex(RECIPIENT[2:]): ()})


def test_blocks_receipts_transactions_and_outputs_are_there_as_far_back_as_the_genesis(
    pruned_devnet: DevnetProcess,
) -> None:
    l2 = pruned_devnet.l2
    assert (
        l2.request("optimism_outputAtBlock", "0x2")["outputRoot"]
        == (pruned_devnet.follower.request("optimism_outputAtBlock", "0x2")["outputRoot"])
    )
    assert_consistent(l2, 0, 5, {})
    (transfer_hash,) = [
        name
        for number in range(50)
        for name in l2.request("eth_getBlockByNumber", hex(number), False)["transactions"][1:]
    ]
    assert l2.request("eth_getTransactionReceipt", transfer_hash)["status"] == "0x1"
    assert l2.request("eth_getTransactionByHash", transfer_hash)["to"] == RECIPIENT


def test_the_l1_prunes_too(pruned_devnet: DevnetProcess) -> None:
    l1 = pruned_devnet.l1
    for _ in range(max(0, RETENTION + 10 - l1.block_number())):
        l1.mine()
    with pytest.raises(RequestRefused, match="the state of block 1 is pruned"):
        l1.request("eth_getBalance", RECIPIENT, "0x1")
    with l1_blocks_on_demand(pruned_devnet):
        assert l1.request("eth_getBalance", RECIPIENT, hex(l1.block_number() - RETENTION + 1)) == "0x0"


def test_a_node_may_keep_less_than_before_and_more_again(
    pruned_devnet: DevnetProcess, data_dir: Path, tmp_path: Path, until: Until
) -> None:
    head = pruned_devnet.l2.block_number()
    with running(command(pruned_devnet, data_dir, tmp_path)) as (process, node):
        until(lambda: node.block_number() >= head)
        assert node.request("eth_getBalance", RECIPIENT, "0x0") == "0x0"
        # Nothing that is not final is pruned.
        until(lambda: node.request("optimism_syncStatus")["finalized_l2"]["number"] > 0)
        process.terminate()
        assert process.wait(20) == 0

    grow(pruned_devnet, 5, until)
    head = pruned_devnet.l2.block_number()
    with running(command(pruned_devnet, data_dir, tmp_path, *OPTIONS)) as (process, node):
        until(lambda: node.block_number() >= head)
        refusals(node, 0)
        process.terminate()
        assert process.wait(20) == 0

    with running(command(pruned_devnet, data_dir, tmp_path)) as (process, node):
        (_, message), *_ = refusals(node, 0)
        assert message.startswith("the state of block 0 is pruned: an earlier run kept less, and block ")


def test_a_pruned_devnet_goes_on(pruned_devnet: DevnetProcess, until: Until) -> None:
    receipt = transfer(pruned_devnet)

    number = receipt["blockNumber"]
    until(lambda: pruned_devnet.follower.block_number() >= number)
    for node in (pruned_devnet.l2, pruned_devnet.follower):
        assert_consistent(node, number - 5, number, {L1_BLOCK: range(3), bytes.fromhex(RECIPIENT[2:]): ()})
