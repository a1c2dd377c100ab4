"""Data directories that cannot be used: one clear error each, and what they hold stays as it was."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest
from stored_chains import CHAIN_ID, chain, genesis

from phal2.node.storage import ChainStore
from phal2.node.storage.errors import (
    DirectoryInUse,
    DirectoryNotUsable,
    NotADatabase,
    OtherChain,
    UnknownFormat,
)

_OPEN_AS_NOBODY = """
import os, sys
from pathlib import Path
from stored_chains import CHAIN_ID, genesis
from phal2.node.storage import ChainStore, StorageError
if os.geteuid() == 0:
    os.setuid(65534)
try:
    ChainStore.open(Path(sys.argv[1]), genesis(), CHAIN_ID)
except StorageError as error:
    print(type(error).__name__, error)
"""

_WRITE_UNTIL_FULL = """
import resource, sys
from pathlib import Path
from stored_chains import CHAIN_ID, child, genesis
from phal2.node.storage import ChainStore, StorageError
store = ChainStore.open(Path(sys.argv[1]), genesis(), CHAIN_ID)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
parent = genesis()
try:
    while True:
        parent = child(parent, node_size=50_000)
        store.write_block(parent)
except StorageError as error:
    print(store.head().number, type(error).__name__, error)
"""


def run_python(source: str, directory: Path) -> str:
    """Run a program that can import the modules of this folder; return what it prints."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    completed = subprocess.run(
        [sys.executable, "-c", source, str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return completed.stdout


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a chain of three blocks."""
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, durable=False)
    for block in chain(3):
        store.write_block(block)
    store.close()
    return tmp_path / "chain"


def data_file(directory: Path) -> bytes:
    return (directory / "data.mdb").read_bytes()


def test_a_directory_in_use_is_refused_within_the_process(directory: Path):
    store = ChainStore.open(directory, genesis(), CHAIN_ID)
    with pytest.raises(DirectoryInUse, match="in use by a running phal2"):
        ChainStore.open(directory / ".." / "chain", genesis(), CHAIN_ID)
    assert store.head().number == 3
    store.close()


def test_a_directory_in_use_is_refused_to_a_second_process(directory: Path):
    store = ChainStore.open(directory, genesis(), CHAIN_ID)
    directory.chmod(0o777)
    for file in directory.iterdir():
        file.chmod(0o666)
    source = _OPEN_AS_NOBODY.replace("os.setuid(65534)", "pass")
    assert run_python(source, directory).startswith("DirectoryInUse")
    store.close()
    assert run_python(source, directory) == ""


def test_the_directory_of_another_chain_is_refused_and_untouched(directory: Path):
    before = data_file(directory)
    with pytest.raises(OtherChain, match="expected chain id 20350"):
        ChainStore.open(directory, genesis(b"another"), CHAIN_ID)
    with pytest.raises(OtherChain, match=r"chain id 20350, genesis .* expected chain id 1"):
        ChainStore.open(directory, genesis(), 1)
    assert data_file(directory) == before
    ChainStore.open(directory, genesis(), CHAIN_ID).close()


def test_a_newer_format_is_refused_and_untouched(directory: Path):
    environment = lmdb.open(str(directory), max_dbs=20)
    metadata = environment.open_db(b"metadata")
    with environment.begin(write=True, db=metadata) as transaction:
        transaction.put(b"format", (99).to_bytes(8, "big"))
    environment.close()
    before = data_file(directory)
    with pytest.raises(UnknownFormat, match="format 99, this phal2 reads format 1; use the phal2 that wrote it"):
        ChainStore.open(directory, genesis(), CHAIN_ID)
    assert data_file(directory) == before


def test_a_database_of_something_else_is_refused_and_untouched(tmp_path: Path):
    environment = lmdb.open(str(tmp_path / "other"), max_dbs=20)
    with environment.begin(write=True, db=environment.open_db(b"something")) as transaction:
        transaction.put(b"key", b"value")
    environment.close()
    before = data_file(tmp_path / "other")
    with pytest.raises(NotADatabase, match="unknown table b'something'"):
        ChainStore.open(tmp_path / "other", genesis(), CHAIN_ID)
    assert data_file(tmp_path / "other") == before


def test_a_damaged_file_is_refused_and_untouched(tmp_path: Path):
    (tmp_path / "data.mdb").write_bytes(b"no database at all" * 1000)
    before = data_file(tmp_path)
    with pytest.raises(NotADatabase):
        ChainStore.open(tmp_path, genesis(), CHAIN_ID)
    assert data_file(tmp_path) == before


def test_a_path_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("content")
    with pytest.raises(DirectoryNotUsable, match=r"cannot use .*file as a data directory"):
        ChainStore.open(tmp_path / "file", genesis(), CHAIN_ID)
    with pytest.raises(DirectoryNotUsable):
        ChainStore.open(tmp_path / "file" / "below", genesis(), CHAIN_ID)


def test_missing_parents_are_made(tmp_path: Path):
    ChainStore.open(tmp_path / "a" / "b", genesis(), CHAIN_ID, durable=False).close()
    assert (tmp_path / "a" / "b" / "data.mdb").is_file()


def test_a_read_only_directory_is_refused_and_untouched(directory: Path):
    before = data_file(directory)
    for parent in [directory, *directory.parents][:3]:
        parent.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    for file in directory.iterdir():
        file.chmod(0o444)
    try:
        assert run_python(_OPEN_AS_NOBODY, directory).startswith("DirectoryNotUsable cannot use")
    finally:
        for parent in [directory, *directory.parents][:3]:
            parent.chmod(0o700)
    assert data_file(directory) == before


def test_a_disk_that_takes_no_more_fails_one_write_and_keeps_what_was_there(tmp_path: Path):
    written, name, text = run_python(_WRITE_UNTIL_FULL, tmp_path / "chain").split(maxsplit=2)
    assert name == "WriteFailed"
    assert "is the disk full or failing?" in text
    store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID)
    assert store.head().number == int(written) > 0
    store.close()
