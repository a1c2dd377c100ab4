"""phal2 as its users run it: the whole devnet in one process, or a sequencer alone beside an L1 in another process."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chain import BLOCK_GAS_LIMIT, CHAIN_ID
from benchmarks.node_process import NodeProcess, running


@contextmanager
def running_devnet(account_count: int) -> Iterator[tuple[str, NodeProcess]]:
    """Run `phal2 devnet` with a larger block gas limit and more accounts; give the sequencer's URL and the process."""
    ports = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
    options = ("--l2-chain-id", CHAIN_ID, "--l2-gas-limit", BLOCK_GAS_LIMIT, "--accounts", account_count)
    with running(_phal2("devnet", "--json", *ports, *options), _is_json) as node:
        yield json.loads(node.ready_line)["l2"]["rpc"], node


@contextmanager
def running_sequencer(account_count: int) -> Iterator[tuple[str, NodeProcess]]:
    """Run `phal2 node --sequencer` on an L1 in a process of its own; give its URL and process."""
    with TemporaryDirectory(prefix="phal2-benchmark-") as name:
        directory = Path(name)
        folder = str(Path(__file__).resolve().parents[1])
        l1_command = [sys.executable, "-m", "benchmarks.l1_process", name, str(account_count)]
        with running(l1_command, _is_json, {"PYTHONPATH": folder}) as l1:
            files = ("--rollup-config", directory / "rollup.json", "--genesis", directory / "genesis.json")
            options = ("--l1", json.loads(l1.ready_line)["rpc"], *files, "--data-dir", directory / "l2", "--port", 0)
            with running(_phal2("node", "--sequencer", "--json", *options), _is_json) as node:
                yield json.loads(node.ready_line)["rpc"], node


def _phal2(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "phal2", *map(str, arguments)]


def _is_json(line: str) -> bool:
    return line.startswith("{")
