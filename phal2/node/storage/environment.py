"""An LMDB environment whose map grows by itself, with reads from any thread and one writer at a time."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import lmdb

from phal2.node.storage.directory_lock import DirectoryLock
from phal2.node.storage.errors import DirectoryNotUsable, NotADatabase, StorageClosed, WriteFailed
from phal2.node.storage.tables import Table

Result = TypeVar("Result")

INITIAL_MAP_SIZE: Final = 1 << 30
_LARGEST_GROWTH: Final = 64 << 30
_MAXIMUM_READERS: Final = 1024


class Transaction:
    """The view of one LMDB transaction.

    Reads, and writes where it is a write transaction. It does not outlive the call it is given to.
    """

    __slots__ = ("_handles", "_transaction")

    def __init__(self, transaction: Any, handles: Mapping[Table, Any]) -> None:
        self._transaction = transaction
        self._handles = handles

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the value under `key`, None where there is none."""
        value: bytes | None = self._transaction.get(key, db=self._handles[table])
        return value

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set the value under `key`."""
        self._transaction.put(key, value, db=self._handles[table])

    def put_all(self, table: Table, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many values, in the order of their keys, which touches each page once."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            cursor.putmulti(sorted(items))

    def put_new(self, table: Table, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many values; a key that is there keeps its own (for content under its hash)."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            cursor.putmulti(sorted(items), dupdata=False, overwrite=False)

    def delete(self, table: Table, key: bytes) -> None:
        """Remove `key` where it is there."""
        self._transaction.delete(key, db=self._handles[table])

    def delete_from(self, table: Table, first_key: bytes) -> None:
        """Remove `first_key` and all keys after it."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            found = cursor.set_range(first_key)
            while found:
                found = cursor.delete()

    def last_up_to(self, table: Table, key: bytes) -> tuple[bytes, bytes] | None:
        """Return the item with the greatest key that is not above `key`."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            found = cursor.set_range(key)
            if (not found and not cursor.last()) or (found and cursor.key() != key and not cursor.prev()):
                return None
            return cursor.item()  # type: ignore[no-any-return]  # lmdb ships no types

    def is_empty(self, table: Table) -> bool:
        """Tell whether the table has no entries."""
        return bool(self._transaction.stat(self._handles[table])["entries"] == 0)


class Environment:
    """The open database of a data directory. `close` it before the directory can be opened again."""

    def __init__(self, directory: Path, initial_map_size: int = INITIAL_MAP_SIZE, durable: bool = True) -> None:
        """Make the directory where needed, lock and open it.

        Without `durable` commits are not forced to the disk: only for directories that are thrown away. Raises
        `DirectoryNotUsable`, `DirectoryInUse`, `NotADatabase` or `WriteFailed`.
        """
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
        self._lock = DirectoryLock(directory)
        self._writer = threading.Lock()
        self._readers = _ReaderGate()
        self._closed = False
        self._handles: dict[Table, Any] = {}
        try:
            self._environment = _open(directory, initial_map_size, durable)
            try:
                self._open_tables()
            except BaseException:
                self._environment.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    @property
    def map_size(self) -> int:
        """Size in bytes to which the database can grow before the map is enlarged."""
        return int(self._environment.info()["map_size"])

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return one value in a transaction of its own."""
        try:
            with self._readers, self._open_environment().begin(db=self._handles[table]) as transaction:
                value: bytes | None = transaction.get(key)
                return value
        except lmdb.Error:
            # The general path deals with every error; this one, the hottest of all, stays short.
            return self.read(lambda transaction: transaction.get(table, key))

    def read(self, body: Callable[[Transaction], Result]) -> Result:
        """Run `body` on a consistent view. It must be short and must not read through the environment itself."""
        with self._translated(), self._readers, self._open_environment().begin() as transaction:
            return body(Transaction(transaction, self._handles))

    def write(self, body: Callable[[Transaction], Result]) -> Result:
        """Run `body` in the one write transaction and commit it; an exception leaves the database as it was.

        `body` runs again where the map had to grow, so it must have no effect but through its transaction.
        """
        with self._writer, self._translated():
            while True:
                transaction = self._open_environment().begin(write=True)
                try:
                    result = body(Transaction(transaction, self._handles))
                    transaction.commit()
                    return result
                except lmdb.MapFullError:
                    size = self.map_size
                    self._abort(transaction, size + min(size, _LARGEST_GROWTH))
                except BaseException:
                    self._abort(transaction)
                    raise

    def close(self) -> None:
        """Close the database and give the directory free. Closing twice does nothing."""
        with self._writer:
            if self._closed:
                return
            self._closed = True
            with self._readers.excluded():
                self._environment.close()
            self._lock.release()

    def _open_environment(self) -> Any:
        if self._closed:
            raise StorageClosed(self.directory)
        return self._environment

    def _abort(self, transaction: Any, new_map_size: int | None = None) -> None:
        # LMDB maps the file anew, which must not happen under a reader's feet. Aborting a write transaction alone waits
        # until no read is under way, which would never be as long as several threads read all the time.
        with self._readers.excluded():
            transaction.abort()
            if new_map_size is not None:
                self._environment.set_mapsize(new_map_size)

    def _open_tables(self) -> None:
        with self._translated():
            with self._environment.begin() as transaction:
                names = {bytes(name) for name, _ in transaction.cursor()}
            foreign = names - {table.encode() for table in Table}
            if foreign:
                raise NotADatabase(self.directory, f"found the unknown table {min(foreign)!r}")
            for table in Table:
                self._handles[table] = self._open_table(table)

    def _open_table(self, table: Table) -> Any:
        while True:
            try:
                return self._environment.open_db(table.encode())
            except lmdb.MapFullError:
                self._environment.set_mapsize(2 * self.map_size)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError) as error:
            raise NotADatabase(self.directory, str(error)) from error
        except lmdb.Error as error:
            # A full disk is DiskError, or an input/output error after a write that was cut short.
            raise WriteFailed(self.directory, str(error), _free_bytes(self.directory)) from error


class _ReaderGate:
    """Lets any number of readers in, or none while they are excluded. Not reentrant."""

    __slots__ = ("_condition", "_excluded", "_excluding", "_inside")

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._excluding = threading.Lock()
        self._inside = 0
        self._excluded = False

    def __enter__(self) -> None:
        with self._condition:
            while self._excluded:
                self._condition.wait()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._condition:
            self._inside -= 1
            if self._excluded and self._inside == 0:
                self._condition.notify_all()

    @contextmanager
    def excluded(self) -> Iterator[None]:
        """Wait until no reader is inside and keep all out for the block."""
        with self._excluding:
            # Set before the lock is taken, as readers that come and go all the time could keep this thread from it.
            self._excluded = True
            try:
                with self._condition:
                    while self._inside:
                        self._condition.wait()
                yield
            finally:
                with self._condition:
                    self._excluded = False
                    self._condition.notify_all()


def _open(directory: Path, initial_map_size: int, durable: bool) -> Any:
    try:
        return lmdb.open(
            str(directory),
            map_size=initial_map_size,
            max_dbs=len(Table),
            max_readers=_MAXIMUM_READERS,
            sync=durable,
            metasync=durable,
        )
    except (lmdb.CorruptedError, lmdb.InvalidError, lmdb.VersionMismatchError) as error:
        raise NotADatabase(directory, str(error)) from error
    except lmdb.Error as error:
        raise DirectoryNotUsable(directory, str(error)) from error


def _free_bytes(directory: Path) -> int:
    try:
        status = os.statvfs(directory)
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize
