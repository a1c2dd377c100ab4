"""How the database of a directory is opened, with the checks that LMDB leaves out.

LMDB maps its two files into memory and trusts them. A read beyond the end of a data file that was cut short, and the
first use of a page of the table of readers on a full disk, would end the process with SIGBUS.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lmdb

from phal2.node.storage.errors import (
    DirectoryNotReadable,
    DirectoryNotUsable,
    NotADatabase,
    UnknownFormat,
    WriteFailed,
)
from phal2.node.storage.tables import FORMAT_KEY, FORMAT_VERSION, Table

DATA_FILE_NAME: Final = "data.mdb"
READER_TABLE_NAME: Final = "lock.mdb"

_MAXIMUM_READERS: Final = 1024
_BYTES_PER_READER: Final = 64
_READER_TABLE_HEADER_BYTES: Final = 4096
"""More than LMDB's header takes, which depends on the platform."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_NOTHING_STORED: Final = "nothing was stored in it yet"

_READ_EVERYTHING: Final = """
import lmdb, os, sys
environment = lmdb.open(sys.argv[1], readonly=True, lock=False)
environment.copyfd(os.open(os.devnull, os.O_WRONLY), compact=True)
"""


def open_database(directory: Path, map_size: int, durable: bool) -> Any:
    """Return the LMDB environment of a locked directory.

    Raises `DirectoryNotUsable`, `NotADatabase`, `UnknownFormat`, or `WriteFailed` where there is no room to begin.
    """
    data_file = directory / DATA_FILE_NAME
    is_new = not data_file.exists()
    try:
        _reserve_reader_table(directory)
        environment = lmdb.open(
            str(directory),
            map_size=map_size,
            max_dbs=len(Table),
            max_readers=_MAXIMUM_READERS,
            sync=durable,
            metasync=durable,
        )
    except (lmdb.CorruptedError, lmdb.InvalidError, lmdb.VersionMismatchError) as error:
        raise NotADatabase(directory, str(error)) from error
    except lmdb.DiskError as error:
        if is_new:
            # Half of a beginning would be taken for a damaged database at the next start.
            data_file.unlink(missing_ok=True)
        raise WriteFailed(directory, str(error), free_bytes(directory)) from error
    except lmdb.Error as error:
        raise DirectoryNotUsable(directory, str(error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _NO_ROOM:
            raise WriteFailed(directory, reason, free_bytes(directory)) from error
        raise DirectoryNotUsable(directory, reason) from error
    try:
        _refuse_truncated(directory, environment)
        _refuse_foreign(directory, environment)
    except lmdb.Error as error:
        environment.close()
        raise NotADatabase(directory, str(error)) from error
    except BaseException:
        environment.close()
        raise
    return environment


@contextmanager
def reading(directory: Path) -> Iterator[tuple[Any, Any, Mapping[Table, Any]]]:
    """Give the LMDB environment, a read transaction and the tables of a directory, which a node may have open.

    Raises `NotADatabase`, `UnknownFormat`, or `DirectoryNotReadable`.
    """
    try:
        size = (directory / DATA_FILE_NAME).stat().st_size
        if size == 0:
            raise NotADatabase(directory, _NOTHING_STORED)
        # A node that writes meanwhile may need more of the map than the file has now.
        environment = lmdb.open(
            str(directory), map_size=max(2 * size, 1 << 30), readonly=True, create=False, max_dbs=len(Table)
        )
    except (lmdb.CorruptedError, lmdb.InvalidError, lmdb.VersionMismatchError) as error:
        raise NotADatabase(directory, str(error)) from error
    except (lmdb.Error, OSError) as error:
        raise DirectoryNotReadable(directory, str(error)) from error
    try:
        _refuse_truncated(directory, environment)
        _refuse_foreign(directory, environment)
        with environment.begin() as transaction:
            handles = {table: environment.open_db(table.encode(), txn=transaction, create=False) for table in Table}
            yield environment, transaction, handles
    except lmdb.NotFoundError as error:
        raise NotADatabase(directory, _NOTHING_STORED) from error
    except lmdb.Error as error:
        raise NotADatabase(directory, str(error)) from error
    finally:
        environment.close()


def free_bytes(directory: Path) -> int:
    """Return how much room the disk has, 0 where that cannot be told."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize


def _reserve_reader_table(directory: Path) -> None:
    """Have the file take all of its room now; raise `OSError` where there is none."""
    size = _MAXIMUM_READERS * _BYTES_PER_READER + _READER_TABLE_HEADER_BYTES
    with (directory / READER_TABLE_NAME).open("ab") as file:
        file.write(bytes(max(0, size - file.tell())))


def _refuse_truncated(directory: Path, environment: Any) -> None:
    """Raise `NotADatabase` where the data file lacks pages that are in use."""
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    found = (directory / DATA_FILE_NAME).stat().st_size
    if found >= expected:
        return
    # A transaction may leave its last pages free without ever writing them, so only reading all tells. Another process
    # does it, as it may not survive.
    command = (sys.executable, "-c", _READ_EVERYTHING, str(directory))
    if subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGBUS:  # noqa: S603 - own source
        raise NotADatabase(directory, f"{DATA_FILE_NAME} was cut short: {found} bytes of {expected} are there")


def _refuse_foreign(directory: Path, environment: Any) -> None:
    """Raise `UnknownFormat` or `NotADatabase`, before tables are made that a database of another kind lacks."""
    with environment.begin() as transaction:
        names = {bytes(name) for name, _ in transaction.cursor()}
        if Table.METADATA.encode() in names:
            metadata = environment.open_db(Table.METADATA.encode(), txn=transaction, create=False)
            record = transaction.get(FORMAT_KEY, db=metadata)
            if record is not None and (found := int.from_bytes(record, "big")) != FORMAT_VERSION:
                raise UnknownFormat(directory, found, FORMAT_VERSION)
        foreign = names - {table.encode() for table in Table}
        if foreign:
            raise NotADatabase(directory, f"found the unknown table {min(foreign)!r}")
