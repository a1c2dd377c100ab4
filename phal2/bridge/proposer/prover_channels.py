"""Ways to a prover program: a process that is started for it, or a TCP connection to where it runs."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from phal2.bridge.proposer.errors import ProverUnavailable

_LOGGER = logging.getLogger("phal2.proposer")

_END_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 10.0


class Channel(Protocol):
    """An open way to the program."""

    @property
    def reader(self) -> asyncio.StreamReader:
        """What the program answers."""
        ...

    @property
    def writer(self) -> asyncio.StreamWriter:
        """What the program is asked."""
        ...

    async def close(self) -> None:
        """End it. Raises nothing."""
        ...


class ChannelOpener(Protocol):
    """Opens the way to one prover."""

    makes_new_key: bool
    """Whether the program that is reached after closing and opening again has a new key."""

    async def open(self) -> Channel:
        """Open the way. Raises `ProverUnavailable`."""
        ...


class ProcessChannel:
    """A program that runs as long as its input is open."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self.reader = reader
        self.writer = writer

    async def close(self) -> None:
        """End the program; a proof under way is given up."""
        process = self._process
        self.writer.close()
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await process.wait()


class ProverCommand:
    """Starts the program anew each time; its key is its own."""

    makes_new_key = True

    def __init__(self, command: Sequence[str]) -> None:
        """`command` is the program and its arguments."""
        self._command = command

    async def open(self) -> ProcessChannel:
        """Start the program. Raises `ProverUnavailable`."""
        try:
            # Ctrl-C is for whoever runs this; the program ends with its input.
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ProverUnavailable(f"the prover program {self._command[0]} cannot be started: {error}") from error
        if process.stdout is None or process.stdin is None:
            raise ProverUnavailable("the prover program has neither input nor output")
        _LOGGER.debug("started the prover program, process %d", process.pid)
        return ProcessChannel(process, process.stdout, process.stdin)


def prover_command(configuration: Path, further: Sequence[str] = ()) -> list[str]:
    """Return the command that runs this project's prover for the rollup of a configuration file (rollup.json)."""
    return [sys.executable, "-m", "phal2.bridge.prover", "--rollup-config", str(configuration), *further]


class SocketChannel:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def close(self) -> None:
        """Close the connection; the program goes on."""
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


class ProverAddress:
    """Connects to a program that listens, such as one in a confidential virtual machine."""

    makes_new_key = False

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def open(self) -> SocketChannel:
        """Connect. Raises `ProverUnavailable`."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return SocketChannel(*await asyncio.open_connection(self._host, self._port))
        except (OSError, TimeoutError) as error:
            reason = f"no connection within {_CONNECT_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error)
            raise ProverUnavailable(f"the prover at {self._host}:{self._port} cannot be reached: {reason}") from error
