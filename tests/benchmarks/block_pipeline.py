"""Raw signed transactions in, a sealed and stored block out, phase by phase, on the sequencer's own way."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chain import BenchmarkChain
from benchmarks.report import MeasurementFailed
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.command.interpreter import keep_what_is_loaded, tune_interpreter
from phal2.node.driver.l2_chain import L2Chain
from phal2.node.protocol.sender_recovery import recover_all
from phal2.node.sequencer.mempool import Mempool
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.root_process import RootProcess
from phal2.node.state.rules import L2Rules
from phal2.node.state.sender_processes import SenderProcesses
from phal2.node.storage import ChainStore, Heads


@dataclass(frozen=True, slots=True)
class BlockTiming:
    """One block: how many transactions it took from the pool, and seconds of wall time by phase.

    `decode` is decoding and recovering senders, `pool` taking in and ordering, `execute` ends with the last
    transaction, `seal` computes the roots, `store` ends when the block is on the disk. `processor` is the processor
    time of them all in this process: that of the processes that help to recover senders is not in it.
    """

    transactions: int
    decode: float
    pool: float
    execute: float
    seal: float
    store: float
    processor: float

    @property
    def seconds(self) -> float:
        """Wall time of all phases."""
        return self.decode + self.pool + self.execute + self.seal + self.store


class _TimedStore(ChainStore):
    """A store that notes when its last block came, and when it was written."""

    began = 0.0
    ended = 0.0

    def write_block(self, executed: ExecutedBlock, heads: Heads | None = None) -> None:
        self.began = time.perf_counter()
        super().write_block(executed, heads)
        self.ended = time.perf_counter()


class Pipeline:
    """A sequencer without its loops: pool, chain and durable store, driven block by block."""

    def __init__(self, chain: BenchmarkChain, directory: Path) -> None:
        self._chain = chain
        store = _TimedStore.open(directory, chain.genesis, chain.config.l2_chain_id)
        assert isinstance(store, _TimedStore)  # open makes a store of the class it is called on
        self.store = store
        self.crew = SenderProcesses()
        # A node that has been running has them.
        self.crew.signers(())
        self.roots = RootProcess()
        self.l2 = L2Chain(
            self.store, L2Rules(chain.config), QuoteVerdicts(), ExecutionThread("benchmark"), self.crew, self.roots
        )

    def block(self, envelopes: Sequence[bytes]) -> BlockTiming:
        """Build and store a block of the envelopes; raise `MeasurementFailed` unless all are in it and succeeded."""
        parent = self.l2.heads.unsafe
        attributes = self._chain.attributes(parent)
        last_applied = 0.0

        def should_stop() -> bool:
            # It is asked before each transaction and once after the last, so its last call is the end of execution.
            nonlocal last_applied
            last_applied = time.perf_counter()
            return False

        def order(environment: BlockEnvironment, next_nonce: Callable[[bytes], int]) -> TransactionOrder:
            return TransactionOrder(mempool.queues(), next_nonce, environment.base_fee_per_gas, 0)

        processor_began, began = time.process_time(), time.perf_counter()
        recovered = recover_all(envelopes, self.crew)
        decoded = time.perf_counter()
        mempool = Mempool()
        for transaction in recovered:
            mempool.add(transaction, 0)
        pooled = time.perf_counter()
        built = self.l2.build(parent, attributes, order, should_stop)
        processor = time.process_time() - processor_began
        included = len(built.executed.block.transactions) - 1
        if included != len(envelopes):
            reasons = "; ".join(str(refused.reason) for refused in built.refused[:3])
            raise MeasurementFailed(f"a block took {included} of {len(envelopes)} transactions: {reasons}")
        if any(receipt.status != 1 for receipt in built.executed.receipts):
            raise MeasurementFailed("some transactions of a block failed")
        return BlockTiming(
            transactions=included,
            decode=decoded - began,
            pool=pooled - decoded,
            execute=last_applied - pooled,
            seal=self.store.began - last_applied,
            store=self.store.ended - self.store.began,
            processor=processor,
        )


@contextmanager
def pipeline(chain: BenchmarkChain) -> Iterator[Pipeline]:
    """Give a pipeline on a new store in a temporary directory, which is removed at the end."""
    with TemporaryDirectory(prefix="phal2-benchmark-") as directory:
        opened = Pipeline(chain, Path(directory))
        tune_interpreter()
        keep_what_is_loaded()
        try:
            yield opened
        finally:
            opened.crew.close()
            opened.roots.close()
            opened.store.close()
