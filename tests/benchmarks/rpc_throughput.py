"""Measures nodes under load by JSON-RPC: anvil, the devnet, and a sequencer alone get the same transactions."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from benchmarks.anvil import anvil_program, running_anvil
from benchmarks.chain import BLOCK_GAS_LIMIT
from benchmarks.load import LoadTiming, Target, check_success, run_load
from benchmarks.node_process import NodeProcess
from benchmarks.npm_programs import ProgramMissing
from benchmarks.phal2_nodes import running_devnet, running_sequencer
from benchmarks.report import Row, Scale, Section
from benchmarks.rpc_workload import BATCH_LENGTH, CONNECTIONS, RpcWorkload, request_bodies, rpc_workload
from phal2.node.protocol.keccak import keccak256


@dataclass(frozen=True, slots=True)
class _Measured:
    """A load's timing, and the processor seconds that the node used for it, where the system tells."""

    timing: LoadTiming
    processor_seconds: float | None


@dataclass(frozen=True, slots=True)
class _NodeResult:
    transfers: _Measured
    token_transfers: _Measured


def measure_rpc(scale: Scale) -> Section:
    """Load one node after the other; where anvil cannot be had, its rows say why."""
    work = rpc_workload(scale)
    rows: list[Row] = []
    anvil: _NodeResult | None = None
    try:
        program = anvil_program()
    except ProgramMissing as missing:
        rows.append(Row("anvil", None, "tx/s", str(missing)))
    else:
        anvil = _measure(running_anvil(program, work.account_count), 0, work)
        rows += _rows("anvil", anvil, None)
    rows += _rows("phal2 devnet, all in one process", _measure(running_devnet(work.account_count), 1, work), anvil)
    rows += _rows("phal2 sequencer alone, durable", _measure(running_sequencer(work.account_count), 1, work), anvil)
    title = (
        f"By JSON-RPC: {CONNECTIONS} connections, batches of {BATCH_LENGTH}, {scale.rpc_senders} senders, "
        f"{scale.accounts:,} recipients, a block a second, block gas limit {BLOCK_GAS_LIMIT:,}"
    )
    return Section(title, tuple(rows))


def _measure(
    node: AbstractContextManager[tuple[str, NodeProcess]], own_transactions: int, work: RpcWorkload
) -> _NodeResult:
    with node as (url, process):
        load = partial(_load, Target(url, own_transactions), process)
        load(work.preparation, 1)
        return _NodeResult(load(work.transfers, CONNECTIONS), load(work.token_transfers, CONNECTIONS))


def _load(target: Target, process: NodeProcess, envelopes: Sequence[bytes], connections: int) -> _Measured:
    bodies = request_bodies(envelopes, connections)
    before = process.processor_seconds()
    timing = asyncio.run(run_load(target, bodies, len(envelopes)))
    after = process.processor_seconds()
    asyncio.run(check_success(target, [keccak256(envelopes[0]), keccak256(envelopes[-1])]))
    return _Measured(timing, None if before is None or after is None else after - before)


def _rows(name: str, result: _NodeResult, anvil: _NodeResult | None) -> Iterator[Row]:
    kinds: tuple[tuple[str, Callable[[_NodeResult], _Measured], float], ...] = (
        ("ETH transfers", lambda of: of.transfers, 0.4),
        ("ERC-20 transfers", lambda of: of.token_transfers, 0.25),
    )
    for kind, choose, goal in kinds:
        measured = choose(result)
        timing = measured.timing
        detail = f"{timing.transactions:,} in {timing.blocks} blocks; accepted {timing.accepted_rate:,.0f} tx/s"
        if measured.processor_seconds is not None:
            detail += f"; {measured.processor_seconds / timing.transactions * 1e6:,.0f} µs of processor time each"
        yield Row(f"{name}, {kind}", timing.included_rate, "tx/s", detail)
        if anvil is not None:
            rate = timing.included_rate / choose(anvil).timing.included_rate
            yield Row("  of anvil's", rate, "", goal=goal)
