"""A program of this package that runs beside this process and is asked through pipes.

It has an interpreter of its own, so neither waits for the other's lock.
"""

import fcntl
import os
import subprocess
import sys
from contextlib import suppress
from typing import IO, Final, cast

_END_SECONDS: Final = 2.0
_PIPE_BYTES: Final = 1024 * 1024
"""The most that every user may have of a pipe on Linux, as long as all of the user's pipes are not too many."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SideProcess:
    """The process of a module that reads questions from standard input and writes answers to standard output.

    It ends with its input, so with this process, however that ends.
    """

    def __init__(self, module: str) -> None:
        """Start it; raise `OSError` where the system allows no more."""
        # A session of its own, so that Ctrl-C leaves it to its parent to end it.
        self._process = subprocess.Popen(  # noqa: S603 - own program
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        # PIPE gives both.
        self._input, self._output = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self.questions: Final = self._input.fileno()
        """Where questions are written, which blocks while the pipe is full."""
        self.answers: Final = self._output.fileno()
        """Where answers are read, which does not block."""
        os.set_blocking(self.answers, False)

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def expect_long_questions(self) -> None:
        """Have the pipe hold as much of a question as the system allows, and writing no longer block."""
        os.set_blocking(self.questions, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):
                fcntl.fcntl(self.questions, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def end(self, seconds: float = _END_SECONDS) -> None:
        """End the process and wait for it; kill it where it has not ended after `seconds`."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
