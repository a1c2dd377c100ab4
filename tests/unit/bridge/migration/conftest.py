import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from migration_chains import MigrationChains

# The chain in memory is that of the contracts' tests.
sys.path.append(str(Path(__file__).resolve().parents[2] / "contracts"))


@pytest.fixture
async def chains() -> "AsyncIterator[MigrationChains]":
    """An L1 and an L2 with the migration's contracts, both served as JSON-RPC."""
    from migration_chains import MigrationChains

    chains = MigrationChains.deploy()
    async with AsyncExitStack() as servers:
        chains.l1_url = await servers.enter_async_context(chains.l1.serve())
        chains.l2_url = await servers.enter_async_context(chains.l2.serve())
        yield chains


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str, str], str]:
    """Write text into a file of a name, and return its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def free_url() -> Iterator[str]:
    """The URL of a port at which nothing listens."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"
