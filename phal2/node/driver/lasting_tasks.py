"""Tasks that run until their owner ends them, and say why where they end by themselves."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from phal2.node.protocol.errors import Phal2Error

log = logging.getLogger("phal2.driver")


def begin_task(name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Run `work` as a task with a name for people to read; what it fails with is logged at once."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report_failure)
    return task


async def end_task(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it has ended; what it fails with meanwhile is its owner's to look at."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def why_ended(task: "asyncio.Task[Any]") -> str:
    """Return what has ended a task that was to run on."""
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    if error is None:
        return "it returned"
    return str(error) if isinstance(error, Phal2Error) else f"{type(error).__name__}: {error}"


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        # What phal2 knows how to say needs no traceback; the rest is a defect, which one helps to find.
        defect = None if isinstance(error, Phal2Error) else error
        log.critical("%s has stopped working: %s", task.get_name(), why_ended(task), exc_info=defect)
