"""A rollup node, follower or sequencer: store, L1 client, derivation, pool and sequencing joined."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.driver.clock import Clock
from phal2.node.driver.derivation_loop import DerivationLoop
from phal2.node.driver.l1_tracker import L1Tracker
from phal2.node.driver.l2_chain import HeadRefs, L2Chain
from phal2.node.driver.lasting_tasks import begin_task
from phal2.node.driver.pool_upkeep import drop_included, take_back
from phal2.node.driver.sequencing_loop import SequencingLoop
from phal2.node.driver.transaction_forwarding import TransactionForwarding
from phal2.node.l1.beacon import BeaconClient
from phal2.node.l1.client import L1Client
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.sender_recovery import SenderCrew
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.sequencer.admission import Admission
from phal2.node.sequencer.mempool import Mempool, PoolRefusal
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.root_process import RootProcess
from phal2.node.state.rules import L2Rules
from phal2.node.state.sender_processes import SenderProcesses
from phal2.node.storage import ChainStore


class NotTheSequencer(PoolRefusal):
    """A transaction sent to a node that builds no blocks and was told of none that does."""

    def __init__(self) -> None:
        super().__init__(
            "this node is a follower and builds no blocks; send the transaction to the sequencer, or start this node "
            "with --rollup.sequencerhttp and the sequencer's URL"
        )


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How a node runs: the directory of its chain, the L1 endpoints, whether it sequences, and how often it asks L1.

    `state_retention` is the number of newest blocks whose state is kept, None for all. `l1_beacon_url` is where blobs
    come from, None where the L1 endpoint serves the beacon API, too. `l1_may_rewind`: L1 is a development chain, which
    may take back what was final; elsewhere the node waits for another endpoint then. `sequencer_url` is where a
    follower hands on what clients send it, None where it refuses that.
    """

    data_dir: Path
    l1_url: str
    is_sequencer: bool
    l1_poll_interval: float = 0.25
    is_durable: bool = True
    state_retention: int | None = None
    l1_beacon_url: str | None = None
    l1_may_rewind: bool = False
    sequencer_url: str | None = None


class RollupNode:
    """One L2 node. `start` it, register its namespaces at an RPC server, `stop` it.

    It is the RPC server's ChainService.
    """

    def __init__(
        self,
        settings: NodeSettings,
        config: RollupConfig,
        genesis: ExecutedBlock,
        clock: Clock,
        kzg: KzgWorker | None = None,
    ) -> None:
        """Open the store. Raises `StorageError`, or `InvalidConfiguration` where genesis and configuration differ.

        A KZG worker that is given is shared and closed by its owner; without one the node has its own.
        """
        if genesis.block.hash != config.l2_genesis.hash:
            raise InvalidConfiguration(
                f"the genesis hashes to 0x{genesis.block.hash.hex()}, but the rollup configuration says "
                f"0x{config.l2_genesis.hash.hex()}; use the genesis that belongs to the configuration"
            )
        self.config = config
        self.rules = L2Rules(config)
        self.verdicts = QuoteVerdicts()
        self.chain_id = config.l2_chain_id
        self.store = ChainStore.open(
            settings.data_dir,
            genesis,
            config.l2_chain_id,
            retention=settings.state_retention,
            durable=settings.is_durable,
        )
        self._thread = ExecutionThread(f"phal2-{'sequencer' if settings.is_sequencer else 'follower'}")
        self._sender_processes = SenderProcesses()
        self._root_process = RootProcess()
        self.chain = L2Chain(
            self.store, self.rules, self.verdicts, self._thread, self._sender_processes, self._root_process
        )
        self._l1 = L1Client(settings.l1_url)
        self.l1_tracker = L1Tracker(self._l1, settings.l1_poll_interval)
        self._own_kzg = KzgWorker() if kzg is None else None
        self._beacon = BeaconClient(settings.l1_beacon_url or settings.l1_url, kzg or self._own_kzg or KzgWorker())
        self.derivation = DerivationLoop(
            self.chain, self._l1, self._beacon, self.l1_tracker, l1_may_rewind=settings.l1_may_rewind
        )
        self.mempool: Mempool | None = None
        self.sequencing: SequencingLoop | None = None
        self._admission: Admission | None = None
        self._forwarding: TransactionForwarding | None = None
        self.after_submission: Callable[[bytes], Awaitable[None]] | None = None
        """Where set, it is told of every transaction that was taken into the pool, and the submission waits for it."""
        if settings.is_sequencer:
            self.mempool = pool = Mempool()
            self.sequencing = SequencingLoop(
                self.chain,
                self._l1,
                self.mempool,
                clock,
                self.derivation.request_reset,
                lambda: self.l1_tracker.head,
            )
            self._admission = Admission(self.mempool, self.rules, self.verdicts, self.store)
            self.chain.on_new_head(lambda block_hash: drop_included(pool, self.chain.block(block_hash)))
            self.chain.on_dropped(lambda hashes: take_back(pool, self.chain, hashes))
        elif settings.sequencer_url is not None:
            self._forwarding = TransactionForwarding(settings.sequencer_url, self.chain)
            self.mempool = self._forwarding.pool
        self._pending: BlockEnvironment | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to follow L1, to derive, and on the sequencer to build blocks."""
        loops = {"watch over L1": self.l1_tracker.run(), "derivation": self.derivation.run()}
        if self.sequencing is not None:
            loops["sequencing"] = self.sequencing.run()
        owner = "follower" if self.sequencing is None else "sequencer"
        self._tasks = [begin_task(f"the {owner}'s {name}", loop) for name, loop in loops.items()]

    async def stop(self) -> None:
        """End all tasks, wait for them, and close store and connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._admission is not None:
            await self._admission.close()
        if self._forwarding is not None:
            await self._forwarding.close()
        await self._thread.close()
        await asyncio.to_thread(self._sender_processes.close)
        await asyncio.to_thread(self._root_process.close)
        await self._l1.close()
        await self._beacon.close()
        if self._own_kzg is not None:
            await self._own_kzg.close()
        self.store.close()

    @property
    def tasks(self) -> "Sequence[asyncio.Task[None]]":
        """The node's loops. They run until `stop`; one that ends before has failed."""
        return self._tasks

    @property
    def heads(self) -> HeadRefs:
        """The unsafe, safe and finalized L2 blocks."""
        return self.chain.heads

    @property
    def current_l1(self) -> L1BlockRef | None:
        """The last L1 block that derivation has wholly processed."""
        return self.derivation.current_l1

    def head_id(self) -> BlockId:
        """Return the newest block."""
        return self.chain.heads.unsafe.id

    def safe_id(self) -> BlockId:
        """Return the newest block that is derived from L1."""
        return self.chain.heads.safe.id

    def finalized_id(self) -> BlockId:
        """Return the newest block that is derived from finalized L1 blocks."""
        return self.chain.heads.finalized.id

    def pending_environment(self) -> BlockEnvironment:
        """Return the environment of the block after the head, as far as it is known now."""
        head = self.chain.heads.unsafe
        if self._pending is None or self._pending.parent_hash != head.hash:
            self._pending = self._environment_after(head)
        return self._pending

    def _environment_after(self, head: L2BlockRef) -> BlockEnvironment:
        header = self.chain.block(head.hash).header
        system_config = self.chain.system_config(head.hash)
        attributes = PayloadAttributes(
            timestamp=head.timestamp + self.config.block_time,
            prev_randao=header.prev_randao,
            fee_recipient=header.coinbase,
            parent_beacon_block_root=header.parent_beacon_block_root or bytes(32),
            transactions=(),
            no_tx_pool=False,
            gas_limit=system_config.gas_limit,
            eip1559_denominator=system_config.eip1559_denominator,
            eip1559_elasticity=system_config.eip1559_elasticity,
        )
        return self.chain.environment(header, head.hash, attributes)

    @property
    def sender_crew(self) -> SenderCrew:
        """Who helps to recover the senders of many transactions."""
        return self._sender_processes

    async def submit_transaction(self, raw: bytes) -> bytes:
        """Take an envelope into the pool and return its hash, or raise a `Phal2Error` that says what is wrong."""
        if self._forwarding is not None:
            return await self._announced(await self._forwarding.submit(raw))
        if self._admission is None:
            raise NotTheSequencer
        head = self.chain.block(self.chain.heads.unsafe.hash).header
        return await self._announced(await self._admission.submit(raw, head, self.pending_environment()))

    async def admit(self, recovered: RecoveredTransaction) -> bytes:
        """Take a transaction into the pool whose sender is known, and else do as `submit_transaction` does."""
        if self._forwarding is not None:
            return await self._announced(await self._forwarding.admit(recovered))
        if self._admission is None:
            raise NotTheSequencer
        head = self.chain.block(self.chain.heads.unsafe.hash).header
        return await self._announced(await self._admission.admit(recovered, head, self.pending_environment()))

    async def _announced(self, transaction_hash: bytes) -> bytes:
        if self.after_submission is not None:
            await self.after_submission(transaction_hash)
        return transaction_hash

    def pending_nonce(self, address: bytes) -> int:
        """Return the sender's next nonce with the pool's transactions counted."""
        account_nonce = self.chain.state_at_head().nonce(address)
        return account_nonce if self.mempool is None else self.mempool.next_nonce(address, account_nonce)

    def pending_transactions(self) -> Sequence[RecoveredTransaction]:
        """Return the pool's transactions."""
        return () if self.mempool is None else list(self.mempool)

    def pending_transaction(self, transaction_hash: bytes) -> RecoveredTransaction | None:
        """Return a transaction of the pool by its hash, None where it is not there."""
        return None if self.mempool is None else self.mempool.get(transaction_hash)

    def suggested_priority_fee(self) -> int:
        """Return a tip in wei per gas that gets a transaction into the next block on an uncrowded chain."""
        return SUGGESTED_PRIORITY_FEE

    def on_new_head(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Call `listener` with the hash of every new head; the returned function ends that."""
        return self.chain.on_new_head(listener)


SUGGESTED_PRIORITY_FEE = 1_000_000
"""0.001 gwei, as op-geth suggests where blocks are not full."""
