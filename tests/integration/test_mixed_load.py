"""A devnet under load of all kinds: everything is included, the follower agrees, and the log is quiet."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mixed_load import DEPOSITED_TO, MixedLoad, block_hashes, deposits, receipts, submit

from phal2.devnet.process import DevnetProcess

TRANSACTIONS = 480
DEPOSITS = 10


def test_sequencer_and_follower_agree_after_mixed_load(
    tmp_path: Path, until: Callable[[Callable[[], Any]], Any]
) -> None:
    log = tmp_path / "log"
    with DevnetProcess.start("-v", log=log) as devnet:
        load = MixedLoad(devnet, 20)

        async def send_all() -> list[bytes]:
            taken, _ = await asyncio.gather(
                submit(devnet.l2.url, list(load.transactions(TRANSACTIONS)), connections=5),
                submit(devnet.l1.url, deposits(devnet, DEPOSITS), connections=1),
            )
            return taken

        hashes = asyncio.run(send_all())
        until(lambda: len(receipts(devnet.l2, hashes)) == TRANSACTIONS)
        until(lambda: _deposited(devnet) == DEPOSITS * 10**15)
        found = receipts(devnet.l2, hashes)
        head = devnet.l2.block_number()
        until(lambda: devnet.follower.block_number() >= head)
        for _ in range(5):
            devnet.l1.mine()
        until(lambda: devnet.l2.request("optimism_syncStatus")["finalized_l2"]["number"] >= head)
        status = devnet.l2.request("optimism_syncStatus")

        assert {receipt["type"] for receipt in found} == {"0x0", "0x1", "0x2", "0x4", "0x54"}
        assert {receipt["status"] for receipt in found} == {"0x1"}
        assert receipts(devnet.follower, hashes) == found
        assert block_hashes(devnet.follower, head) == block_hashes(devnet.l2, head)
        assert head <= status["finalized_l2"]["number"] <= status["safe_l2"]["number"] <= status["unsafe_l2"]["number"]
        assert devnet.stop() == 0
    noise = [line for line in log.read_text().splitlines() if "WARNING" in line or "ERROR" in line or "Trace" in line]
    assert not noise


def _deposited(devnet: DevnetProcess) -> int:
    return int(devnet.l2.request("eth_getBalance", f"0x{DEPOSITED_TO.hex()}", "latest"), 16)
