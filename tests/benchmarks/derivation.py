"""Measures a follower: L1 blocks with a batcher's channels in, executed and stored L2 blocks out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import lmdb

from benchmarks.accounts import Workload, population
from benchmarks.block_pipeline import pipeline
from benchmarks.chain import CHAIN_ID, BenchmarkChain, benchmark_chain
from benchmarks.report import MeasurementFailed, Row, Scale, Section
from phal2.bridge.batcher.channel_builder import batched_block
from phal2.devnet.accounts import role_account
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.command.interpreter import keep_what_is_loaded, tune_interpreter
from phal2.node.derivation.pipeline import DerivationPipeline
from phal2.node.driver.derivation_step import derive_blocks, safe_block
from phal2.node.driver.l2_chain import L2Chain
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.frames import batcher_transaction_data
from phal2.node.protocol.headers import Block, header_hash
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.span_batches import SpanBatchTerms, encode_span_batch, span_batch
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.rules import L2Rules
from phal2.node.state.sender_processes import SenderProcesses
from phal2.node.storage import ChainStore

TRANSFERS_IN_A_BLOCK: Final = 50
_ACCOUNTS: Final = 2_000
_FRAME_SIZE: Final = 120_000


@dataclass(frozen=True, slots=True)
class DerivationSpeed:
    """Blocks and transfers that a follower derived, and the bytes on L1 that they took.

    `seconds` are wall time, waiting for the disk included; `processor_seconds` those of this process alone.
    """

    blocks: int
    transfers: int
    l1_bytes: int
    seconds: float
    processor_seconds: float

    @property
    def blocks_per_second(self) -> float:
        """Blocks derived, executed and stored in a second."""
        return self.blocks / self.seconds


def derivation_speed(
    block_count: int, transfers_in_a_block: int, compression: Compression = Compression.BROTLI, spans: bool = True
) -> DerivationSpeed:
    """Build blocks, post them as one channel on a fabricated L1, and derive them on a new, durable store.

    Everything is there that a node does for a block but the fetching from L1: channel, batches, rules, execution,
    consolidated roots, storage. Raises `MeasurementFailed` where the follower has other blocks.
    """
    people = population(_ACCOUNTS, 500)
    chain = benchmark_chain(people)
    work = Workload(CHAIN_ID, people)
    with pipeline(chain) as sequencer:
        for _ in range(block_count):
            sequencer.block(work.transfers(transfers_in_a_block) if transfers_in_a_block else [])
        blocks = [sequencer.store.block_by_number(number) for number in range(1, block_count + 1)]
    posted = [block for block in blocks if block is not None]
    data = batcher_data(chain, posted, compression, spans)
    head, seconds, processor_seconds = _derive(chain, l1_blocks(chain, data, block_count))
    if head != posted[-1].hash:
        raise MeasurementFailed("the follower derived other blocks than the sequencer built")
    return DerivationSpeed(
        block_count, block_count * transfers_in_a_block, sum(map(len, data)), seconds, processor_seconds
    )


def batcher_data(chain: BenchmarkChain, blocks: Sequence[Block], compression: Compression, spans: bool) -> list[bytes]:
    """Return the data of the batcher transactions that publish blocks as one channel."""
    terms = SpanBatchTerms.of(chain.config)
    batches: list[SingularBatch] = [batched_block(block).batch for block in blocks]
    writer = ChannelWriter(b"benchmark-channe", _FRAME_SIZE, compression)
    if spans:
        writer.add_encoded_batch(encode_span_batch(span_batch(batches, False, terms.block_time), terms))
    else:
        for batch in batches:
            writer.add_batch(batch)
    return [batcher_transaction_data([frame]) for frame in writer.close()]


def l1_blocks(chain: BenchmarkChain, data: Sequence[bytes], seconds: int) -> list[L1Block]:
    """Return the L1 chain: its genesis, and `seconds` later a block with the batcher's transactions."""
    genesis = chain.l1_block
    key = role_account("batcher").private_key
    transactions = []
    for nonce, piece in enumerate(data):
        inbox = chain.config.batch_inbox_address
        unsigned = DynamicFeeTransaction(31337, nonce, 1, 10**9, 30_000_000, inbox, 0, piece, (), 0, 1, 1)
        y_parity, r, s = sign(signing_hash(unsigned), key)
        transactions.append(encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s)))
    header = replace(
        genesis.header, number=1, parent_hash=genesis.hash, timestamp=genesis.header.timestamp + seconds + 12
    )
    return [
        L1Block(genesis.header, genesis.hash, (), ()),
        L1Block(header, header_hash(header), tuple(transactions), ()),
    ]


def _derive(chain: BenchmarkChain, blocks: Sequence[L1Block]) -> tuple[bytes, float, float]:
    """Return the hash of the safe head that follows from L1 blocks, and how long it took in wall and processor time."""
    with TemporaryDirectory(prefix="phal2-benchmark-") as directory:
        store = ChainStore.open(Path(directory), chain.genesis, CHAIN_ID)
        crew = SenderProcesses()
        crew.signers(())
        l2 = L2Chain(store, L2Rules(chain.config), QuoteVerdicts(), ExecutionThread("benchmark"), crew)
        derivation = DerivationPipeline(
            chain.config, l2.heads.safe, chain.config.genesis_system_config, lambda number: safe_block(l2, number)
        )
        tune_interpreter()
        keep_what_is_loaded()
        processor_began, began = time.process_time(), time.perf_counter()
        for block in blocks:
            derivation.add_l1_block(block)
            while not derive_blocks(l2, derivation):
                pass
        seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor_began
        head = l2.heads.safe.hash
        crew.close()
        store.close()
    return head, seconds, processor_seconds


def measure_derivation(scale: Scale) -> Section:
    """Derive empty blocks, and blocks of transfers."""
    count = 10 * scale.blocks
    empty = derivation_speed(10 * count, 0)
    full = derivation_speed(count, TRANSFERS_IN_A_BLOCK)
    transfers = f"blocks of {TRANSFERS_IN_A_BLOCK} transfers"
    return Section(
        "A follower: one span batch in brotli, derived, executed and stored durably",
        (
            *_rows("empty blocks", empty, 300),
            *_rows(transfers, full, 60),
            Row("  a transfer on L1", full.l1_bytes / full.transfers, "bytes"),
            Row("a commit on this disk", commit_milliseconds(), "ms", "a block takes one; median of 100, a page each"),
        ),
    )


def commit_milliseconds() -> float:
    """Return how long the disk takes for a commit that changes next to nothing: what every block waits for."""
    times = []
    with TemporaryDirectory(prefix="phal2-benchmark-") as directory, lmdb.open(directory) as environment:
        for number in range(100):
            began = time.perf_counter()
            with environment.begin(write=True) as transaction:
                transaction.put(b"number", b"%d" % number)
            times.append(time.perf_counter() - began)
    return 1_000 * median(times)


def _rows(name: str, speed: DerivationSpeed, goal: float) -> tuple[Row, ...]:
    note = f"{speed.blocks:,} in {speed.l1_bytes:,} bytes"
    return (
        Row(name, speed.blocks_per_second, "blocks/s", note, goal),
        Row("  by this process's time", speed.blocks / speed.processor_seconds, "blocks/s"),
    )
