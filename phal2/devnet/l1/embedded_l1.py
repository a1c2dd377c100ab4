"""The embedded L1 as a running chain: pool, clock and sealing. It is the RPC server's ChainService."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from phal2.devnet.l1.sealing import NO_CHOICES, heads_at, next_environment, seal_block
from phal2.devnet.settings import BLOB_RETENTION
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.driver.clock import Clock
from phal2.node.driver.lasting_tasks import begin_task
from phal2.node.driver.pool_upkeep import drop_included, is_executable
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.headers import Block
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import BLOB
from phal2.node.sequencer.admission import Admission
from phal2.node.sequencer.building import BuiltBlock
from phal2.node.sequencer.mempool import Mempool
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore

log = logging.getLogger("phal2.l1")

SUGGESTED_PRIORITY_FEE: Final = 1_000_000_000
"""1 gwei."""

LONGEST_ADVANCE: Final = 10 * 365 * 86_400
"""Seconds, unless `open` is told otherwise: ten years."""

_LONGEST_BUILD_SECONDS: Final = 5.0


class InvalidBlockTime(Phal2Error):
    """A timestamp that the next block cannot have."""

    def __init__(self, timestamp: int, parent_timestamp: int) -> None:
        super().__init__(
            f"the next block cannot have timestamp {timestamp}: the latest block has {parent_timestamp}, "
            "and timestamps must rise"
        )
        self.timestamp = timestamp
        self.parent_timestamp = parent_timestamp


class AdvanceTooLong(Phal2Error):
    """More seconds than the time may be moved forward at once."""

    def __init__(self, seconds: int, longest: int) -> None:
        super().__init__(f"time can be moved forward by at most {longest} s at once, got {seconds}")
        self.seconds = seconds
        self.longest = longest


class EmbeddedL1:
    """An L1 chain with one sealer. Make it with `open`, `start` the sealing, `stop` it.

    A block is sealed every `block_time` seconds of the clock, unless `seal_every` or `automine` say otherwise. Its
    timestamp is the clock's, or one above its parent's where that is later, so after a pause one block brings the chain
    to the present. No block is ahead of the clock: one that must be, as it was asked for within the second of its
    parent, takes the clock along. Use it on one event loop; blocks are executed on a thread of their own.
    """

    def __init__(
        self,
        store: ChainStore,
        rules: L1Rules,
        block_time: int,
        clock: Clock,
        longest_advance: int = LONGEST_ADVANCE,
        kzg: KzgWorker | None = None,
    ) -> None:
        """Use `open`."""
        self.store = store
        self.rules = rules
        self.verdicts = QuoteVerdicts()
        self.sender_crew = None
        """Nobody helps to recover senders: the L1 of a devnet has few transactions."""
        self.clock = clock
        self.mempool = Mempool()
        self.choices = NO_CHOICES
        """What the next block's proposer chooses."""
        self.automine = False
        """Whether a block is sealed for each transaction that the pool takes, before the submission returns."""
        self.timestamp_interval: int | None = None
        """By how many seconds each block's timestamp is above its parent's, where the clock is not to say so."""
        self._interval: int | None = block_time
        self._longest_advance = longest_advance
        self._kzg = kzg or KzgWorker()
        self._owns_kzg = kzg is None
        self._admission = Admission(self.mempool, rules, self.verdicts, store, self._kzg)
        self._blob_turn = asyncio.Lock()
        self._thread = ExecutionThread("phal2-l1")
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[bytes], None]] = []
        self._next_timestamp: int | None = None
        self._last_sealed = clock.now()
        self._not_due_before = 0.0
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[Any] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        genesis: ExecutedBlock,
        chain_id: int = 31337,
        block_time: int = 2,
        clock: Clock | None = None,
        *,
        state_retention: int | None = None,
        blob_retention: int | None = BLOB_RETENTION,
        kzg: KzgWorker | None = None,
        durable: bool = True,
        longest_advance: int = LONGEST_ADVANCE,
    ) -> "EmbeddedL1":
        """Open the chain at `path`, or begin it there with `genesis`. Raises the `StorageError` that says why not.

        A clock that is behind the chain is moved to the time of its head. `longest_advance` is by how many seconds the
        time may be moved forward at once, `state_retention` of how many of the newest blocks the state is kept, and
        `blob_retention` the blobs (None: of all). `kzg` is the caller's; without it the chain has its own.
        """
        store = ChainStore.open(
            path, genesis, chain_id, retention=state_retention, blob_retention=blob_retention, durable=durable
        )
        l1 = cls(store, L1Rules(chain_id), block_time, clock or Clock(), longest_advance, kzg)
        l1.clock.reach(l1._head_block().header.timestamp)
        return l1

    async def start(self) -> None:
        """Begin to seal blocks at their times."""
        self._task = begin_task("the embedded L1's sealing", self._seal_at_intervals())

    async def stop(self) -> None:
        """End sealing, wait for a block that is being built, and close the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._admission.close()
        if self._owns_kzg:
            await self._kzg.close()
        await self._thread.close()
        self.store.close()

    @property
    def tasks(self) -> "Sequence[asyncio.Task[None]]":
        """The sealing loop. It runs until `stop`; where it ends before, it has failed."""
        return () if self._task is None else (self._task,)

    async def mine(self, timestamp: int | None = None) -> BlockId:
        """Seal a block now from what the pool holds, and return it.

        It has `timestamp`, where given, else that of `set_next_timestamp`, else the clock's. Raises `InvalidBlockTime`
        or `AdvanceTooLong`.
        """
        async with self._lock:
            return await self._seal(timestamp)

    async def advance_time(self, seconds: int) -> BlockId:
        """Move the clock forward by `seconds` (at least 0) and seal a block then. Raises `AdvanceTooLong`."""
        self.advance_clock(seconds)
        return await self.mine()

    def advance_clock(self, seconds: int) -> None:
        """Move the clock forward by `seconds` (at least 0); a block follows at its time. Raises `AdvanceTooLong`."""
        self._require_short(seconds)
        self.clock.advance(seconds)

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this timestamp; where it is ahead of the clock, the clock goes there.

        No block is due at once for that: who chooses its time has until the next interval to say what is in it.
        Raises `InvalidBlockTime` or `AdvanceTooLong`.
        """
        parent_timestamp = self._head_block().header.timestamp
        if timestamp <= parent_timestamp:
            raise InvalidBlockTime(timestamp, parent_timestamp)
        lead = max(0, timestamp - int(self.clock.now()))
        self._require_short(lead)
        # First, as the clock wakes whoever waits for a block's time.
        self._not_due_before = self.clock.now() + lead + (self._interval or 0)
        self.advance_clock(lead)
        self._next_timestamp = timestamp

    @property
    def interval(self) -> int | None:
        """The seconds between two blocks, None where none is sealed but for transactions or on demand."""
        return self._interval

    @property
    def longest_advance(self) -> int:
        """By how many seconds the time may be moved forward at once."""
        return self._longest_advance

    def seal_every(self, seconds: int | None) -> None:
        """Seal a block every `seconds` (at least 1) from now on; None: only for transactions or on demand."""
        self._interval = seconds
        self._wake()

    async def admit(self, recovered: RecoveredTransaction) -> bytes:
        """Take a transaction into the pool whose sender is known, and else do as `submit_transaction` does."""
        head = self._head_block().header
        return await self._sealed(await self._admission.admit(recovered, head, self.pending_environment()))

    async def at_head(self, step: Callable[[Block], None]) -> None:
        """Run `step` with the newest block on the execution thread, while no block is sealed."""
        async with self._lock:
            await self._thread.run(lambda: step(self._head_block()))

    async def go_back(self, head: BlockId, state_location: int | None = None, extra_data: bytes = b"") -> None:
        """Make an earlier block the newest one; those above it are gone, with what is in them.

        `state_location` is where its state's root was, to which edits made since are taken back. The next block has
        `extra_data`, with which it is another one than was there before. Raises `StatePruned`.
        """

        def write() -> None:
            self.store.write_heads(heads_at(self.store, head))
            if state_location is not None:
                self.store.undo_edits(head, state_location)

        async with self._lock:
            await self._thread.run(write)
            self._next_timestamp, self._not_due_before = None, 0.0
            self.choices = replace(self.choices.for_later_blocks(), extra_data=extra_data)
            self._last_sealed = self.clock.now()
            self._wake()
            self._tell_listeners(head.hash)

    # What the RPC server asks (ChainService).

    @property
    def chain_id(self) -> int:
        """The chain id."""
        return self.rules.chain_id

    def head_id(self) -> BlockId:
        """Return the latest block."""
        return self.store.read_heads().unsafe

    def safe_id(self) -> BlockId:
        """Return the block two behind the latest."""
        return self.store.read_heads().safe

    def finalized_id(self) -> BlockId:
        """Return the block four behind the latest."""
        return self.store.read_heads().finalized

    def pending_environment(self) -> BlockEnvironment:
        """Return the environment of the block that would be sealed now."""
        parent = self._head_block()
        return next_environment(self.rules, parent, self._timestamp_after(parent), self.choices)

    async def submit_transaction(self, raw: bytes) -> bytes:
        """Take an envelope into the pool and return its hash, or raise a `Phal2Error` that says what is wrong.

        Blob transactions come in their network form.
        """
        if raw[:1] == bytes([BLOB]):
            # One after the other: a nonce that follows another's must not overtake it while proofs are checked.
            async with self._blob_turn:
                return await self._submit(raw)
        return await self._submit(raw)

    def pending_nonce(self, address: bytes) -> int:
        """Return the sender's next nonce with the pool's transactions counted."""
        return self.mempool.next_nonce(address, self._state().nonce(address))

    def pending_transactions(self) -> Sequence[RecoveredTransaction]:
        """Return the pool's transactions."""
        return list(self.mempool)

    def pending_transaction(self, transaction_hash: bytes) -> RecoveredTransaction | None:
        """Return a transaction of the pool by its hash, None where it is not there."""
        return self.mempool.get(transaction_hash)

    def suggested_priority_fee(self) -> int:
        """Return a tip in wei per gas with which a transaction is included soon."""
        return SUGGESTED_PRIORITY_FEE

    def on_new_head(self, callback: Callable[[bytes], None]) -> Callable[[], None]:
        """Call `callback` with the hash of every new head; the returned function ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # Within.

    async def _seal_at_intervals(self) -> None:
        while True:
            head = self.head_id()
            self._waiting = asyncio.ensure_future(self._until_due())
            try:
                await asyncio.wait((self._waiting,))
            finally:
                self._waiting.cancel()
            async with self._lock:
                if self.head_id() == head and self.clock.now() >= self._next_sealing_time():
                    await self._seal()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    async def _until_due(self) -> None:
        if self._interval is None:
            await asyncio.get_running_loop().create_future()
        await self.clock.wait_until(self._next_sealing_time())

    async def _submit(self, raw: bytes) -> bytes:
        head = self._head_block().header
        return await self._sealed(await self._admission.submit(raw, head, self.pending_environment()))

    async def _sealed(self, transaction_hash: bytes) -> bytes:
        """Seal a block for a transaction that has just come into the pool, where that is asked for."""
        # One that waits for another before it is sealed with that one.
        if self.automine and is_executable(self.mempool, transaction_hash, self._state().nonce):
            await self.mine()
        return transaction_hash

    async def _seal(self, timestamp: int | None = None) -> BlockId:
        """Seal a block; the caller holds the lock."""
        queues, planned, choices = self.mempool.queues(), self._next_timestamp, self.choices
        not_due_before = self._not_due_before

        def seal() -> BuiltBlock:
            # The head is read here, as a caller that was cancelled may have left its block to be sealed before.
            parent = self._head_block()
            chosen = self._timestamp_after(parent) if timestamp is None else timestamp
            if chosen <= parent.header.timestamp:
                raise InvalidBlockTime(chosen, parent.header.timestamp)
            self._require_short(chosen - int(self.clock.now()))
            end = time.monotonic() + _LONGEST_BUILD_SECONDS
            return seal_block(
                self.rules,
                self.store,
                self.verdicts,
                parent,
                next_environment(self.rules, parent, chosen, choices),
                queues,
                lambda: time.monotonic() > end,
            )

        built = await self._thread.run(seal)
        block = built.executed.block
        self.clock.reach(block.header.timestamp)
        self._last_sealed = self.clock.now()
        if self._not_due_before == not_due_before:
            self._not_due_before = 0.0
        if timestamp is None and self._next_timestamp == planned:
            self._next_timestamp = None
        if self.choices == choices:
            self.choices = choices.for_later_blocks()
        for refused in built.refused:
            log.info("transaction 0x%s leaves the pool: %s", refused.hash.hex(), refused.reason)
            self.mempool.remove(refused.hash)
        drop_included(self.mempool, block)
        self._tell_listeners(block.hash)
        return BlockId(block.hash, block.header.number)

    def _require_short(self, seconds: int) -> None:
        if seconds > self._longest_advance:
            raise AdvanceTooLong(seconds, self._longest_advance)

    def _tell_listeners(self, block_hash: bytes) -> None:
        for listener in list(self._listeners):
            listener(block_hash)

    def _next_sealing_time(self) -> float:
        if self._interval is None:
            return float("inf")
        due = min(self._head_block().header.timestamp, self._last_sealed) + self._interval
        return max(due, self._not_due_before)

    def _timestamp_after(self, parent: Block) -> int:
        if self._next_timestamp is not None and self._next_timestamp > parent.header.timestamp:
            return self._next_timestamp
        if self.timestamp_interval is not None:
            return parent.header.timestamp + self.timestamp_interval
        return max(parent.header.timestamp + 1, int(self.clock.now()))

    def _head_block(self) -> Block:
        block = self.store.block(self.head_id().hash)
        if block is None:
            raise LookupError("the head of the embedded L1 is not stored")
        return block

    def _state(self) -> WorldState:
        return WorldState(self.store, self._head_block().header.state_root, self.store.reader)
