"""A process that computes the roots of a block's lists while this one computes the state root."""

import logging
import os
import select
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Final

from phal2.node.state.ordered_roots import Lists, own_roots
from phal2.node.state.root_worker import ANSWER, QUESTION, ROOT_LENGTH
from phal2.node.state.side_process import SideProcess, available_cores

log = logging.getLogger("phal2.roots")

LEAST_ASKED: Final = 256
"""Values in all lists together; fewer are not worth asking for."""

_MOST_BYTES: Final = 64 * 1024 * 1024
_SECONDS: Final = 5.0


class RootProcess:
    """A `RootCrew` of one process, started when it is first asked. Use it on one thread, and `close` it.

    Where the process is not there, is not worth it, or fails, the caller computes the roots.
    """

    def __init__(self, is_wanted: bool | None = None, seconds: float = _SECONDS) -> None:
        """By default a process is wanted where there is a core beside the caller's.

        It is given up where it takes longer than `seconds` for a question or an answer.
        """
        self._seconds = seconds
        self._is_wanted = available_cores() > 1 if is_wanted is None else is_wanted
        self._process: SideProcess | None = None
        self._number = 0

    def begin(self, lists: Lists) -> Callable[[], Sequence[bytes]]:
        """Hand the lists over; the returned function waits for their roots."""
        number = self._ask(lists)
        return lambda: (None if number is None else self._answer(number, len(lists))) or own_roots(lists)

    def close(self) -> None:
        """End the process and wait for it. Whoever asks afterwards works alone."""
        self._is_wanted = False
        process, self._process = self._process, None
        if process is not None:
            # It has nothing that could be lost.
            process.end(seconds=0)

    def _ask(self, lists: Lists) -> int | None:
        """Send a question and return its number, None where it is not sent."""
        if not self._is_wanted or sum(map(len, lists)) < LEAST_ASKED:
            return None
        if self._process is None:
            # It is ready for the next block: this one would wait for its start.
            self._start()
            return None
        self._number += 1
        parts = [QUESTION.pack(self._number, len(lists))]
        for values in lists:
            lengths = array("I", [len(values), *map(len, values)])
            parts += (lengths.tobytes(), *values)
        question = b"".join(parts)
        if len(question) > _MOST_BYTES:
            return None
        try:
            _write(self._process.questions, question, self._seconds)
        except OSError as error:
            self._fail(error)
            return None
        return self._number

    def _answer(self, number: int, count: int) -> Sequence[bytes] | None:
        """Return the answer to a question, None where there is none. Answers that nobody waited for are passed over."""
        answered = 0
        try:
            while answered < number and self._process is not None:
                answered, length = ANSWER.unpack(_read(self._process.answers, ANSWER.size, self._seconds))
                roots = _read(self._process.answers, length * ROOT_LENGTH, self._seconds)
        except OSError as error:
            self._fail(error)
            return None
        if answered != number or length != count:
            return None
        return [roots[start : start + ROOT_LENGTH] for start in range(0, len(roots), ROOT_LENGTH)]

    def _start(self) -> None:
        try:
            self._process = SideProcess("phal2.node.state.root_worker")
        except OSError as error:
            self._is_wanted = False
            log.warning("the process that computes roots cannot be started: %s", error)
            return
        self._process.expect_long_questions()

    def _fail(self, error: OSError) -> None:
        log.warning("the process that computes roots is given up, its work done in this process: %s", error)
        self.close()


def _write(target: int, data: bytes, seconds: float) -> None:
    """Write all of `data`; raise `OSError` where that fails or takes too long."""
    rest, end = memoryview(data), time.monotonic() + seconds
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            _wait(target, select.POLLOUT, end)


def _read(source: int, length: int, seconds: float) -> bytes:
    """Read `length` bytes; raise `OSError` where they do not come in time."""
    received, end = b"", time.monotonic() + seconds
    while len(received) < length:
        try:
            chunk = os.read(source, length - len(received))
        except BlockingIOError:
            _wait(source, select.POLLIN, end)
            continue
        if not chunk:
            raise BrokenPipeError("it has ended")
        received += chunk
    return received


def _wait(descriptor: int, event: int, end: float) -> None:
    """Wait until a pipe is ready; raise `TimeoutError` at `end`."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, end - time.monotonic()) * 1_000):
        raise TimeoutError("it takes too long")
