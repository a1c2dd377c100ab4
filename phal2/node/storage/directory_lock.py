"""The lock that keeps a data directory to one store of one process."""

import contextlib
import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from phal2.node.storage.errors import DirectoryInUse, DirectoryNotUsable

LOCK_FILE_NAME: Final = "phal2.lock"
_LONGEST_PROCESS_ID: Final = 20

_held: Final[set[Path]] = set()
_held_guard: Final = threading.Lock()


class DirectoryLock:
    """An exclusive lock on a directory, held until `release` or until the process ends, however it ends.

    A record lock (fcntl) rather than flock: it does not pass to forked worker processes, which may outlive a killed
    node for a moment and would keep the directory locked. Record locks do not exclude the process that holds them,
    hence the set of held paths. The lock file holds the process id of its last holder, for the error that others get.
    """

    def __init__(self, directory: Path) -> None:
        """Make the directory where it is not there, and take the lock.

        Raise `DirectoryInUse` where it is taken and `DirectoryNotUsable` where directory or file cannot be made.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise DirectoryNotUsable(directory, "it is a file") from None
        except OSError as error:
            raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
        self._path = Path(os.path.realpath(directory))
        with _held_guard:
            # Before the file is opened: to close it again would give up the lock that this process has.
            if self._path in _held:
                raise DirectoryInUse(directory, os.getpid())
            try:
                self._descriptor = os.open(self._path / LOCK_FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = _noted_holder(self._descriptor)
                os.close(self._descriptor)
                if error.errno in (errno.EAGAIN, errno.EACCES):
                    raise DirectoryInUse(directory, holder) from None
                raise DirectoryNotUsable(directory, error.strerror or str(error)) from error
            _note_holder(self._descriptor)
            _held.add(self._path)

    def release(self) -> None:
        """Give the directory free. Releasing twice does nothing."""
        with _held_guard:
            if self._path in _held:
                _held.discard(self._path)
                os.close(self._descriptor)


def _note_holder(descriptor: int) -> None:
    # A full disk need not keep anyone from reading what is stored: the note only makes an error clearer.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)


def _noted_holder(descriptor: int) -> int | None:
    try:
        note = os.pread(descriptor, _LONGEST_PROCESS_ID, 0).strip()
    except OSError:
        return None
    return int(note) if note.isdigit() else None
