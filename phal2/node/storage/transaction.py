"""The view of one LMDB transaction: reads, and writes where it is a write transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from phal2.node.storage.tables import Table


class Transaction:
    """One transaction of an `Environment`. It does not outlive the call it is given to."""

    __slots__ = ("_handles", "_transaction")

    def __init__(self, transaction: Any, handles: Mapping[Table, Any]) -> None:
        self._transaction = transaction
        self._handles = handles

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the value under `key`, the first of several, None where there is none."""
        value: bytes | None = self._transaction.get(key, db=self._handles[table])
        return value

    def values(self, table: Table, key: bytes) -> list[bytes]:
        """Return all values under `key` in their order."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            return list(cursor.iternext_dup()) if cursor.set_key(key) else []

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set the value under `key`, or add it to those there in a table that holds several."""
        self._transaction.put(key, value, db=self._handles[table])

    def put_all(self, table: Table, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Put many values, in the order of their keys, which touches each page once."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            cursor.putmulti(sorted(items))

    def put_new(self, table: Table, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many values; a key that is there keeps its own (for content under its hash)."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            cursor.putmulti(sorted(items), dupdata=False, overwrite=False)

    def put_ascending(self, table: Table, items: Sequence[tuple[bytes, bytes]]) -> None:
        """Set many values whose keys ascend; behind all others they fill their pages to the last byte."""
        if not items:
            return
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            is_behind = not cursor.last() or cursor.key() < items[0][0]
            cursor.putmulti(items, append=is_behind)

    def delete(self, table: Table, key: bytes, value: bytes = b"") -> None:
        """Remove `key` where it is there; with `value`, that one of several."""
        self._transaction.delete(key, value, db=self._handles[table])

    def delete_all(self, table: Table, keys: Iterable[bytes]) -> None:
        """Remove those of many keys that are there."""
        delete, handle = self._transaction.delete, self._handles[table]
        for key in keys:
            delete(key, db=handle)

    def delete_from(self, table: Table, first_key: bytes) -> None:
        """Remove `first_key` and all keys after it."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            found = cursor.set_range(first_key)
            while found:
                found = cursor.delete()

    def items_under(self, table: Table, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Give the items whose keys begin with `prefix`, in the order of their keys. Write nothing meanwhile."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            found = cursor.set_range(prefix)
            while found and cursor.key().startswith(prefix):
                yield cursor.item()
                found = cursor.next()

    def items_between(self, table: Table, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Give the items from the key `first` on up to, but without, `end`. Write nothing meanwhile."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            found = cursor.set_range(first)
            while found and cursor.key() < end:
                yield cursor.item()
                found = cursor.next()

    def newest(self, table: Table, count: int) -> list[tuple[bytes, bytes]]:
        """Return the items with the `count` greatest keys, the greatest first."""
        with self._transaction.cursor(db=self._handles[table]) as cursor:
            return list(islice(cursor.iterprev(), count))

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
