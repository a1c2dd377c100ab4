"""anvil as a child process of the devnet: it ends with the devnet, however that ends."""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from phal2.devnet.anvil.errors import AnvilFailed, AnvilMissing

log = logging.getLogger("phal2.anvil")

_LISTENING: Final = re.compile(rb"Listening on ([\w.:\[\]]+:\d+)")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_KEPT_PIECES: Final = 64
_PIECE: Final = 65_536

# Run by an interpreter of its own, which then becomes anvil: a devnet that is killed (PR_SET_PDEATHSIG of prctl(2), on
# Linux alone) takes anvil along, without code between fork and exec in this process, which has threads.
_LAUNCHER: Final = """
import os, sys
parent, command = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes, signal
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(command[0], command)
"""


def find_anvil(asked_for: Path | None) -> Path:
    """Return the program that is asked for, else the one on the PATH. Raises `AnvilMissing`."""
    found = shutil.which("anvil" if asked_for is None else asked_for)
    if found is None:
        raise AnvilMissing(asked_for)
    return Path(found).resolve()


class AnvilProcess:
    """A running anvil. Make it with `start`; `task` ends when anvil does, which is a failure until `stop`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `start`."""
        self._process = process
        self._said: deque[bytes] = deque(maxlen=_KEPT_PIECES)
        self.url = ""
        self.task: asyncio.Task[None] = asyncio.create_task(self._watch(), name="anvil")

    @classmethod
    async def start(cls, program: Path, options: Sequence[str]) -> "AnvilProcess":
        """Start anvil and return when it listens. Raises `AnvilFailed`; then nothing is left running."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(program), *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C is for the devnet, which ends L2 before L1.
            start_new_session=True,
        )
        anvil = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                anvil.url = await anvil._listening()
        except BaseException as error:
            await anvil.stop()
            if isinstance(error, TimeoutError):
                raise AnvilFailed(f"anvil does not listen after {_START_SECONDS:.0f} s", anvil.output) from None
            raise
        return anvil

    @property
    def output(self) -> str:
        """The last of what anvil said."""
        return b"".join(self._said).decode("utf-8", "replace")

    async def stop(self) -> None:
        """End anvil as Ctrl-C does and wait for it."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._signal(signal.SIGKILL)
                await self._process.wait()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            # The whole group: where the program is a script that runs anvil, both end.
            os.killpg(self._process.pid, number)

    async def _listening(self) -> str:
        while (found := _LISTENING.search(b"".join(self._said))) is None:
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0.01)
        return f"http://{found[1].decode()}"

    async def _watch(self) -> None:
        """Read what anvil says, as its pipe must not fill up, until it ends."""
        stdout = self._process.stdout
        while stdout is not None and (piece := await stdout.read(_PIECE)):
            self._said.append(piece)
        code = await self._process.wait()
        log.debug("anvil has ended with code %d", code)
        raise AnvilFailed(f"anvil has ended with code {code}", self.output)
