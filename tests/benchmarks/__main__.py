"""The benchmarks' command line: `make bench`, `make bench ARGS=--quick`, `make bench ARGS="--json FILE"`."""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.batches import measure_batches
from benchmarks.blocks import measure_blocks
from benchmarks.bridging import measure_bridging
from benchmarks.derivation import measure_derivation
from benchmarks.growth import measure_growth
from benchmarks.proving import measure_proving
from benchmarks.py_evm_blocks import measure_py_evm
from benchmarks.report import (
    FULL,
    QUICK,
    MeasurementFailed,
    Scale,
    Section,
    document,
    format_machine,
    format_section,
    machine,
)
from benchmarks.rpc_throughput import measure_rpc
from benchmarks.state import measure_state

MEASUREMENTS: Mapping[str, Callable[[Scale], Section]] = {
    "blocks": measure_blocks,
    "batches": measure_batches,
    "derivation": measure_derivation,
    "bridging": measure_bridging,
    "state": measure_state,
    "growth": measure_growth,
    "py-evm": measure_py_evm,
    "proving": measure_proving,
    "rpc": measure_rpc,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and print it; return the exit code."""
    options = _parser().parse_args(arguments)
    facts = machine()
    print(f"{format_machine(facts)}\n", flush=True)
    if options.quick:
        print("quick: a tenth of the size, for which the goals are not meant\n", flush=True)
    sections = []
    exit_code = 0
    for name in options.only or MEASUREMENTS:
        try:
            section = _in_own_process(MEASUREMENTS[name], QUICK if options.quick else FULL)
        except MeasurementFailed as error:
            print(f"{name}: failed: {error}\n", file=sys.stderr, flush=True)
            exit_code = 1
            continue
        sections.append(section)
        print(f"{format_section(section)}\n", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(document(facts, sections), indent=2) + "\n")
    return exit_code


def _in_own_process(measure: Callable[[Scale], Section], scale: Scale) -> Section:
    """Measure in a fresh process, so that no measurement pays for, or profits from, what another one left behind."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(measure, scale).result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: shows that it works, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, too")
    parser.add_argument(
        "--only", action="append", choices=MEASUREMENTS, metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)}"
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
