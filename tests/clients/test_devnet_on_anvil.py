"""A devnet on Foundry's anvil as its L1: L2, time, snapshots and reorganisations as on the embedded L1."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from node_packages import ClientsMissing, anvil_program

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused, UnknownSnapshot

RECEIVER = "0x" + "e0" * 20
SECONDS = 180


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return anvil_program()
    except ClientsMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def running(program: Path) -> Iterator[DevnetProcess]:
    with DevnetProcess.start("--l1", "anvil", "--anvil", str(program), "--l1-block-time", "1") as devnet:
        yield devnet


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"the condition did not become true within {SECONDS} s"
        time.sleep(0.05)
    return answer


def block_at(endpoint: Endpoint, number: int) -> Any:
    return endpoint.request("eth_getBlockByNumber", hex(number), False)


def head_time(endpoint: Endpoint) -> int:
    return int(endpoint.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def balance(endpoint: Endpoint) -> int:
    return int(endpoint.request("eth_getBalance", RECEIVER, "latest"), 16)


def send(endpoint: Endpoint, value: int = 1) -> str:
    sender = endpoint.request("eth_accounts")[2]
    return str(endpoint.request("eth_sendTransaction", {"from": sender, "to": RECEIVER, "value": hex(value)}))


@contextmanager
def blocks_on_demand(anvil: Endpoint) -> Iterator[None]:
    """Have anvil seal no block by itself meanwhile, so that a depth means what it says however long things take."""
    anvil.request("evm_setIntervalMining", 0)
    # A block that was being sealed at that moment is there before this one.
    anvil.mine()
    try:
        yield
    finally:
        anvil.request("evm_setIntervalMining", 1)


def assert_follows(devnet: DevnetProcess) -> None:
    """The follower comes to have the sequencer's block at the height that the sequencer has now.

    Where L1 has gone back, each of them learns of it in its own time.
    """
    number = devnet.l2.block_number()

    def have_the_same() -> bool:
        own, derived = block_at(devnet.l2, number), block_at(devnet.follower, number)
        return own is not None and derived is not None and bool(own["hash"] == derived["hash"])

    until(have_the_same)


def snapshot_of_known_heads(devnet: DevnetProcess) -> tuple[str, list[tuple[Endpoint, int]]]:
    """Take a snapshot between two blocks; return it, and the heads of L1 and L2 in it."""
    while True:
        before = [(each, each.block_number()) for each in (devnet.l1, devnet.l2)]
        snapshot = devnet.snapshot()
        if all(each.block_number() == number for each, number in before):
            return snapshot, before


def is_included(endpoint: Endpoint, sent: str) -> bool:
    """Whether a transaction has succeeded in a block."""
    receipt = endpoint.request("eth_getTransactionReceipt", sent)
    return receipt is not None and bool(receipt["status"] == "0x1")


def deposit(devnet: DevnetProcess, value: int) -> str:
    """Send ETH to the portal, which is a deposit for the sender; return the sender."""
    sender = str(devnet.l1.request("eth_accounts")[5])
    portal = devnet.l1.contracts["OptimismPortal"]
    # An estimate may not do: what the portal burns rises as L1's base fee falls.
    devnet.l1.request("eth_sendTransaction", {"from": sender, "to": portal, "value": hex(value), "gas": hex(300_000)})
    devnet.l1.mine()
    return sender


def test_l1_is_anvil_with_the_devnets_accounts_and_its_safe_and_finalized_blocks(running: DevnetProcess) -> None:
    assert running.l1.request("web3_clientVersion").startswith("anvil/")
    assert running.l1.request("eth_chainId") == hex(31337)
    for account in running.accounts:
        assert int(running.l1.request("eth_getBalance", account["address"], "earliest"), 16) == 10_000 * 10**18
    with blocks_on_demand(running.l1):
        running.l1.mine(5)
        head = running.l1.block_number()
        tags = ("safe", "finalized")
        heads = [int(running.l1.request("eth_getBlockByNumber", tag, False)["number"], 16) for tag in tags]
    assert [head - each for each in heads] == [2, 4]


def test_a_deposit_arrives_and_the_follower_agrees(running: DevnetProcess) -> None:
    sender = str(running.l1.request("eth_accounts")[5])
    before = int(running.l2.request("eth_getBalance", sender, "latest"), 16)

    deposit(running, 7)

    until(lambda: int(running.l2.request("eth_getBalance", sender, "latest"), 16) == before + 7)
    assert_follows(running)
    status = until(lambda: (found := running.l2.request("optimism_syncStatus"))["finalized_l2"]["number"] and found)
    assert status["safe_l2"]["number"] >= status["finalized_l2"]["number"] > 0


def test_l1_goes_along_with_l2s_time(running: DevnetProcess) -> None:
    on_l2, on_l1 = head_time(running.l2), head_time(running.l1)

    running.advance_time(2_000)

    assert head_time(running.l2) >= on_l2 + 1_998
    until(lambda: head_time(running.l1) >= on_l1 + 1_998)
    assert_follows(running)


def test_l2_goes_along_with_anvils_time(running: DevnetProcess) -> None:
    before = head_time(running.l2)

    running.l1.advance_time(500)

    until(lambda: head_time(running.l2) >= before + 498)
    assert_follows(running)


def test_l1_l2_follower_and_time_go_back_together(running: DevnetProcess) -> None:
    snapshot, heads = snapshot_of_known_heads(running)
    blocks = [block_at(each, number)["hash"] for each, number in heads]
    before, present = balance(running.l2), head_time(running.l2)
    sent = send(running.l2)
    running.advance_time(300)
    until(lambda: running.follower.block_number() > heads[1][1] + 100)

    running.revert(snapshot)

    assert balance(running.l2) == before
    assert running.l2.request("eth_getTransactionByHash", sent) is None
    assert [block_at(each, number)["hash"] for each, number in heads] == blocks
    assert head_time(running.l2) <= present + 150
    with pytest.raises(UnknownSnapshot):
        running.revert(snapshot)
    send(running.l2)
    running.mine()
    assert_follows(running)


def test_snapshots_are_taken_and_returned_to_again_and_again(running: DevnetProcess) -> None:
    for round_ in range(3):
        snapshot, before = running.snapshot(), balance(running.l2)
        sent = send(running.l2, round_ + 1)
        running.mine(2)
        until(lambda sent=sent: is_included(running.l2, sent))
        assert balance(running.l2) == before + round_ + 1
        running.revert(snapshot)
        assert balance(running.l2) == before
    assert_follows(running)


def test_a_snapshot_that_anvil_has_lost_is_refused_with_nothing_changed(running: DevnetProcess) -> None:
    below = running.l1.snapshot()
    snapshot = running.snapshot()
    running.l1.revert(below)

    with pytest.raises(RequestRefused, match="anvil no longer has the snapshot"):
        running.revert(snapshot)

    running.mine()
    assert_follows(running)


def test_l2_follows_a_reorganisation_and_what_was_deposited_on_the_dropped_branch_is_gone(
    running: DevnetProcess,
) -> None:
    running.l1.mine(3)
    sender = str(running.l1.request("eth_accounts")[5])
    before = int(running.l2.request("eth_getBalance", sender, "latest"), 16)
    with blocks_on_demand(running.l1):
        first = running.l1.block_number()
        deposit(running, 11)
        until(lambda: int(running.l2.request("eth_getBalance", sender, "latest"), 16) == before + 11)
        dropped = block_at(running.l1, first + 1)["hash"]

        running.reorg_l1(running.l1.block_number() - first)

        assert block_at(running.l1, first + 1)["hash"] != dropped
    until(lambda: int(running.l2.request("eth_getBalance", sender, "latest"), 16) == before)
    assert_follows(running)


def test_reorganisations_of_any_depth_leave_one_chain(running: DevnetProcess) -> None:
    chance, sent = random.Random(4844), []
    for _ in range(5):
        sent.append(send(running.l2, chance.randrange(1, 1_000)))
        running.l1.mine(chance.randrange(1, 4))
        running.reorg_l1(chance.randrange(1, 8))
        running.mine(chance.randrange(1, 3))

    assert_follows(running)
    until(lambda: all(is_included(running.l2, each) for each in sent))
    number = running.l2.block_number()
    # What the batcher had posted on branches that are gone is posted again.
    until(lambda: running.l2.request("optimism_syncStatus")["safe_l2"]["number"] >= number)


def test_the_chain_is_kept_and_goes_on_at_the_present_time(program: Path, tmp_path: Path) -> None:
    options = ("--l1", "anvil", "--anvil", str(program), "--data-dir", str(tmp_path))
    with DevnetProcess.start(*options) as devnet:
        sender = deposit(devnet, 5)
        until(lambda: int(devnet.l2.request("eth_getBalance", sender, "latest"), 16) == 10_000 * 10**18 + 5)
        number = devnet.l2.block_number()
        until(lambda: devnet.l2.request("optimism_syncStatus")["safe_l2"]["number"] >= number)
        start = block_at(devnet.l1, 1)["hash"]
        safe = devnet.l2.request("optimism_syncStatus")["safe_l2"]

    with DevnetProcess.start(*options) as again:
        assert block_at(again.l1, 1)["hash"] == start
        assert block_at(again.l2, safe["number"])["hash"] == safe["hash"]
        assert int(again.l2.request("eth_getBalance", sender, "latest"), 16) == 10_000 * 10**18 + 5
        until(lambda: abs(head_time(again.l1) - time.time()) < 10)
        send(again.l2)
        again.mine()
        assert_follows(again)


def anvil_of(devnet: DevnetProcess) -> int:
    """The process id of the devnet's anvil."""
    children = Path(f"/proc/{devnet.process.pid}/task/{devnet.process.pid}/children").read_text().split()
    (pid,) = [int(child) for child in children if program_of(child) == "anvil"]
    return pid


def program_of(pid: str) -> str:
    """The name of the program that a process runs, empty where the process is gone."""
    try:
        return Path(Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]).name
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", [DevnetProcess.stop, DevnetProcess.kill])
def test_anvil_ends_with_the_devnet(program: Path, end: Callable[[DevnetProcess], Any]) -> None:
    devnet = DevnetProcess.start("--l1", "anvil", "--anvil", str(program))
    pid = anvil_of(devnet)
    assert is_running(pid)

    end(devnet)

    until(lambda: not is_running(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_devnet_ends_with_anvil_and_says_why(program: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    devnet = DevnetProcess.start("--l1", "anvil", "--anvil", str(program), log=log)

    os.kill(anvil_of(devnet), signal.SIGKILL)

    assert devnet.process.wait(SECONDS) == 1
    devnet.stop()
    assert "a part of the devnet has ended, anvil: anvil has ended with code -9" in log.read_text()


def run_devnet(*options: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "phal2", "devnet", "--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
    environment = os.environ | {"PATH": path}
    return subprocess.run((*command, *options), capture_output=True, text=True, timeout=SECONDS, env=environment)


def test_without_anvil_it_says_how_to_get_it() -> None:
    done = run_devnet("--l1", "anvil")

    assert done.returncode == 1
    assert "anvil is not on the PATH" in done.stderr
    assert "npm install @foundry-rs/anvil" in done.stderr


def test_a_program_that_is_no_anvil_is_refused_with_what_it_said(tmp_path: Path) -> None:
    script = tmp_path / "anvil"
    script.write_text("#!/bin/sh\necho 'I am something else'\nexit 3\n")
    script.chmod(0o755)

    done = run_devnet("--l1", "anvil", "--anvil", str(script), path=os.environ["PATH"])

    assert done.returncode == 1
    assert "anvil has ended with code 3; it said: I am something else" in done.stderr


def test_the_follower_derives_from_blobs_that_anvil_serves(program: Path) -> None:
    options = ("--l1-block-time", "1", "--data-availability", "blobs", "--no-proposer")
    with DevnetProcess.start("--l1", "anvil", "--anvil", str(program), *options) as devnet:
        number = devnet.l2.block_number() + 3
        until(lambda: devnet.follower.block_number() >= number)
        assert block_at(devnet.follower, number)["hash"] == block_at(devnet.l2, number)["hash"]
        blocks = [devnet.l1.request("eth_getBlockByNumber", hex(n), True) for n in range(devnet.l1.block_number() + 1)]
        assert any(transaction["type"] == "0x3" for block in blocks for transaction in block["transactions"])
