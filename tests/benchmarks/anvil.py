"""anvil from npm: installed on demand beside these files, and run."""

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.chain import BLOCK_GAS_LIMIT, CHAIN_ID
from benchmarks.node_process import NodeProcess, running
from benchmarks.npm_programs import installed_program

_FOLDER: Final = Path(__file__).resolve().parent
_LISTENING: Final = re.compile(r"Listening on ([\d.]+:\d+)")
_ARCHITECTURES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def anvil_program() -> Path:
    """Return the program, installed by npm where it is not there yet. Raises `ProgramMissing`."""
    architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    package = f"anvil-{platform.system().lower()}-{architecture}"
    return installed_program(_FOLDER, _FOLDER / "node_modules" / "@foundry-rs" / package / "bin" / "anvil")


@contextmanager
def running_anvil(program: Path, account_count: int) -> Iterator[tuple[str, NodeProcess]]:
    """Run anvil with a block a second; give its URL and process."""
    options = {
        "--port": 0,
        "--chain-id": CHAIN_ID,
        "--accounts": account_count,
        "--block-time": 1,
        "--gas-limit": BLOCK_GAS_LIMIT,
    }
    command = [str(program), *(str(part) for option in options.items() for part in option)]
    with running(command, lambda line: _LISTENING.search(line) is not None) as node:
        found = _LISTENING.search(node.ready_line)
        assert found is not None
        yield f"http://{found[1]}", node
