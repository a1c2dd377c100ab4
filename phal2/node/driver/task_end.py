"""The end of a task, for those who own one."""

import asyncio


async def end_task(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it has ended; what it fails with meanwhile is its owner's to look at."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
