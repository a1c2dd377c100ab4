"""`phal2 node` in a process of its own, beside a devnet that has left its rollup.json and genesis.json."""

import ctypes
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phal2.devnet.process import DevnetProcess, Endpoint

Prepare = Callable[[], None]
"""Runs in a new process before the command does."""

_DROP_FROM_BOUNDING_SET = 24
_OVERRIDE_PERMISSIONS = (1, 2)


def command(devnet: DevnetProcess, chain_dir: Path, data_dir: Path, *options: str) -> tuple[str, ...]:
    """The command line of a node of the devnet's rollup on free ports."""
    files = ("--rollup-config", str(chain_dir / "rollup.json"), "--genesis", str(chain_dir / "genesis.json"))
    given = ("--l1", devnet.l1.url, *files, "--data-dir", str(data_dir), "--port", "0", "--json", *options)
    return (sys.executable, "-m", "phal2", "node", *given)


@contextmanager
def running(
    arguments: tuple[str, ...], prepare: Prepare | None = None
) -> Iterator[tuple["subprocess.Popen[str]", Endpoint]]:
    """A node that serves, and where."""
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        description = json.loads(line)
        assert description["ws"] == "ws" + description["rpc"].removeprefix("http")
        yield process, Endpoint(description["rpc"], description["chainId"])
    finally:
        process.kill()
        process.communicate()


def refused(arguments: tuple[str, ...], prepare: Prepare | None = None) -> tuple[int, str]:
    """Run a command that cannot begin; return its exit code, and all that it wrote to stderr."""
    result = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=prepare,
    )
    assert result.stdout == ""
    return result.returncode, result.stderr


def with_the_rights_of_files() -> None:
    """Have the rights of files and directories hold for root, too, in the program that this process becomes."""
    if os.geteuid() == 0:
        for capability in _OVERRIDE_PERMISSIONS:
            assert ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0) == 0


def with_files_of_at_most(size: int) -> Prepare:
    """Have no file grow beyond `size` bytes, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
