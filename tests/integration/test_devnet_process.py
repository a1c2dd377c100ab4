"""A devnet in a process of its own that ends without being told to by whoever started it."""

import signal
from pathlib import Path

import pytest

from phal2.devnet import process as devnet_process
from phal2.devnet.process import DevnetEnded, DevnetProcess, DevnetProcessError


def test_whoever_asks_a_devnet_that_was_killed_learns_how_it_ended() -> None:
    devnet = DevnetProcess.start("--no-proposer")
    devnet.process.send_signal(signal.SIGKILL)

    with pytest.raises(DevnetEnded, match=r"(?s)by itself, with exit code -9.*L2: waiting for the first block"):
        devnet.l2.request("eth_chainId")
    with pytest.raises(DevnetEnded, match="exit code -9"), devnet:
        pass


def test_whoever_asks_a_devnet_that_another_has_ended_learns_by_which_signal() -> None:
    with DevnetProcess.start("--no-proposer") as devnet:
        devnet.process.send_signal(signal.SIGTERM)
        devnet.process.wait(20)

        with pytest.raises(DevnetEnded, match=r"(?s)exit code 0.*stopping: SIGTERM"):
            devnet.follower.request("eth_chainId")


def test_a_devnet_that_was_stopped_here_has_not_ended_by_itself() -> None:
    with DevnetProcess.start("--no-proposer") as devnet:
        assert devnet.stop() == 0

        with pytest.raises(OSError, match="refused"):
            devnet.l1.request("eth_chainId")


def test_a_devnet_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DevnetProcessError, match=r"(?s)did not start \(exit code 1\): .*file"):
        DevnetProcess.start("--data-dir", str(tmp_path / "file"))


def test_a_devnet_that_takes_too_long_to_start_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devnet_process, "START_SECONDS", 0.2)

    with pytest.raises(DevnetProcessError, match=r"did not start \(it was not up after 0.2 s\)"):
        DevnetProcess.start()
