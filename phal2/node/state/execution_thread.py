"""A thread for execution, so that an event loop can go on while blocks are executed on it one after the other."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class ExecutionThread:
    """One thread that runs functions in the order in which they are given.

    Nested calls live on the interpreter's heap, not on the thread's stack, so a thread of the platform's usual size
    does for every depth that the EVM allows.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[[], Result]) -> Result:
        """Run `function` on the thread and return what it returns; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def close(self) -> None:
        """Wait for what is running, drop what is waiting, and end the thread."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
