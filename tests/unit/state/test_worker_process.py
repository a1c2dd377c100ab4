"""A worker process that the system does not allow."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from phal2.node.state.worker_process import WorkerFailed, WorkerProcess


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open no more files, pipes and sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_process_that_cannot_be_started_is_told_of_and_started_later() -> None:
    worker = WorkerProcess(2)
    try:
        with no_more_files(), pytest.raises(WorkerFailed, match=r"cannot be started.*Too many open files"):
            await worker.run(10, os.getpid)

        assert await worker.run(60, os.getpid) == worker.process_id != os.getpid()
    finally:
        await worker.close()
