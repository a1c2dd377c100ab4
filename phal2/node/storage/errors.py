"""What can go wrong with a data directory.

Each says what was found, what was expected and what to do; stored data is untouched.
"""

from pathlib import Path

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error


class StorageError(Phal2Error):
    """A data directory that cannot be used, or a write that could not be done."""


class DirectoryNotUsable(StorageError):
    """A path that cannot be made, read or written as a data directory."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot use {path} as a data directory: {reason}; choose a directory that can be written")
        self.path = path
        self.reason = reason


class DirectoryNotReadable(StorageError):
    """A data directory that cannot be looked at."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot read the data directory {path}: {reason}")
        self.path = path
        self.reason = reason


class DirectoryInUse(StorageError):
    """A data directory that another process, or another store of this one, has open.

    `holder` is that process's id, None where it cannot be told.
    """

    def __init__(self, path: Path, holder: int | None = None) -> None:
        process = "" if holder is None else f" (process {holder})"
        super().__init__(
            f"the data directory {path} is in use by a running phal2{process}; "
            "stop that one or choose another directory"
        )
        self.path = path
        self.holder = holder


class NotADatabase(StorageError):
    """A directory whose database file is damaged or was written by something else."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} holds no phal2 database ({reason}); choose another directory")
        self.path = path
        self.reason = reason


class DamagedRecord(StorageError):
    """A record that is not what was written; `what` it is of."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            f"the database is damaged: its record of {what} cannot be read ({reason}); "
            "synchronise anew into another directory"
        )
        self.what = what


class UnknownFormat(StorageError):
    """A database of a format that this version does not read."""

    def __init__(self, path: Path, found: int, expected: int) -> None:
        remedy = (
            "use the phal2 that wrote it"
            if found > expected
            else "remove it or choose another directory, and synchronise anew"
        )
        super().__init__(f"{path} has database format {found}, this phal2 reads format {expected}; {remedy}")
        self.found = found
        self.expected = expected


class OtherChain(StorageError):
    """A database that belongs to another chain."""

    def __init__(self, path: Path, found: tuple[int, bytes], expected: tuple[int, bytes]) -> None:
        super().__init__(
            f"{path} holds another chain: chain id {found[0]}, genesis 0x{found[1].hex()}; expected chain id "
            f"{expected[0]}, genesis 0x{expected[1].hex()}; choose another data directory or configuration"
        )
        self.found = found
        self.expected = expected


class WriteFailed(StorageError):
    """A transaction that the disk did not take. Nothing of it was stored, all that was there before still is."""

    def __init__(self, path: Path, reason: str, free_bytes: int) -> None:
        super().__init__(
            f"writing to {path} failed ({reason}; {free_bytes // 2**20} MiB are free): is the disk full or "
            "failing? Nothing of this write was stored; make room and start again"
        )
        self.path = path
        self.free_bytes = free_bytes


class StorageClosed(StorageError):
    """A store that was used after it was closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the store at {path} is closed")


class UnknownBlock(StorageError):
    """A block that should be stored and is not: the parent of a new block, or a new head."""

    def __init__(self, role: str, block: BlockId) -> None:
        super().__init__(
            f"the {role}, block {block.number} (0x{block.hash.hex()}), is not stored; store it before its successors"
        )
        self.block = block


class StatePruned(StorageError):
    """A state that the retention did not ask to keep. `number` is its block, `oldest` the oldest block that has one."""

    def __init__(self, number: int, oldest: int, retention: int | None) -> None:
        kept = "an earlier run kept less" if retention is None else f"that of the last {retention} blocks is kept"
        super().__init__(
            f"the state of block {number} is pruned: {kept}, and block {oldest} is the oldest that has one; "
            "ask for a newer block, or a node that runs with --state-retention all"
        )
        self.number = number
        self.oldest = oldest
        self.retention = retention
