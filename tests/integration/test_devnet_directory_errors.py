"""Data directories that a devnet cannot use, and a disk that becomes full while it works."""

import re
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import pytest
from chain_consistency import assert_consistent
from load_until_end import LoadUntilEnd, Told
from mixed_load import MixedLoad, block_hashes, deposits
from node_process import Prepare, refused, with_files_of_at_most, with_the_rights_of_files

from phal2.devnet.process import DevnetProcess
from phal2.node.storage.tables import FORMAT_VERSION

PORTS = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
CHAINS = ("l1", "l2", "follower")

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def stopped_devnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a devnet that has a few blocks and is stopped."""
    data_dir = tmp_path_factory.mktemp("devnet") / "data"
    with DevnetProcess.start("--data-dir", str(data_dir)) as devnet:
        devnet.l2.mine()
    return data_dir


@pytest.fixture
def data_dir(stopped_devnet: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(stopped_devnet, tmp_path / "data"))


def assert_refused(data_dir: Path, expected: str, prepare: Prepare | None = None) -> None:
    """The devnet says why in one line after those of its progress, and changes none of its chains."""
    before = {chain: data_file(data_dir / chain) for chain in CHAINS}
    command = (sys.executable, "-m", "phal2", "devnet", "--json", *PORTS, "--data-dir", str(data_dir))

    code, errors = refused(command, prepare)

    lines = [line for line in errors.splitlines() if not line.startswith("  ")]
    assert (code, len(lines)) == (1, 1), errors
    assert re.fullmatch(f"phal2: error: .*{expected}.*", lines[0]), errors
    spoiled = [chain for chain in CHAINS if data_file(data_dir / chain) != before[chain]]
    assert not spoiled


def data_file(directory: Path) -> bytes | None:
    file = directory / "data.mdb"
    return file.read_bytes() if file.is_file() else None


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert_refused(tmp_path / "data", "cannot use .*: it is a file; choose a directory that can be written")
    assert (tmp_path / "data").read_text() == "a file"


def test_a_read_only_directory_is_refused(data_dir: Path) -> None:
    data_dir.chmod(0o555)
    (data_dir / "phal2.lock").chmod(0o444)
    assert_refused(data_dir, "cannot use .*: Permission denied", with_the_rights_of_files)


def test_a_newer_format_of_one_chain_is_refused(data_dir: Path) -> None:
    environment = lmdb.open(str(data_dir / "l1"), max_dbs=32)
    with environment.begin(write=True, db=environment.open_db(b"metadata")) as transaction:
        transaction.put(b"format", (FORMAT_VERSION + 1).to_bytes(8, "big"))
    environment.close()
    assert_refused(data_dir, f"l1 has database format {FORMAT_VERSION + 1}, this phal2 reads format {FORMAT_VERSION}")


def test_the_chain_of_another_directory_is_refused(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "l1")
    shutil.copytree(data_dir / "l2", data_dir / "l1")
    assert_refused(data_dir, "l1 holds another chain: chain id 20350, .*expected chain id 31337")


def test_a_disk_without_room_at_the_start_is_refused_and_the_directory_serves_once_there_is_room(
    tmp_path: Path,
) -> None:
    assert_refused(tmp_path / "data", "is the disk full or failing", with_files_of_at_most(16_384))
    with DevnetProcess.start("--data-dir", str(tmp_path / "data")) as devnet:
        assert devnet.l2.block_number() >= 1


def test_a_disk_that_becomes_full_under_load_ends_the_devnet_which_goes_on_once_there_is_room(
    tmp_path: Path, until: Until
) -> None:
    log, data_dir = tmp_path / "log", tmp_path / "data"
    devnet = DevnetProcess.start("--data-dir", str(data_dir), log=log)
    try:
        load, told = MixedLoad(devnet, 8), Told()

        def fill_the_disk() -> None:
            largest = max((data_dir / chain / "data.mdb").stat().st_size for chain in CHAINS)
            room = (largest + 100_000, largest + 100_000)
            resource.prlimit(devnet.process.pid, resource.RLIMIT_FSIZE, room)

        ending = LoadUntilEnd(devnet, told, fill_the_disk, new_receipts=20, delay=0.0)
        ending.run(load.transactions(sys.maxsize), deposits(devnet, 3))
        assert devnet.process.wait(20) == 1
    finally:
        devnet.kill()
    text = log.read_text()
    assert re.match("phal2: error: a part of the devnet has .*: writing to .* failed", text.splitlines()[-1]), text
    assert "Traceback" not in text

    with DevnetProcess.start("--data-dir", str(data_dir)) as devnet:
        told.assert_still_true(devnet)
        head = devnet.l2.block_number()
        assert_consistent(devnet.l2, 0, head, {load.notebook: (0,)})
        until(lambda: devnet.follower.block_number() > head)
        assert block_hashes(devnet.follower, head) == block_hashes(devnet.l2, head)
