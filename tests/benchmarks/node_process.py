"""Programs that a benchmark starts, tells when they are ready, and ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import Final

from benchmarks.report import MeasurementFailed

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class NodeProcess:
    """A running program and what it said when it was ready."""

    process: "subprocess.Popen[bytes]"
    ready_line: str

    def processor_seconds(self) -> float | None:
        """Return the processor time that it and its children have used; None where the system does not tell."""
        ticks = None
        for status in Path("/proc").glob("[0-9]*/stat"):
            # A process may end while the others are read.
            with suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                if self.process.pid in (int(status.parent.name), int(fields[1])):
                    ticks = (ticks or 0) + int(fields[11]) + int(fields[12])
        return None if ticks is None else ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    command: Sequence[str],
    is_ready: Callable[[str], bool],
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> Iterator[NodeProcess]:
    """Run a program (in `directory`, if given); give it once a line of its output `is_ready`.

    It is ended at the end, whatever happens.

    Raises `MeasurementFailed`, with what it said on stderr, where it ends before that or takes too long.
    """
    # Output goes to a file, as a pipe that nobody reads would stop a program that says something of every request.
    with TemporaryFile("w+") as errors, NamedTemporaryFile("w+") as output:
        variables = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=variables, cwd=directory)
        try:
            line = _awaited_line(process, Path(output.name), is_ready)
            if line is None:
                errors.seek(0)
                raise MeasurementFailed(f"{command[0]} did not get ready: {errors.read().strip()[-2000:]}")
            yield NodeProcess(process, line)
        finally:
            _end(process)


def _awaited_line(process: "subprocess.Popen[bytes]", output: Path, is_ready: Callable[[str], bool]) -> str | None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        line = next((line for line in output.read_text().splitlines() if is_ready(line)), None)
        if line is not None or has_ended:
            return line
        time.sleep(_POLL_SECONDS)
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
