"""`phal2 db inspect` on the data directory of a devnet that runs, and once it is stopped."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chain_actions import send
from eth_account import Account
from web3 import Web3

from phal2.devnet.process import DevnetProcess

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"


def inspect(*arguments: str) -> str:
    command = (sys.executable, "-m", "phal2", "db", "inspect", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_it_reports_the_chains_of_a_running_and_of_a_stopped_devnet(
    tmp_path: Path, until: Callable[[Callable[[], Any]], Any]
) -> None:
    with DevnetProcess.start("--data-dir", str(tmp_path)) as devnet:
        web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
        receipt = send(web3, Account.from_key(devnet.accounts[0]["privateKey"]), to=RECIPIENT, value=1)
        number = receipt["blockNumber"]
        until(lambda: devnet.follower.block_number() >= number)

        found = {Path(chain["directory"]).name: chain for chain in json.loads(inspect(str(tmp_path), "--json"))}

        assert list(found) == ["follower", "l1", "l2"]
        assert [chain["chainId"] for chain in found.values()] == [20350, 31337, 20350]
        assert found["l2"]["heads"]["unsafe"] >= number
        assert (
            found["l2"]["genesisHash"] == found["follower"]["genesisHash"] == web3.eth.get_block(0)["hash"].to_0x_hex()
        )
        assert devnet.l2.block_number() >= number
        devnet.l2.mine()
        head = devnet.l2.block_number()

    (stopped,) = json.loads(inspect(str(tmp_path / "l2"), "--blocks", "1000", "--json"))
    blocks = {block["number"]: block for block in stopped["blocks"]}
    assert stopped["heads"]["unsafe"] >= head
    assert list(blocks) == list(range(stopped["heads"]["unsafe"] + 1))
    assert blocks[number]["hash"] == receipt["blockHash"].to_0x_hex()
    assert blocks[number]["transactions"] == 2
    assert blocks[number]["bytes"] == sum(blocks[number]["parts"].values()) > 1_000
    assert stopped["fileBytes"] == (tmp_path / "l2" / "data.mdb").stat().st_size
    text = inspect(str(tmp_path / "l2"), "--blocks", "2")
    assert "chain 20350" in text
    assert "\nmean " in text
