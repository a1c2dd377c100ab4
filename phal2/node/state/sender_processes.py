"""Processes that recover signers beside this one.

libsecp256k1 takes some 45 µs a signature, more than all else that admission does. A thread would have to wait for the
interpreter's lock before and after each of them, while another executes a block; a process does not.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from phal2.node.protocol.sender_recovery import signer
from phal2.node.state.side_process import SideProcess, available_cores

log = logging.getLogger("phal2.senders")

_ADDRESS_LENGTH: Final = 20
_MOST_PROCESSES: Final = 3
_CHUNK: Final = 64
"""Signatures that come together to the processes. Every look after them may cost the caller the interpreter's lock."""
_ALONE: Final = 16
"""Signatures that the caller recovers between two looks after the processes."""
_MOST_ASKED: Final = 128
"""Signatures that a process has before it; fewer than a pipe holds, so that nothing ever waits to be written."""


class SenderProcesses:
    """A `SenderCrew` of processes, started when it is first asked, and of the caller, which works along.

    Threads may share it. Where a process fails, the caller does its work.
    """

    def __init__(self, count: int | None = None) -> None:
        """Use `count` processes; by default one a core, leaving one core to the caller."""
        self._count = min(available_cores() - 1, _MOST_PROCESSES) if count is None else count
        self._processes: list[_Process] | None = None
        self._turn = threading.Lock()

    def signers(self, signatures: Iterable[bytes]) -> list[bytes]:
        """Return the address for each signature, `NO_ADDRESS` for none. Signatures are worked on as they come."""
        with self._turn:
            if self._processes is None:
                self._processes = _started(self._count)
            self._processes = [process for process in self._processes if not process.has_failed]
            return _SharedWork(self._processes).signers(signatures)

    def close(self) -> None:
        """End the processes and wait for them. Whoever asks afterwards works alone."""
        with self._turn:
            for process in self._processes or ():
                process.end()
            self._processes = []


def _started(count: int) -> list["_Process"]:
    """Start `count` processes, or as many as the system allows."""
    processes: list[_Process] = []
    try:
        for _ in range(count):
            processes.append(_Process())  # noqa: PERF401 - those that did start are kept
    except OSError as error:
        log.warning("%d of %d processes to recover senders could be started: %s", len(processes), count, error)
    return processes


class _SharedWork:
    """Signatures that processes recover from the first one on, and the caller from the last one back."""

    def __init__(self, processes: Sequence["_Process"]) -> None:
        self._processes = processes
        self._signatures: list[bytes] = []
        self._addresses: list[bytes | None] = []
        self._asked = 0

    def signers(self, signatures: Iterable[bytes]) -> list[bytes]:
        """Return the address of each signature."""
        try:
            for signature in signatures:
                self._signatures.append(signature)
                if len(self._signatures) % _CHUNK == 0:
                    self._look_after(len(self._signatures))
            end = len(self._signatures)
            self._look_after(end)
            # The caller goes on where the processes have begun: it waits for none, should one be slow or gone.
            while end:
                end -= 1
                if self._addresses[end] is None:
                    self._addresses[end] = signer(self._signatures[end])
                    if end % _ALONE == 0:
                        self._look_after(end)
        finally:
            for process in self._processes:
                process.forget()
        return [address for address in self._addresses if address is not None]

    def _look_after(self, end: int) -> None:
        """Take the processes' answers, and give them what nobody has of the signatures before `end`."""
        self._addresses += [None] * (len(self._signatures) - len(self._addresses))
        for process in self._processes:
            process.take(self._addresses)
            begin = self._asked
            self._asked = max(begin, min(end, begin + process.room))
            process.ask(range(begin, self._asked), self._signatures[begin : self._asked])


class _Process:
    """One process. What it is asked has the number under which its answer goes into a list."""

    def __init__(self) -> None:
        self._process = SideProcess("phal2.node.state.sender_worker")
        self._numbers: deque[int | None] = deque()
        self._received = b""
        self.has_failed = False

    @property
    def room(self) -> int:
        """How many signatures it may be asked now."""
        return 0 if self.has_failed else _MOST_ASKED - len(self._numbers)

    def ask(self, numbers: Sequence[int], signatures: Sequence[bytes]) -> None:
        """Have it recover the signers of some signatures, at most `room`."""
        if signatures:
            self._numbers += numbers
            try:
                os.write(self._process.questions, b"".join(signatures))
            except OSError:
                self._fail()

    def take(self, addresses: list[bytes | None]) -> None:
        """Put the answers that are there into `addresses`."""
        if not self._numbers or self.has_failed:
            return
        try:
            received = os.read(self._process.answers, _MOST_ASKED * _ADDRESS_LENGTH)
        except BlockingIOError:
            return
        if not received:
            self._fail()
            return
        self._received += received
        complete = len(self._received) // _ADDRESS_LENGTH * _ADDRESS_LENGTH
        for start in range(0, complete, _ADDRESS_LENGTH):
            number = self._numbers.popleft()
            if number is not None:
                addresses[number] = self._received[start : start + _ADDRESS_LENGTH]
        self._received = self._received[complete:]

    def forget(self) -> None:
        """Drop the answers that are still to come."""
        self._numbers = deque([None] * len(self._numbers))

    def end(self) -> None:
        """End the process and wait for it."""
        self._process.end()

    def _fail(self) -> None:
        self.has_failed = True
        log.warning("a process that recovers senders has ended; its work is done in this process from now on")
        self.end()
