"""Snapshots of a whole devnet, reorganisations of L1, and a sequencer that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import l1_blocks_on_demand

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused, UnknownSnapshot

Until = Callable[[Callable[[], Any]], Any]

RECEIVER = "0x" + "e0" * 20


@pytest.fixture(scope="module")
def running() -> Iterator[DevnetProcess]:
    """A devnet of this file's own, as its time goes back."""
    with DevnetProcess.start() as devnet:
        yield devnet


def send(endpoint: Endpoint, account: int, value: int = 1) -> str:
    sender = endpoint.request("eth_accounts")[account]
    transaction = {"from": sender, "to": RECEIVER, "value": hex(value)}
    return str(endpoint.request("eth_sendTransaction", transaction))


def block_at(endpoint: Endpoint, number: int) -> Any:
    return endpoint.request("eth_getBlockByNumber", hex(number), False)


def head_time(endpoint: Endpoint) -> int:
    return int(endpoint.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def balance(endpoint: Endpoint) -> int:
    return int(endpoint.request("eth_getBalance", RECEIVER, "latest"), 16)


def assert_follows(devnet: DevnetProcess, until: Until) -> None:
    """The follower reaches a block that the sequencer has now, and has the same one."""
    number = devnet.l2.block_number()
    until(lambda: devnet.follower.block_number() >= number)
    assert block_at(devnet.follower, number)["hash"] == block_at(devnet.l2, number)["hash"]


def assert_rests_on_l1(devnet: DevnetProcess, until: Until) -> None:
    """Both nodes come to rest on the chain that L1 has now, each in its own time, and then have one chain."""

    def rests(node: Endpoint) -> bool:
        origin = node.request("optimism_syncStatus")["unsafe_l2"]["l1origin"]
        block = block_at(devnet.l1, origin["number"])
        return block is not None and bool(block["hash"] == origin["hash"])

    for node in (devnet.l2, devnet.follower):
        until(lambda node=node: rests(node))
    assert_follows(devnet, until)


def snapshot_of_known_heads(devnet: DevnetProcess) -> tuple[str, list[tuple[Endpoint, int]]]:
    """Take a snapshot between two blocks; return it, and the heads of L1 and L2 in it."""
    while True:
        before = [(each, each.block_number()) for each in (devnet.l1, devnet.l2)]
        snapshot = devnet.snapshot()
        if all(each.block_number() == number for each, number in before):
            return snapshot, before


def test_l1_l2_follower_and_time_go_back_together(running: DevnetProcess, until: Until) -> None:
    waiting = send(running.l1, 3)
    snapshot, heads = snapshot_of_known_heads(running)
    blocks = [block_at(each, number)["hash"] for each, number in heads]
    before, time = balance(running.l2), head_time(running.l2)
    sent = send(running.l2, 4)
    running.advance_time(300)
    until(lambda: running.follower.block_number() > heads[1][1] + 100)
    assert balance(running.l2) == before + 1

    running.revert(snapshot)

    assert balance(running.l2) == before
    assert running.l2.request("eth_getTransactionByHash", sent) is None
    assert [block_at(each, number)["hash"] for each, number in heads] == blocks
    assert head_time(running.l2) <= time + 150
    assert running.follower.block_number() <= running.l2.block_number()
    until(lambda: running.l1.request("eth_getTransactionReceipt", waiting))
    assert_follows(running, until)


def test_a_snapshot_can_be_taken_and_returned_to_again_and_again(running: DevnetProcess, until: Until) -> None:
    for round_ in range(5):
        snapshot, before = running.snapshot(), balance(running.l2)
        sent = send(running.l2, 5, value=round_ + 1)
        running.mine(2)
        until(lambda sent=sent: running.l2.request("eth_getTransactionReceipt", sent))
        assert balance(running.l2) == before + round_ + 1
        running.revert(snapshot)
        assert balance(running.l2) == before
    send(running.l2, 5)
    running.mine()
    assert_follows(running, until)


def test_a_snapshot_is_used_up(running: DevnetProcess) -> None:
    first, second = running.snapshot(), running.snapshot()
    running.revert(first)

    for snapshot in (first, second, "0xffff"):
        with pytest.raises(UnknownSnapshot, match="take a new one"):
            running.revert(snapshot)


def test_l2_follows_where_l1_alone_goes_back(running: DevnetProcess, until: Until) -> None:
    running.l1.mine()
    snapshot = running.l1.snapshot()
    running.l1.mine(3)
    number = running.l1.block_number()
    dropped = block_at(running.l1, number)["hash"]
    until(lambda: running.l2.request("optimism_syncStatus")["current_l1"]["number"] >= number)

    running.l1.revert(snapshot)

    found = block_at(running.l1, number)
    assert found is None or found["hash"] != dropped
    assert_rests_on_l1(running, until)


def test_l2_follows_a_reorganisation_of_l1(running: DevnetProcess, until: Until) -> None:
    with l1_blocks_on_demand(running):
        running.l1.mine(4)
        number = running.l1.block_number()
        before = block_at(running.l1, number - 2)["hash"]

        running.reorg_l1(4)

        assert running.l1.block_number() == number + 1
        assert block_at(running.l1, number - 2)["hash"] != before
    assert_rests_on_l1(running, until)


def test_the_l1_block_that_l2_begins_on_stays(running: DevnetProcess) -> None:
    with pytest.raises(RequestRefused, match="L2 begins on the block below"):
        running.reorg_l1(running.l1.block_number())


def test_the_sequencer_can_stand_still(running: DevnetProcess, until: Until) -> None:
    with running.stop_sequencer():
        # A block that was being built at that moment is there before this one.
        running.mine()
        number, l1_number = running.l2.block_number(), running.l1.block_number()
        until(lambda: running.l1.block_number() >= l1_number + 2)
        assert running.l2.block_number() == number
        running.mine(2)
        assert running.l2.block_number() == number + 2

    until(lambda: running.l2.block_number() > number + 2)


def test_a_reset_returns_to_when_the_devnet_was_up(running: DevnetProcess, until: Until) -> None:
    genesis = block_at(running.l2, 0)["hash"]
    running.advance_time(600)

    assert running.l2.request("hardhat_reset") is True

    assert running.l2.block_number() < 300
    assert block_at(running.l2, 0)["hash"] == genesis
    send(running.l2, 6)
    running.mine()
    assert_follows(running, until)


def test_what_was_reverted_stays_so_after_a_kill(tmp_path: Path, until: Until) -> None:
    devnet = DevnetProcess.start("--data-dir", str(tmp_path))
    try:
        snapshot, before = devnet.snapshot(), balance(devnet.l1)
        devnet.l1.request("anvil_setBalance", RECEIVER, hex(before + 5))
        send(devnet.l2, 1)
        devnet.advance_time(60)
        devnet.revert(snapshot)
        devnet.l1.request("anvil_setBalance", RECEIVER, hex(before + 7))
    finally:
        devnet.kill()

    with DevnetProcess.start("--data-dir", str(tmp_path)) as again:
        assert (balance(again.l1), balance(again.l2)) == (before + 7, 0)
        again.l1.mine()
        assert balance(again.l1) == before + 7
        assert_follows(again, until)


def test_without_development_methods_there_are_none() -> None:
    with DevnetProcess.start("--no-dev") as devnet:
        for endpoint in (devnet.l1, devnet.l2, devnet.follower):
            for method in ("evm_mine", "evm_snapshot", "anvil_setBalance", "hardhat_reset", "anvil_nodeInfo"):
                with pytest.raises(RequestRefused) as refused:
                    endpoint.request(method)
                assert refused.value.code == -32601
        assert len(devnet.l2.request("eth_accounts")) == 10
