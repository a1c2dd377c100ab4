"""Batcher and proposer behind an L1 endpoint that fails and lies: they go on, and do not pay what it suggests."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import send
from hostile_l1 import FAULTS, hostile_l1
from proposing_rig import proposing
from web3 import Web3

from phal2.bridge.proposer.command import L1_ATTEMPTS
from phal2.devnet.accounts import role_account
from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.node.l1.client import MOST_PRIORITY_FEE, L1Client

Until = Callable[[Callable[[], Any]], Any]

RECEIVER = Web3.to_checksum_address("0x" + "0f" * 20)
HOSTILE_SECONDS = 5.0
MORE_HOSTILE_SECONDS = 40.0
MOST_MORE = 60.0
LYING_OF_ACCOUNTS = ("altered", "left out", "another chain", "nothing")


@pytest.fixture(scope="module")
def unposted() -> Iterator[DevnetProcess]:
    """A devnet that neither posts nor proposes."""
    with DevnetProcess.start("--no-batcher", "--no-proposer", "--l1-block-time", "1") as running:
        yield running


def safe_number(node: Endpoint) -> int:
    return int(node.request("optimism_syncStatus")["safe_l2"]["number"])


def assert_one_chain(devnet: DevnetProcess, last: int) -> None:
    for number in range(last + 1):
        ours, theirs = (
            node.request("eth_getBlockByNumber", hex(number), False)["hash"] for node in (devnet.l2, devnet.follower)
        )
        assert ours == theirs, f"block {number}"


def sent_tips(devnet: DevnetProcess, role: str) -> list[int]:
    """The tips of all L1 transactions of a part of the rollup."""
    account = role_account(role).checksum_address.lower()
    blocks = [devnet.l1.request("eth_getBlockByNumber", hex(n), True) for n in range(devnet.l1.block_number() + 1)]
    sent = [transaction for block in blocks for transaction in block["transactions"] if transaction["from"] == account]
    return [int(transaction["maxPriorityFeePerGas"], 16) for transaction in sent]


def test_the_batcher_posts_everything_and_pays_no_absurd_tip(
    unposted: DevnetProcess, devnet: DevnetProcess, tmp_path: Path, until: Until, run_all: bool
) -> None:
    web3 = Web3(Web3.HTTPProvider(unposted.l2.url))
    payer = web3.eth.account.from_key(unposted.accounts[1]["privateKey"])
    key, log = tmp_path / "key", tmp_path / "log"
    key.write_text(role_account("batcher").private_key.hex())
    key.chmod(0o600)
    with hostile_l1(unposted.l1.url, devnet.l1.url, 7) as proxy, log.open("w") as errors:
        proxy.spares_accounts = True
        options = ("--l1", proxy.url, "--l2", unposted.l2.url, "--private-key-file", str(key))
        command = [sys.executable, "-m", "phal2", "batcher", *options, "--poll-interval", "0.2"]
        process = subprocess.Popen(
            [*command, "--data-availability", "calldata", "--resubmit-after", "3"], stderr=errors, text=True
        )
        try:
            until(lambda: safe_number(unposted.follower) > 0)
            proxy.faults = (*FAULTS, *["absurd tip"] * len(FAULTS))
            proxy.share = 0.5
            end = time.monotonic() + (MORE_HOSTILE_SECONDS if run_all else HOSTILE_SECONDS)

            def has_suffered() -> bool:
                return proxy.done.get("absurd tip", 0) > 0 and "trying again" in log.read_text()

            # A machine that is busy with something else asks for less in the same time.
            while time.monotonic() < end or (not has_suffered() and time.monotonic() < end + MOST_MORE):
                send(web3, payer, to=RECEIVER, value=1, gas=21_000)
                assert process.poll() is None
            proxy.share = 0.0
            head = unposted.l2.block_number()
            until(lambda: safe_number(unposted.follower) >= head)
            assert process.poll() is None
        finally:
            process.terminate()
            assert process.wait(60) == 0, log.read_text()

    assert_one_chain(unposted, head)
    tips = sent_tips(unposted, "batcher")
    assert proxy.done.get("absurd tip", 0) > 0
    assert tips
    assert max(tips) <= MOST_PRIORITY_FEE
    assert "trying again" in log.read_text()


async def test_the_proposer_creates_right_games_and_pays_no_absurd_tip(
    devnet: DevnetProcess, tmp_path: Path, run_all: bool
) -> None:
    with (
        DevnetProcess.start("--no-proposer", "--l1-block-time", "1") as own,
        hostile_l1(own.l1.url, devnet.l1.url, 11) as proxy,
    ):
        proxy.faults = tuple(name for name in FAULTS if name not in LYING_OF_ACCOUNTS)
        proxy.share = 0.25
        async with proposing(own, tmp_path) as rig:
            honest, rig.l1 = rig.l1, L1Client(proxy.url, attempts=L1_ATTEMPTS)
            running = asyncio.create_task(rig.proposer(interval_blocks=3).run())
            doubtful, rig.l1 = rig.l1, honest
            try:
                async with asyncio.timeout(240):
                    while await rig.games.count() < (3 if run_all else 1):
                        assert not running.done()
                        await asyncio.sleep(0.2)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await doubtful.close()
            game = await rig.newest_game()
            assert game.root == rig.output_root(game.l2_block_number)
            assert await rig.game_word(game, "status") == 2
        assert proxy.done
        tips = sent_tips(own, "proposer") + sent_tips(own, "quote approver")
        assert tips
        assert max(tips) <= MOST_PRIORITY_FEE
