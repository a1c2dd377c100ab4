"""What a benchmark reports: rows for a table that a person reads and for a file that a program reads."""

import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


class MeasurementFailed(Exception):
    """What was measured is not what was meant to be; the text says what went wrong."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. `blocks` of each kind with `block_transactions` each; counts of everything else."""

    accounts: int
    senders: int
    block_transactions: int
    blocks: int
    growth_blocks: int
    trie_batches: tuple[int, ...]
    proofs: int
    py_evm_transactions: int
    rpc_transfers: int
    rpc_token_transfers: int
    rpc_senders: int


FULL = Scale(
    accounts=100_000,
    senders=20_000,
    block_transactions=5_000,
    blocks=6,
    growth_blocks=8,
    trie_batches=(2_000, 10_000),
    proofs=2_000,
    py_evm_transactions=500,
    rpc_transfers=30_000,
    rpc_token_transfers=15_000,
    rpc_senders=320,
)

QUICK = Scale(
    accounts=10_000,
    senders=2_000,
    block_transactions=500,
    blocks=3,
    growth_blocks=6,
    trie_batches=(200, 1_000),
    proofs=200,
    py_evm_transactions=50,
    rpc_transfers=2_000,
    rpc_token_transfers=1_000,
    rpc_senders=160,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `goal` is what the project wants to reach: at least that, or with `at_most` at most that."""

    name: str
    value: float | None
    unit: str
    detail: str = ""
    goal: float | None = None
    at_most: bool = False

    @property
    def is_reached(self) -> bool | None:
        """Tell whether the goal is reached, None where there is none, or no figure."""
        if self.goal is None or self.value is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one measurement."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures were measured on and when."""

    cores: int
    processor: str
    memory_gigabytes: float
    system: str
    python: str
    time: str


def machine() -> Machine:
    """Return the facts of this machine."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        processor=_processor_name(),
        memory_gigabytes=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def format_machine(facts: Machine) -> str:
    """Return the facts on one line."""
    return (
        f"{facts.cores} cores ({facts.processor}), {facts.memory_gigabytes:g} GiB, {facts.system}, {facts.python}, "
        f"{facts.time}"
    )


def format_section(section: Section) -> str:
    """Return the rows as a table of text."""
    lines = [(row.name, _figure(row), _goal(row), row.detail) for row in section.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    body = (
        f"  {name:<{widths[0]}}  {figure:>{widths[1]}}  {goal:<{widths[2]}}  {detail}".rstrip()
        for name, figure, goal, detail in lines
    )
    return "\n".join((section.title, *body))


def document(facts: Machine, sections: Iterable[Section]) -> dict[str, object]:
    """Return all of it for a JSON file."""
    return {
        "machine": asdict(facts),
        "sections": {
            section.title: [{**asdict(row), "reached": row.is_reached} for row in section.rows] for section in sections
        },
    }


def _figure(row: Row) -> str:
    if row.value is None:
        return "-"
    digits = 0 if abs(row.value) >= 100 else 1 if abs(row.value) >= 10 else 2
    return f"{row.value:,.{digits}f} {row.unit}"


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    sign = "at most" if row.at_most else "at least"
    verdict = {True: "yes", False: "NO", None: "?"}[row.is_reached]
    return f"[{sign} {row.goal:,g}: {verdict}]"


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
