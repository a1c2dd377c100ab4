"""L1 is checked, not trusted: a follower behind an endpoint that fails and lies is never on a wrong block."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from chain_actions import contract_at, send
from hostile_l1 import FAULTS, HostileL1, hostile_l1
from node_process import running as running_node
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint

Until = Callable[[Callable[[], Any]], Any]

RECEIVER = Web3.to_checksum_address("0x" + "0f" * 20)
HOSTILE_SECONDS = 5.0
MORE_HOSTILE_SECONDS = 40.0
MOST_MORE = 60.0
MOST_BLOCKS_A_CALL = 3_600
HEADS = ("unsafe_l2", "safe_l2", "finalized_l2")


@pytest.fixture(scope="module")
def chain_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def honest(chain_dir: Path) -> Iterator[DevnetProcess]:
    """A devnet whose L1 tells the truth, with blobs."""
    options = ("--l1-chain-id", "4242", "--l1-block-time", "1", "--data-availability", "blobs", "--no-proposer")
    with DevnetProcess.start("--data-dir", str(chain_dir), *options) as running:
        yield running


@contextmanager
def follower_behind(proxy: HostileL1, chain_dir: Path, data_dir: Path) -> Iterator[tuple[Any, Endpoint]]:
    """A follower in a process of its own that reads L1 through the proxy."""
    files = ("--rollup-config", str(chain_dir / "rollup.json"), "--genesis", str(chain_dir / "genesis.json"))
    command = (sys.executable, "-m", "phal2", "node", "--l1", proxy.url, *files)
    with running_node((*command, "--data-dir", str(data_dir), "--port", "0", "--json")) as found:
        yield found


def act(devnet: DevnetProcess, number: int) -> None:
    """A transfer on L2, and a deposit from L1."""
    web3, l1 = Web3(Web3.HTTPProvider(devnet.l2.url)), Web3(Web3.HTTPProvider(devnet.l1.url))
    # Deposits count as their sender's transactions on L2, so these are of two accounts.
    payer, depositor = (web3.eth.account.from_key(devnet.accounts[one]["privateKey"]) for one in (number, number + 4))
    send(web3, payer, to=RECEIVER, value=1, gas=21_000)
    portal = contract_at(l1, "OptimismPortal", devnet.l1.contracts["OptimismPortal"])
    data = portal.functions.depositTransaction(RECEIVER, 1, 100_000, False, b"")._encode_transaction_data()
    send(l1, depositor, to=portal.address, value=1, data=data)


def block_hash(node: Endpoint, number: int) -> Any:
    block = node.request("eth_getBlockByNumber", hex(number), False)
    return block and block["hash"]


def heads(node: Endpoint) -> dict[str, Any]:
    status = node.request("optimism_syncStatus")
    return {name: status[name] for name in HEADS}


def assert_right(devnet: DevnetProcess, node: Endpoint, first: int = 1) -> int:
    """All heads and the newest blocks of the node are the sequencer's; return the node's head."""
    found = heads(node)
    for name in HEADS:
        assert found[name]["hash"] == block_hash(devnet.l2, found[name]["number"]), name
    head = int(found["unsafe_l2"]["number"])
    for number in range(max(first, head - 5), head + 1):
        assert block_hash(node, number) in (None, block_hash(devnet.l2, number)), f"block {number}"
    return head


def catch_up(node: Endpoint, head: int) -> None:
    """Wait until a node has derived the block `head`: with --all the chain has become long."""
    deadline = time.monotonic() + 240
    while heads(node)["safe_l2"]["number"] < head:
        assert time.monotonic() < deadline, f"the follower is at {heads(node)}, expected block {head} to be safe"
        time.sleep(0.1)


def failing_seconds(node: Endpoint) -> float:
    with urlopen(node.url + "/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    return max(float(line.rpartition(" ")[2]) for line in lines if line.startswith("phal2_failing_seconds{"))


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_follower_ends_at_the_right_hashes_and_is_never_on_a_wrong_block(
    honest: DevnetProcess,
    devnet: DevnetProcess,
    chain_dir: Path,
    tmp_path: Path,
    until: Until,
    seed: int,
    run_all: bool,
) -> None:
    if seed > 1 and not run_all:
        pytest.skip("one seed does, unless --all is given")
    with (
        hostile_l1(honest.l1.url, devnet.l1.url, seed) as proxy,
        follower_behind(proxy, chain_dir, tmp_path / "node") as (process, node),
    ):
        proxy.share = 0.35
        end, finalized = time.monotonic() + (MORE_HOSTILE_SECONDS if run_all else HOSTILE_SECONDS), 0
        # A machine that is busy with something else asks for less in the same time.
        while time.monotonic() < end or (len(proxy.done) <= len(FAULTS) // 2 and time.monotonic() < end + MOST_MORE):
            act(honest, seed)
            assert_right(honest, node)
            now_final = heads(node)["finalized_l2"]["number"]
            assert now_final >= finalized
            finalized = now_final
            assert process.poll() is None
        proxy.share = 0.0

        head = honest.l2.block_number()
        catch_up(node, head)
        assert [block_hash(node, number) for number in range(head + 1)] == [
            block_hash(honest.l2, number) for number in range(head + 1)
        ]
        assert node.request("eth_getBalance", RECEIVER, hex(head)) == honest.l2.request(
            "eth_getBalance", RECEIVER, hex(head)
        )
        assert process.poll() is None
        assert len(proxy.done) > len(FAULTS) // 2
        until(lambda: failing_seconds(node) == 0)


@pytest.mark.parametrize("fault", ["hung up", "another chain", "stale", "cut short", "too many requests"])
def test_a_follower_stays_where_it_is_while_nothing_else_comes(
    honest: DevnetProcess,
    devnet: DevnetProcess,
    chain_dir: Path,
    tmp_path: Path,
    until: Until,
    fault: str,
    run_all: bool,
) -> None:
    if fault not in ("hung up", "another chain") and not run_all:
        pytest.skip("two faults do, unless --all is given")
    with (
        hostile_l1(honest.l1.url, devnet.l1.url, 3) as proxy,
        follower_behind(proxy, chain_dir, tmp_path / "node") as (process, node),
    ):
        until(lambda: heads(node)["finalized_l2"]["number"] > 0)
        if fault == "another chain":
            # It is ahead, so that there is something to believe.
            while (missing := honest.l1.block_number() + 20 - devnet.l1.block_number()) > 0:
                devnet.l1.mine(min(missing, MOST_BLOCKS_A_CALL))

        proxy.faults, proxy.share = (fault,), 1.0
        before = heads(node)
        until(lambda: proxy.done.get(fault, 0) > 8)

        after = heads(node)
        assert assert_right(honest, node) >= before["unsafe_l2"]["number"]
        assert all(after[name]["number"] >= before[name]["number"] for name in HEADS)
        if fault not in ("stale", "another chain"):
            assert failing_seconds(node) > 0
        proxy.share = 0.0
        head = honest.l2.block_number()
        catch_up(node, head)
        assert_right(honest, node)
        assert process.poll() is None
