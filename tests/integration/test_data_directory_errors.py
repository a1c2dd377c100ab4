"""Data directories that a node cannot use: one line that says why, exit code 1, and what they hold stays as it was."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from chain_actions import send
from eth_account import Account
from node_process import command, refused, running, with_files_of_at_most, with_the_rights_of_files
from web3 import Web3

from phal2.devnet.process import DevnetProcess
from phal2.node.command.configuration_files import read_genesis, read_rollup_config
from phal2.node.storage.tables import FORMAT_VERSION

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def chain_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def kept_devnet(chain_dir: Path) -> Iterator[DevnetProcess]:
    with DevnetProcess.start("--data-dir", str(chain_dir)) as devnet:
        web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
        send(web3, Account.from_key(devnet.accounts[0]["privateKey"]), to=RECIPIENT, value=1)
        yield devnet


@pytest.fixture(scope="module")
def stopped_node(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path_factory: pytest.TempPathFactory, until: Until
) -> Path:
    """The data directory of a node that has some blocks and is stopped."""
    data_dir = tmp_path_factory.mktemp("node") / "data"
    with running(command(kept_devnet, chain_dir, data_dir)) as (process, node):
        until(lambda: node.block_number() >= 1)
        process.terminate()
        assert process.wait(20) == 0
    return data_dir


@pytest.fixture
def data_dir(stopped_node: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(stopped_node, tmp_path / "data"))


def set_format(version: int) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        environment = lmdb.open(str(directory), max_dbs=32)
        with environment.begin(write=True, db=environment.open_db(b"metadata")) as transaction:
            transaction.put(b"format", version.to_bytes(8, "big"))
        environment.close()

    return write


def cut_short(directory: Path) -> None:
    os.truncate(directory / "data.mdb", (directory / "data.mdb").stat().st_size // 2)


def write_text_over_it(directory: Path) -> None:
    (directory / "data.mdb").write_bytes(b"no database at all" * 1_000)


def put_another_database_there(directory: Path) -> None:
    shutil.rmtree(directory)
    environment = lmdb.open(str(directory), max_dbs=32)
    with environment.begin(write=True, db=environment.open_db(b"something")) as transaction:
        transaction.put(b"key", b"value")
    environment.close()


def make_read_only(directory: Path) -> None:
    for file in directory.iterdir():
        file.chmod(0o444)
    directory.chmod(0o555)


def make_unreadable(directory: Path) -> None:
    (directory / "data.mdb").chmod(0)


def put_a_file_there(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.write_text("a file")


SPOILED = [
    pytest.param(set_format(FORMAT_VERSION + 1), f"has database format {FORMAT_VERSION + 1}, this phal2", id="newer"),
    pytest.param(
        set_format(FORMAT_VERSION - 1), f"has database format {FORMAT_VERSION - 1}, .* synchronise anew", id="older"
    ),
    pytest.param(cut_short, "data.mdb was cut short", id="cut short"),
    pytest.param(write_text_over_it, "holds no phal2 database", id="no database"),
    pytest.param(put_another_database_there, "unknown table b'something'", id="another database"),
    pytest.param(make_read_only, "cannot use .* Permission denied; choose", id="read-only"),
    pytest.param(make_unreadable, "cannot use .*: Permission denied; choose", id="unreadable"),
    pytest.param(put_a_file_there, "cannot use .*: it is a file; choose", id="a file"),
]


def content(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of a directory's files but for those that only lock."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(file): file.read_bytes() for file in files if file.is_file() and "lock" not in file.name}


def assert_one_line(refusal: tuple[int, str], expected: str) -> None:
    code, errors = refusal
    assert code == 1
    assert re.fullmatch(f"phal2: error: .*{expected}.*\n", errors), errors


@pytest.mark.parametrize(("spoil", "expected"), SPOILED)
def test_a_node_refuses_a_directory_that_it_cannot_use_and_leaves_it_alone(
    kept_devnet: DevnetProcess, chain_dir: Path, data_dir: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    spoil(data_dir)
    before = content(data_dir)

    refusal = refused(command(kept_devnet, chain_dir, data_dir), with_the_rights_of_files)

    assert_one_line(refusal, expected)
    assert content(data_dir) == before


def test_a_node_refuses_the_directory_of_another_chain_and_says_both(
    kept_devnet: DevnetProcess, chain_dir: Path, data_dir: Path, tmp_path: Path
) -> None:
    genesis_file, rollup_file = tmp_path / "genesis.json", tmp_path / "rollup.json"
    genesis = json.loads((chain_dir / "genesis.json").read_text())
    genesis["alloc"][RECIPIENT] = {"balance": "0x1"}
    genesis_file.write_text(json.dumps(genesis))
    config = read_rollup_config(chain_dir / "rollup.json")
    other_hash = f"0x{read_genesis(genesis_file).block(config).block.hash.hex()}"
    rollup = json.loads((chain_dir / "rollup.json").read_text())
    own_hash, rollup["genesis"]["l2"]["hash"] = rollup["genesis"]["l2"]["hash"], other_hash
    rollup_file.write_text(json.dumps(rollup))
    options = ("--rollup-config", str(rollup_file), "--genesis", str(genesis_file))
    before = content(data_dir)

    refusal = refused(command(kept_devnet, chain_dir, data_dir, *options))

    expected = f"holds another chain: chain id 20350, genesis {own_hash}; expected chain id 20350, genesis {other_hash}"
    assert_one_line(refusal, expected)
    assert content(data_dir) == before


def test_a_directory_in_use_is_refused_with_the_process_that_has_it(
    kept_devnet: DevnetProcess, chain_dir: Path, data_dir: Path
) -> None:
    arguments = command(kept_devnet, chain_dir, data_dir)
    with running(arguments) as (process, _):
        assert_one_line(refused(arguments), rf"in use by a running phal2 \(process {process.pid}\); stop that one")
    with running(arguments):
        pass

    devnet_of_it = command(kept_devnet, chain_dir, chain_dir / "l2")
    assert_one_line(refused(devnet_of_it), rf"in use by a running phal2 \(process {kept_devnet.process.pid}\)")


def test_a_disk_without_room_at_the_start_is_one_line_and_the_directory_serves_once_there_is_room(
    kept_devnet: DevnetProcess, chain_dir: Path, tmp_path: Path
) -> None:
    arguments = command(kept_devnet, chain_dir, tmp_path / "data")

    assert_one_line(refused(arguments, with_files_of_at_most(100_000)), "is the disk full or failing?")

    with running(arguments) as (_, node):
        assert node.request("eth_chainId") == hex(kept_devnet.l2.chain_id)


def test_a_disk_that_becomes_full_ends_the_node_which_goes_on_once_there_is_room(
    kept_devnet: DevnetProcess, chain_dir: Path, data_dir: Path, until: Until
) -> None:
    arguments = command(kept_devnet, chain_dir, data_dir)
    size = (data_dir / "data.mdb").stat().st_size
    with running(arguments, with_files_of_at_most(size + 200_000)) as (process, _):
        # Blocks without end: the node has to catch up with them.
        kept_devnet.l2.advance_time(200)
        _, log = process.communicate(timeout=60)
    last = log.splitlines()[-1]

    assert process.returncode == 1
    assert re.match("phal2: error: the node has stopped .*: writing to .* failed .* is the disk full", last), log
    assert "Traceback" not in log

    with running(arguments) as (_, node):
        until(lambda: node.block_number() >= 200)
        for number in range(201):
            ours, theirs = (
                chain.request("eth_getBlockByNumber", hex(number), False) for chain in (node, kept_devnet.l2)
            )
            assert ours["hash"] == theirs["hash"]
