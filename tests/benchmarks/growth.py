"""Measures how much the database grows by a transfer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb

from benchmarks.accounts import Workload, population
from benchmarks.block_pipeline import Pipeline
from benchmarks.chain import CHAIN_ID, BenchmarkChain, benchmark_chain
from benchmarks.report import Row, Scale, Section

_MAXIMUM_TABLES = 64


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """Sizes in bytes: the pages that hold entries or the tree above them, and the file with its free pages."""

    used: int
    file: int


def measure_growth(scale: Scale) -> Section:
    """Store blocks of transfers, then of token transfers, and weigh the database before and after."""
    people = population(scale.accounts, scale.senders)
    chain = benchmark_chain(people)
    work = Workload(CHAIN_ID, people)
    rows: list[Row] = []
    with TemporaryDirectory(prefix="phal2-benchmark-") as name:
        directory = Path(name)
        Pipeline(chain, directory).store.close()
        genesis = database_size(directory)
        rows.append(Row("genesis", genesis.used / 2**20, "MiB", f"file {genesis.file / 2**20:,.1f} MiB"))
        rows += _grow(chain, directory, scale, "ETH transfers", work.transfers, goal=2_048)
        rows += _grow(chain, directory, scale, "ERC-20 transfers", work.token_transfers, goal=None)
    title = f"Growth of the database by {scale.growth_blocks} blocks of {scale.block_transactions:,}, envelopes aside"
    return Section(title, tuple(rows))


def database_size(directory: Path) -> DatabaseSize:
    """Return the size of a database that nobody has open."""
    environment = lmdb.open(str(directory), readonly=True, lock=False, max_dbs=_MAXIMUM_TABLES)
    try:
        with environment.begin() as transaction:
            tables = [environment.open_db(bytes(name), transaction, create=False) for name, _ in transaction.cursor()]
            statistics = [transaction.stat(table) for table in tables]
        pages = sum(stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in statistics)
        return DatabaseSize(pages * statistics[0]["psize"], (directory / "data.mdb").stat().st_size)
    finally:
        environment.close()


def _grow(
    chain: BenchmarkChain,
    directory: Path,
    scale: Scale,
    name: str,
    batch: Callable[[int], list[bytes]],
    goal: float | None,
) -> tuple[Row, Row]:
    before = database_size(directory)
    envelope_bytes, count = 0, scale.growth_blocks * scale.block_transactions
    sequencer = Pipeline(chain, directory)
    try:
        for _ in range(scale.growth_blocks):
            envelopes = batch(scale.block_transactions)
            envelope_bytes += sum(map(len, envelopes))
            sequencer.block(envelopes)
    finally:
        sequencer.store.close()
    after = database_size(directory)
    used, file = after.used - before.used - envelope_bytes, after.file - before.file - envelope_bytes
    return (
        Row(
            name,
            used / count,
            "bytes/tx",
            f"used pages; an envelope has {envelope_bytes / count:.0f} bytes",
            goal,
            True,
        ),
        Row(f"{name}, file", file / count, "bytes/tx", "with free pages", goal, True),
    )
