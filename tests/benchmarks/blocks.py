"""Measures blocks in process: transactions a second from raw envelopes to the block on the disk, and the memory."""

import resource
from collections.abc import Sequence
from statistics import median

from benchmarks.accounts import Workload, population
from benchmarks.block_pipeline import BlockTiming, pipeline
from benchmarks.chain import CHAIN_ID, benchmark_chain
from benchmarks.report import Row, Scale, Section

_PHASES = ("decode", "pool", "execute", "seal", "store")


def measure_blocks(scale: Scale) -> Section:
    """Build blocks of transfers, then of token transfers, on one durable chain, after one that warms up."""
    people = population(scale.accounts, scale.senders)
    work = Workload(CHAIN_ID, people)
    with pipeline(benchmark_chain(people)) as sequencer:
        # A chain that has been running has loaded its engine.
        sequencer.block(work.transfers(scale.block_transactions // 10))
        transfers, tokens = (
            [sequencer.block(batch(scale.block_transactions)) for _ in range(scale.blocks)]
            for batch in (work.transfers, work.token_transfers)
        )
    return Section(
        f"In process: blocks of {scale.block_transactions:,} over {scale.accounts:,} accounts, stored durably",
        (
            *_rows("ETH transfers", transfers, 8_000),
            *_rows("ERC-20 transfers", tokens, 2_000),
            Row("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB", "genesis included"),
        ),
    )


def _rows(name: str, timings: Sequence[BlockTiming], goal: float) -> tuple[Row, ...]:
    rates = [timing.transactions / timing.seconds for timing in timings]
    processor_rates = [timing.transactions / timing.processor for timing in timings]
    each = ", ".join(f"{rate:,.0f}" for rate in rates)
    return (
        Row(name, median(rates), "tx/s", f"median of the blocks: {each}", goal),
        Row(f"{name}, best", max(rates), "tx/s"),
        Row(f"{name}, by this process's time", median(processor_rates), "tx/s"),
        *(Row(f"  {phase}", _microseconds(timings, phase), "µs/tx") for phase in _PHASES),
    )


def _microseconds(timings: Sequence[BlockTiming], phase: str) -> float:
    return float(median(getattr(timing, phase) / timing.transactions * 1e6 for timing in timings))
