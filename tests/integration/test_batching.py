"""Batches on L1, in blobs and in call data: followers reach the same chain, whatever becomes of L1 or the batcher."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attested_actions import Attester
from chain_actions import send
from inbox_contents import InboxContents, inbox_contents
from web3 import Web3

from phal2.devnet.process import DevnetProcess

Until = Callable[[Callable[[], Any]], Any]

RECEIVER = Web3.to_checksum_address("0x" + "0b" * 20)
QUICK_L1 = ("--l1-block-time", "1")


def safe_number(devnet: DevnetProcess) -> int:
    return int(devnet.l2.request("optimism_syncStatus")["safe_l2"]["number"])


def await_follower(devnet: DevnetProcess, until: Until) -> int:
    """Wait until the follower has what the sequencer has now, and compare all blocks; return the head's number."""
    head = devnet.l2.block_number()
    until(lambda: devnet.follower.block_number() >= head)
    for number in range(head + 1):
        ours, theirs = (
            node.request("eth_getBlockByNumber", hex(number), False)["hash"] for node in (devnet.l2, devnet.follower)
        )
        assert ours == theirs, f"block {number}"
    return head


def await_one_chain(devnet: DevnetProcess, until: Until) -> None:
    """Wait until both nodes have the same blocks up to the sequencer's head: each follows L1 in its own time."""
    head = devnet.l2.block_number()

    def have_the_same() -> bool:
        for number in range(head, -1, -1):
            ours, theirs = (
                node.request("eth_getBlockByNumber", hex(number), False) for node in (devnet.l2, devnet.follower)
            )
            if ours is None or theirs is None or ours["hash"] != theirs["hash"]:
                return False
        return True

    until(have_the_same)


def load(devnet: DevnetProcess, transfers: int = 3) -> None:
    """Send transfers and an attested call."""
    attester = Attester.of(devnet, 1)
    for value in range(transfers):
        send(attester.web3, attester.account, to=RECEIVER, value=value)
    call = attester.call()
    assert attester.send(call, attester.account_signed(call))["status"] == 1


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevnetProcess]:
    """A devnet that posts blobs; each test leaves it running."""
    log = tmp_path_factory.mktemp("blobs") / "log"
    with DevnetProcess.start("--data-availability", "blobs", "--verbose", *QUICK_L1, log=log) as running:
        yield running


def assert_each_block_once(contents: InboxContents, safe: int) -> None:
    assert contents.numbers[:safe] == list(range(1, safe + 1))


def test_a_follower_has_the_chain_from_blobs_alone(blobs: DevnetProcess, until: Until) -> None:
    load(blobs)
    head = await_follower(blobs, until)

    contents = inbox_contents(blobs)
    assert set(contents.transaction_types) == {3}
    assert_each_block_once(contents, head)
    attested = [block for block in contents.blocks if any(raw[0] == 0x54 for raw in block.transactions)]
    assert [block.in_span for block in attested] == [False]
    assert all(block.in_span for block in contents.blocks if block not in attested)


def test_batches_of_a_reorganised_l1_are_posted_again(blobs: DevnetProcess, until: Until) -> None:
    load(blobs)
    head = blobs.l2.block_number()
    until(lambda: safe_number(blobs) >= head)

    blobs.reorg_l1(4)
    load(blobs)
    await_one_chain(blobs, until)


def test_a_blob_transaction_that_l1_leaves_waiting_is_sent_again_with_doubled_fees(
    blobs: DevnetProcess, until: Until
) -> None:
    batcher = blobs.l2.request("optimism_rollupConfig")["genesis"]["system_config"]["batcherAddr"]
    # txpool_content does not show blob transactions.
    seen = blobs.l1.request("eth_newPendingTransactionFilter")

    def arrived() -> list[dict[str, Any]]:
        hashes = blobs.l1.request("eth_getFilterChanges", seen)
        found = [blobs.l1.request("eth_getTransactionByHash", each) for each in hashes]
        return [each for each in found if each is not None and each["from"].lower() == batcher.lower()]

    def arrived_after_a_block() -> list[dict[str, Any]]:
        """Seal a block, with which the batcher closes its channel, unless it has only just begun one."""
        blobs.l1.request("evm_mine")
        deadline = time.monotonic() + 3
        while not (found := arrived()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [each for each in found if each["blockNumber"] is None]

    blobs.l1.request("evm_setIntervalMining", 0)
    try:
        # The channel of the next L1 block may have come, too.
        first = until(arrived_after_a_block)[0]
        second = until(lambda: next((each for each in arrived() if each["nonce"] == first["nonce"]), None))
    finally:
        blobs.l1.request("evm_setIntervalMining", 1)

    assert second["blobVersionedHashes"] == first["blobVersionedHashes"]
    for fee in ("maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas"):
        assert int(second[fee], 16) >= 2 * int(first[fee], 16)
    await_follower(blobs, until)


@pytest.mark.parametrize("data_availability", ["blobs", "calldata"])
def test_a_killed_batcher_leaves_neither_gaps_nor_doubles(tmp_path: Path, until: Until, data_availability: str) -> None:
    options = ("--data-dir", str(tmp_path), "--data-availability", data_availability, *QUICK_L1)
    devnet = DevnetProcess.start(*options)
    try:
        load(devnet)
        until(lambda: safe_number(devnet) > 0)
        load(devnet)
        devnet.kill()
        devnet = DevnetProcess.start(*options)
        load(devnet)
        head = await_follower(devnet, until)
        contents = inbox_contents(devnet)
    finally:
        devnet.kill()

    assert set(contents.transaction_types) == {3 if data_availability == "blobs" else 2}
    assert_each_block_once(contents, head)
    assert {block.in_span for block in contents.blocks} == {True, False}
