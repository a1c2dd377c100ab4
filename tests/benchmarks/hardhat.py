"""hardhat from npm: installed on demand in a folder beside these files, and run."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.chain import BLOCK_GAS_LIMIT, CHAIN_ID
from benchmarks.node_process import NodeProcess, running
from benchmarks.npm_programs import ProgramMissing, installed_program

_FOLDER: Final = Path(__file__).resolve().parent / "hardhat"
_LISTENING: Final = re.compile(r"JSON-RPC server at (http://[\d.]+:\d+)")


def hardhat_program() -> Path:
    """Return the script that Node.js runs, installed by npm where it is not there yet. Raises `ProgramMissing`."""
    if shutil.which("node") is None:
        raise ProgramMissing("Node.js is not installed")
    script = _FOLDER / "node_modules" / "hardhat" / "internal" / "cli" / "bootstrap.js"
    return installed_program(_FOLDER, script)


@contextmanager
def running_hardhat(program: Path, account_count: int) -> Iterator[tuple[str, NodeProcess]]:
    """Run hardhat's node with a block a second; give its URL and process."""
    config = str(_FOLDER / "hardhat.config.js")
    command = ["node", str(program), "--config", config, "node", "--hostname", "127.0.0.1", "--port", "0"]
    environment = {
        "BENCHMARK_CHAIN_ID": str(CHAIN_ID),
        "BENCHMARK_GAS_LIMIT": str(BLOCK_GAS_LIMIT),
        "BENCHMARK_ACCOUNTS": str(account_count),
        "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
    }
    with running(command, lambda line: _LISTENING.search(line) is not None, environment, _FOLDER) as node:
        found = _LISTENING.search(node.ready_line)
        assert found is not None
        yield found[1], node
