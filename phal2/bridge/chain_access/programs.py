"""What programs that run until they are interrupted share."""

import asyncio
import logging
import signal
import stat
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path


async def run_until_interrupted(work: Coroutine[None, None, None]) -> None:
    """Run what runs for ever, until SIGINT or SIGTERM. Raises what the work fails with."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def log_to_stderr(logger: logging.Logger, *, verbose: bool) -> None:
    """Print what a program that runs on logs, with the time, on stderr."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


def warn_of_readable_key(path: Path | None) -> None:
    """Warn on stderr where other users of the machine can read a key's file, in which the key lies for long."""
    if path is not None and path.is_file() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        print(f"warning: other users can read the key in {path}; run chmod 600 {path}", file=sys.stderr)
