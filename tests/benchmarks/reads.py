"""The benchmark of reads by JSON-RPC, phal2 beside anvil and hardhat: `make bench-rpc`, shorter with ARGS=--quick."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.anvil import anvil_program, running_anvil
from benchmarks.hardhat import hardhat_program, running_hardhat
from benchmarks.node_process import NodeProcess
from benchmarks.npm_programs import ProgramMissing
from benchmarks.phal2_nodes import running_devnet
from benchmarks.read_workload import Question, prepare
from benchmarks.report import MeasurementFailed, format_machine, machine

CONNECTIONS: Final = (1, 16, 64)
BATCH_LENGTH: Final = 100
BATCH_CONNECTIONS: Final = 4

_SMALL_SHARE_OF_ANVIL: Final = 0.3
_SECONDS: Final = 2.0
_QUICK_SECONDS: Final = 0.3

Running = Callable[[], AbstractContextManager[tuple[str, NodeProcess]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """Requests a second, those of a batch counted one by one, and the median and 99th percentile in milliseconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Case:
    """A question at a number of connections; `batch_length` 0 asks one request at a time."""

    question: str
    is_small: bool
    connections: int
    batch_length: int

    def __str__(self) -> str:
        return f"batches of {self.batch_length}" if self.batch_length else f"{self.connections} connections"


def measure_node(run: Running, seconds: float) -> dict[Case, Figure]:
    """Start a node, prepare its chain and measure all cases. Raises `MeasurementFailed` and `ProgramMissing`."""
    with run() as (url, _):
        questions = asyncio.run(prepare(url))
        return {case: _measure(url, question, case, seconds) for question in questions for case in _cases(question)}


def _cases(question: Question) -> list[Case]:
    cases = [Case(question.name, question.is_small, connections, 0) for connections in CONNECTIONS]
    if question.is_small:
        cases.append(Case(question.name, True, BATCH_CONNECTIONS, BATCH_LENGTH))
    return cases


def _measure(url: str, question: Question, case: Case, seconds: float) -> Figure:
    where = urlsplit(url)
    job = {
        "host": where.hostname,
        "port": where.port,
        "connections": case.connections,
        "seconds": seconds,
        "bodies": question.batches(case.batch_length) if case.batch_length else question.bodies(),
    }
    client = [sys.executable, "-m", "benchmarks.read_client"]
    ended = subprocess.run(client, input=json.dumps(job).encode(), capture_output=True)
    if ended.returncode != 0:
        raise MeasurementFailed(f"{question.name}: {ended.stderr.decode().strip()[-300:]}")
    result = json.loads(ended.stdout)
    latencies = result["latencies"]
    rate = result["answers"] * (case.batch_length or 1) / result["seconds"]
    return Figure(rate, 1e3 * latencies[len(latencies) // 2], 1e3 * latencies[len(latencies) * 99 // 100])


def verdicts(figures: dict[str, dict[Case, Figure]]) -> list[str]:
    """Return what of the goals is not reached, a line each; what was not measured counts as reached."""
    missed = []
    own, anvil, hardhat = (figures.get(name, {}) for name in ("phal2", "anvil", "hardhat"))
    for case, figure in own.items():
        goals = [("anvil", anvil.get(case), _SMALL_SHARE_OF_ANVIL if case.is_small else 1.0)]
        goals.append(("hardhat", hardhat.get(case), 1.0))
        for name, other, share in goals:
            if other is not None and figure.rate < share * other.rate:
                missed.append(
                    f"{case.question}, {case}: {figure.rate / other.rate:.2f} of {name}'s, the goal is {share:g}"
                )
    return missed


def _table(figures: dict[str, dict[Case, Figure]]) -> str:
    names = list(figures)
    lines = [f"{'':<30}{'':<16}" + "".join(f"{name:>30}" for name in names) + "   of anvil  of hardhat"]
    previous = ""
    for case in figures["phal2"]:
        cells = ""
        for name in names:
            figure = figures[name].get(case)
            shown = "-" if figure is None else f"{figure.rate:,.0f}/s {figure.p50:.2f} {figure.p99:.2f}"
            cells += f"{shown:>30}"
        shares = "".join(
            f"{figures['phal2'][case].rate / figures[name][case].rate:>11.2f}" if case in figures.get(name, {}) else ""
            for name in ("anvil", "hardhat")
        )
        lines.append(f"{case.question if case.question != previous else '':<30}{case!s:<16}{cells}{shares}")
        previous = case.question
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what can be had, print the table, and return 0 unless phal2 itself could not be measured."""
    options = _parser().parse_args(arguments)
    nodes: dict[str, Callable[[], Running]] = {
        "phal2": lambda: partial(running_devnet, 10),
        "anvil": lambda: partial(running_anvil, anvil_program(), 10),
        "hardhat": lambda: partial(running_hardhat, hardhat_program(), 10),
    }
    facts = machine()
    print(format_machine(facts), flush=True)
    print("phal2 is the whole devnet in one process; requests/s, then median and 99th percentile in ms\n", flush=True)
    figures: dict[str, dict[Case, Figure]] = {}
    for name in options.only or nodes:
        try:
            figures[name] = measure_node(nodes[name](), _QUICK_SECONDS if options.quick else _SECONDS)
        except (MeasurementFailed, ProgramMissing) as error:
            print(f"{name}: not measured: {error}\n", flush=True)
    if "phal2" not in figures:
        return 1
    print(_table(figures))
    for line in verdicts(figures):
        print(f"not reached: {line}")
    if options.json is not None:
        rows = {
            name: [asdict(case) | asdict(figure) for case, figure in cases.items()] for name, cases in figures.items()
        }
        options.json.write_text(json.dumps({"machine": asdict(facts), "figures": rows}, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-rpc ARGS=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of the time for each figure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, too")
    parser.add_argument("--only", action="append", choices=("phal2", "anvil", "hardhat"), metavar="NODE")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
