"""An LMDB environment whose map grows by itself, with reads from any thread and one writer at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import lmdb

from phal2.node.storage.directory_lock import DirectoryLock
from phal2.node.storage.errors import NotADatabase, StorageClosed, WriteFailed
from phal2.node.storage.opening import free_bytes, open_database
from phal2.node.storage.tables import TABLES_WITH_EQUAL_KEYS, Table
from phal2.node.storage.transaction import Transaction

Result = TypeVar("Result")

INITIAL_MAP_SIZE: Final = 1 << 30
_LARGEST_GROWTH: Final = 64 << 30


class Environment:
    """The open database of a data directory. `close` it before the directory can be opened again."""

    def __init__(self, directory: Path, initial_map_size: int = INITIAL_MAP_SIZE, durable: bool = True) -> None:
        """Make the directory where needed, lock and open it.

        Without `durable` commits are not forced to the disk: only for directories that are thrown away. Raises
        `DirectoryNotUsable`, `DirectoryInUse`, `NotADatabase`, `UnknownFormat` or `WriteFailed`.
        """
        self.directory = directory
        self._lock = DirectoryLock(directory)
        self._writer = threading.Lock()
        self._readers = _ReaderGate()
        self._closed = False
        self._handles: dict[Table, Any] = {}
        try:
            self._environment = open_database(directory, initial_map_size, durable)
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
            for table in Table:
                self._handles[table] = self._open_table(table)

    def _open_table(self, table: Table) -> Any:
        while True:
            try:
                return self._environment.open_db(table.encode(), dupsort=table in TABLES_WITH_EQUAL_KEYS)
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
            raise WriteFailed(self.directory, str(error), free_bytes(self.directory)) from error


class _ReaderGate:
    """Lets any number of readers in, or none while they are excluded. Not reentrant.

    A reader notes that it is inside and looks whether readers are excluded; who excludes them says so and then looks
    whether any are inside. One of the two sees the other, so that readers need no lock while nobody is excluded.
    """

    __slots__ = ("_condition", "_excluded", "_excluding", "_inside")

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._excluding = threading.Lock()
        self._inside: set[int] = set()
        self._excluded = False

    def __enter__(self) -> None:
        thread = threading.get_ident()
        self._inside.add(thread)
        while self._excluded:
            self._leave(thread)
            with self._condition:
                while self._excluded:
                    self._condition.wait()
            self._inside.add(thread)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(threading.get_ident())

    def _leave(self, thread: int) -> None:
        self._inside.discard(thread)
        if self._excluded:
            with self._condition:
                self._condition.notify_all()

    @contextmanager
    def excluded(self) -> Iterator[None]:
        """Wait until no reader is inside and keep all out for the block."""
        with self._excluding:
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
