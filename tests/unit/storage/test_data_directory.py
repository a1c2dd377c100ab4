"""Data directories that cannot be used: one clear error each, and what they hold stays as it was."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest
from stored_chains import CHAIN_ID, chain, child, genesis

from phal2.node.storage import ChainStore
from phal2.node.storage.directory_lock import LOCK_FILE_NAME
from phal2.node.storage.errors import (
    DirectoryInUse,
    DirectoryNotUsable,
    NotADatabase,
    OtherChain,
    UnknownFormat,
)
from phal2.node.storage.tables import FORMAT_VERSION

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
    with pytest.raises(DirectoryInUse, match=rf"in use by a running phal2 \(process {os.getpid()}\)") as refused:
        ChainStore.open(directory / ".." / "chain", genesis(), CHAIN_ID)
    assert refused.value.holder == os.getpid()
    assert store.head().number == 3
    store.close()


def test_a_directory_in_use_is_refused_to_a_second_process(directory: Path):
    store = ChainStore.open(directory, genesis(), CHAIN_ID)
    directory.chmod(0o777)
    for file in directory.iterdir():
        file.chmod(0o666)
    source = _OPEN_AS_NOBODY.replace("os.setuid(65534)", "pass")
    refusal = run_python(source, directory)
    assert refusal.startswith("DirectoryInUse")
    assert f"(process {os.getpid()})" in refusal
    store.close()
    assert run_python(source, directory) == ""


def test_a_lock_file_without_a_process_id_still_locks(directory: Path):
    store = ChainStore.open(directory, genesis(), CHAIN_ID)
    # Written by the other process: to close the file in this one would give up its lock.
    spoil = f"open(sys.argv[1] + '/{LOCK_FILE_NAME}', 'w').write('no number')\ntry:"
    refusal = run_python(_OPEN_AS_NOBODY.replace("os.setuid(65534)", "pass").replace("try:", spoil), directory)
    assert refusal.startswith("DirectoryInUse")
    assert "in use by a running phal2;" in refusal
    store.close()


def test_the_directory_of_another_chain_is_refused_and_untouched(directory: Path):
    before = data_file(directory)
    with pytest.raises(OtherChain, match="expected chain id 20350"):
        ChainStore.open(directory, genesis(b"another"), CHAIN_ID)
    with pytest.raises(OtherChain, match=r"chain id 20350, genesis .* expected chain id 1"):
        ChainStore.open(directory, genesis(), 1)
    assert data_file(directory) == before
    ChainStore.open(directory, genesis(), CHAIN_ID).close()


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (FORMAT_VERSION + 1, "use the phal2 that wrote it"),
        (1 << 63, "use the phal2 that wrote it"),
        (FORMAT_VERSION - 1, "remove it or choose another directory, and synchronise anew"),
    ],
)
def test_another_format_is_refused_and_untouched(directory: Path, found: int, remedy: str):
    environment = lmdb.open(str(directory), max_dbs=32)
    metadata = environment.open_db(b"metadata")
    with environment.begin(write=True) as transaction:
        transaction.put(b"format", found.to_bytes(8, "big"), db=metadata)
        # Other formats have other tables.
        transaction.drop(environment.open_db(b"headers", txn=transaction))
        environment.open_db(b"bodies and more", txn=transaction)
    environment.close()
    before = data_file(directory)
    expected = f"has database format {found}, this phal2 reads format {FORMAT_VERSION}; {remedy}"
    with pytest.raises(UnknownFormat, match=expected):
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


def test_a_file_that_was_cut_short_is_refused_and_untouched(directory: Path):
    size = (directory / "data.mdb").stat().st_size
    for kept in (size - 4096, size - 5000, size // 2, 3 * 4096, 2 * 4096, 4096, 1000):
        os.truncate(directory / "data.mdb", kept)
        before = data_file(directory)
        with pytest.raises(NotADatabase, match=r"holds no phal2 database .*; choose another directory"):
            ChainStore.open(directory, genesis(), CHAIN_ID)
        assert data_file(directory) == before


def test_free_pages_that_were_never_written_are_not_missed(directory: Path):
    # A page that a transaction takes at the end of the file and gives back is counted, but not written.
    environment = lmdb.open(str(directory), max_dbs=32)
    with environment.begin(write=True, db=environment.open_db(b"codes")) as transaction:
        for number in range(200):
            transaction.put(number.to_bytes(8, "big"), bytes(3000))
        for number in range(200):
            transaction.delete(number.to_bytes(8, "big"))
    last_page = environment.info()["last_pgno"]
    environment.close()
    assert (directory / "data.mdb").stat().st_size < (last_page + 1) * 4096

    store = ChainStore.open(directory, genesis(), CHAIN_ID)
    assert store.head().number == 3
    store.write_block(child(chain(3)[-1]))
    store.close()


def test_an_unreadable_file_is_refused_and_untouched(directory: Path):
    before = data_file(directory)
    for parent in [directory, *directory.parents][:3]:
        parent.chmod(0o777)
    for file in directory.iterdir():
        file.chmod(0o666)
    (directory / "data.mdb").chmod(0)
    try:
        text = run_python(_OPEN_AS_NOBODY, directory)
    finally:
        (directory / "data.mdb").chmod(0o600)
    assert text.startswith("DirectoryNotUsable cannot use")
    assert "Permission denied" in text
    assert text.count("\n") == 1
    assert data_file(directory) == before


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
