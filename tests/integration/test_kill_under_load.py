"""`kill -9` under load: what had a receipt is there after the restart, and everything goes on."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mixed_load import MixedLoad, block_hashes, load_and_end

from phal2.devnet.process import DevnetProcess


def test_no_transaction_with_a_receipt_is_lost(tmp_path: Path, until: Callable[[Callable[[], Any]], Any]) -> None:
    moments = random.Random(1)  # noqa: S311 - the moments of the kills, no secret
    seen: dict[bytes, Any] = {}
    devnet = DevnetProcess.start("--data-dir", str(tmp_path))
    load = MixedLoad(devnet, 8)
    for _ in range(2):
        envelopes = list(load.transactions(1_500))
        seen |= asyncio.run(load_and_end(devnet, envelopes, devnet.process.kill, moments.randrange(1, 100)))
        devnet.kill()

        devnet = DevnetProcess.start("--data-dir", str(tmp_path))
        load.go_on_with(devnet)
        for name, receipt in seen.items():
            assert devnet.l2.request("eth_getTransactionReceipt", f"0x{name.hex()}") == receipt

    with devnet:
        assert seen
        head = devnet.l2.block_number()
        until(lambda: devnet.l2.request("optimism_syncStatus")["safe_l2"]["number"] > head)
        until(lambda: devnet.follower.block_number() > head)
        assert block_hashes(devnet.follower, head) == block_hashes(devnet.l2, head)
