"""The lock that keeps a data directory to one store of one process."""

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from phal2.node.storage.errors import DirectoryInUse, DirectoryNotUsable

LOCK_FILE_NAME: Final = "phal2.lock"

_held: Final[set[Path]] = set()
_held_guard: Final = threading.Lock()


class DirectoryLock:
    """An exclusive lock on a directory, held until `release` or until the process ends, however it ends.

    A record lock (fcntl) rather than flock: it does not pass to forked worker processes, which may outlive a killed
    node for a moment and would keep the directory locked. Record locks do not exclude the process that holds them,
    hence the set of held paths.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock.

        Raise `DirectoryInUse` where it is taken and `DirectoryNotUsable` where the file cannot be made.
        """
        self._path = Path(os.path.realpath(directory))
        with _held_guard:
            if self._path in _held:
                raise DirectoryInUse(directory)
            try:
                self._descriptor = os.open(self._path / LOCK_FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(self._descriptor)
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    raise DirectoryInUse(directory) from None
                raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
            _held.add(self._path)

    def release(self) -> None:
        """Give the directory free. Releasing twice does nothing."""
        with _held_guard:
            if self._path in _held:
                _held.discard(self._path)
                os.close(self._descriptor)
