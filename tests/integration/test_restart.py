"""A data directory outlives its process, however that ended."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import send
from eth_account.signers.local import LocalAccount
from mixed_load import MixedLoad, load_and_end
from web3 import Web3

from phal2.devnet.process import STOP_SECONDS, DevnetProcess, DevnetProcessError

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"
LAST_OF_A_START = "L2: waiting for the first block"


def _owner(devnet: DevnetProcess) -> LocalAccount:
    account: LocalAccount = Web3().eth.account.from_key(devnet.accounts[0]["privateKey"])
    return account


def _transfers(devnet: DevnetProcess, count: int) -> list[Any]:
    web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
    return [send(web3, _owner(devnet), to=RECIPIENT, value=number + 1) for number in range(count)]


def test_a_stopped_devnet_goes_on_where_it_was(tmp_path: Path, until: Callable[[Callable[[], Any]], Any]) -> None:
    devnet = DevnetProcess.start("--data-dir", str(tmp_path))
    receipts = _transfers(devnet, 5)
    genesis = devnet.l2.request("eth_getBlockByNumber", "0x0", False)["hash"]
    assert devnet.stop() == 0

    with DevnetProcess.start("--data-dir", str(tmp_path)) as again:
        web3 = Web3(Web3.HTTPProvider(again.l2.url))
        assert again.l2.request("eth_getBlockByNumber", "0x0", False)["hash"] == genesis
        assert [web3.eth.get_transaction_receipt(receipt["transactionHash"]) for receipt in receipts] == receipts
        (later,) = _transfers(again, 1)

        until(lambda: again.follower.block_number() >= later["blockNumber"])
        for number in range(later["blockNumber"] + 1):
            ours = again.l2.request("eth_getBlockByNumber", hex(number), False)
            assert again.follower.request("eth_getBlockByNumber", hex(number), False)["hash"] == ours["hash"]


def test_a_directory_in_use_or_of_other_settings_is_refused(tmp_path: Path) -> None:
    with (
        DevnetProcess.start("--data-dir", str(tmp_path)),
        pytest.raises(DevnetProcessError, match="in use"),
    ):
        DevnetProcess.start("--data-dir", str(tmp_path))

    with pytest.raises(DevnetProcessError, match="--l2-chain-id 20350, but 7 is asked for"):
        DevnetProcess.start("--data-dir", str(tmp_path), "--l2-chain-id", "7")


@pytest.mark.parametrize("moment", ["L1: deploying the contracts", "L2: starting the batcher"])
def test_a_first_start_that_was_killed_is_begun_again(tmp_path: Path, moment: str) -> None:
    process = _starting(tmp_path, moment)
    process.kill()
    process.communicate()

    with DevnetProcess.start("--data-dir", str(tmp_path)) as devnet:
        assert _transfers(devnet, 1)[0]["status"] == 1


@pytest.fixture
def hang_up_is_heeded() -> Iterator[None]:
    """A hang-up ends what is started, though whoever runs the tests may have it ignored (nohup)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up_is_heeded")
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "L1: deploying the contracts"),
        (signal.SIGTERM, "L2: starting the batcher"),
        (signal.SIGHUP, "L2: starting the follower"),
    ],
)
def test_a_signal_ends_a_start_clean(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    process = _starting(tmp_path, moment)
    process.send_signal(number)
    try:
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 0
    # It goes on while the signal is on its way, and may be up by then; else it has nothing to print.
    assert output == "" or LAST_OF_A_START in errors
    assert "Traceback" not in errors


def test_a_signal_under_load_ends_the_devnet_clean(tmp_path: Path) -> None:
    log = tmp_path / "log"
    devnet = DevnetProcess.start("-v", log=log)
    load = MixedLoad(devnet, 8)
    assert asyncio.run(load_and_end(devnet, list(load.transactions(2_000)), devnet.process.terminate, end_after=50))

    assert devnet.process.wait(STOP_SECONDS) == 0
    text = log.read_text()
    assert "Traceback" not in text
    assert "was destroyed" not in text
    assert "never" not in text
    devnet.stop()


def _starting(data_dir: Path, moment: str) -> "subprocess.Popen[str]":
    """Start a devnet and return when it says on stderr that it is at `moment`."""
    ports = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
    process = subprocess.Popen(
        (sys.executable, "-m", "phal2", "devnet", "--json", *ports, "--data-dir", str(data_dir)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while moment not in process.stderr.readline():
        assert process.poll() is None
    return process
