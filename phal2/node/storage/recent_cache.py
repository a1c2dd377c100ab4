"""A cache of what was used lately, bounded by the weight of its entries."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class RecentCache(Generic[Key, Value]):
    """Keeps the entries used last, up to `capacity` by weight, and at most twice as much.

    Two generations stand in for a list in order of use: a lookup costs one or two dictionary reads and needs no lock,
    as each step is atomic under the interpreter's lock and a lost race costs only a second read from the disk.
    """

    __slots__ = ("_capacity", "_old", "_weight", "_young")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._weight = 0
        self._young: dict[Key, tuple[Value, int]] = {}
        self._old: dict[Key, tuple[Value, int]] = {}

    def get(self, key: Key) -> Value | None:
        """Return the value under `key`, None where it is not in the cache."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                return None
            self.put(key, *entry)
        return entry[0]

    def put(self, key: Key, value: Value, weight: int = 1) -> None:
        """Remember `value`; the generation used least recently is forgotten where there is no more room."""
        self._young[key] = (value, weight)
        self._weight += weight
        if self._weight >= self._capacity:
            self._old = self._young
            self._young = {}
            self._weight = 0

    def remove(self, key: Key) -> None:
        """Forget `key` where it is in the cache. Its weight is counted until its generation is forgotten."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
