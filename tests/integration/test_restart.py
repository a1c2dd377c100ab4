"""A data directory outlives its process, however that ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chain_actions import send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess, DevnetProcessError

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"


def _owner(devnet: DevnetProcess) -> LocalAccount:
    account: LocalAccount = Web3().eth.account.from_key(devnet.accounts[0]["privateKey"])
    return account


def _transfers(devnet: DevnetProcess, count: int) -> list[Any]:
    web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
    return [send(web3, _owner(devnet), to=RECIPIENT, value=number + 1) for number in range(count)]


@pytest.mark.parametrize("end", [DevnetProcess.stop, DevnetProcess.kill], ids=["stopped", "killed"])
def test_a_devnet_goes_on_where_it_was(
    tmp_path: Path, end: Callable[[DevnetProcess], object], until: Callable[[Callable[[], Any]], Any]
) -> None:
    devnet = DevnetProcess.start("--data-dir", str(tmp_path))
    receipts = _transfers(devnet, 5)
    genesis = devnet.l2.request("eth_getBlockByNumber", "0x0", False)["hash"]
    end(devnet)

    with DevnetProcess.start("--data-dir", str(tmp_path)) as again:
        web3 = Web3(Web3.HTTPProvider(again.l2.url))
        assert again.l2.request("eth_getBlockByNumber", "0x0", False)["hash"] == genesis
        assert [web3.eth.get_transaction_receipt(receipt["transactionHash"]) for receipt in receipts] == receipts
        (later,) = _transfers(again, 1)

        until(lambda: again.follower.block_number() >= later["blockNumber"])
        for number in range(later["blockNumber"] + 1):
            ours = again.l2.request("eth_getBlockByNumber", hex(number), False)
            assert again.follower.request("eth_getBlockByNumber", hex(number), False)["hash"] == ours["hash"]


def test_another_process_cannot_use_the_same_directory(tmp_path: Path) -> None:
    with (
        DevnetProcess.start("--data-dir", str(tmp_path)),
        pytest.raises(DevnetProcessError, match="in use"),
    ):
        DevnetProcess.start("--data-dir", str(tmp_path))


def test_other_settings_than_the_directorys_are_refused(tmp_path: Path) -> None:
    DevnetProcess.start("--data-dir", str(tmp_path)).stop()

    with pytest.raises(DevnetProcessError, match="--l2-chain-id 20350, but 7 is asked for"):
        DevnetProcess.start("--data-dir", str(tmp_path), "--l2-chain-id", "7")
