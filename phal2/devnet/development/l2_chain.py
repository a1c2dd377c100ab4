"""The sequencer under development: what a rollup can give of it."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from phal2.devnet.development.chain import MOST_BLOCKS, NotOnThisChain, StateEditsRefused, TooManyBlocks
from phal2.devnet.development.devnet_snapshots import DevnetSnapshots
from phal2.devnet.development.impersonation import Impersonation
from phal2.devnet.development.l1_controls import L1Controls
from phal2.devnet.development.state_edits import StateEdit, edit_state_of
from phal2.node.driver.clock import Clock
from phal2.node.driver.pool_upkeep import is_executable
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.errors import SERVER_ERROR, RpcError, invalid_params

log = logging.getLogger("phal2.sequencer")

_MOST_BLOCKS_FOR_ONE: Final = 3
_LONGEST_PAUSE_SECONDS: Final = 30.0
_INTERVALS_OF_CLIENTS: Final = (0, 1)
"""What viem's test client and hardhat-network-helpers send between blocks where their callers ask for nothing."""


class NotYetUp(Phal2Error):
    """What needs the whole devnet, asked for before all of it is up."""

    def __init__(self) -> None:
        super().__init__("the devnet is still starting; try again when it is up")


class L2Development:
    """A `DevelopmentChain`. Time is the devnet's, so L1 goes along; snapshots are of the whole devnet.

    A rollup's history is on its L1: where L2 goes back, L1 and the follower must go back with it.
    """

    def __init__(
        self, sequencer: RollupNode, l1: L1Controls | None, clock: Clock, *, allow_state_edits: bool = False
    ) -> None:
        """Begin to develop on `sequencer`; raise `ValueError` for a node that is none.

        `l1` is how L1 goes along, None where it does not: then there are blocks on demand alone.
        """
        if sequencer.sequencing is None or sequencer.mempool is None:
            raise ValueError("a follower builds no blocks")
        self.service = sequencer
        self.mempool = sequencer.mempool
        self.impersonation = Impersonation()
        self.snapshots: DevnetSnapshots | None = None
        """Set when all parts of the devnet are there."""
        self._sequencer = sequencer
        self._sequencing = sequencer.sequencing
        self._l1 = l1
        self._clock = clock
        self._allow_state_edits = allow_state_edits
        self._is_edited = False
        self._is_manual = False
        self._turn = asyncio.Lock()

    @property
    def automine(self) -> bool:
        """Whether a block is sealed for each transaction."""
        return self._sequencer.after_submission is not None

    @property
    def interval(self) -> int | None:
        """The block time, None where blocks come on demand alone."""
        return None if self._is_manual else self._sequencer.config.block_time

    async def mine(self, blocks: int = 1, interval: int | None = None, timestamp: int | None = None) -> None:
        """Seal the next L2 blocks now: the devnet's time goes on to their timestamps."""
        if blocks > MOST_BLOCKS:
            raise TooManyBlocks(blocks)
        if interval not in (None, *_INTERVALS_OF_CLIENTS, self._sequencer.config.block_time):
            raise self._other_block_time(interval)
        async with self._turn:
            await self._build(blocks if timestamp is None else self._blocks_before(timestamp) + blocks)

    async def increase_time(self, seconds: int) -> int:
        """Move the devnet's time forward, seal the L2 blocks that belong to it, and return the lead over wall time.

        L1 goes along with a block at the new time. At most the time of 3,600 L2 blocks a call.
        """
        self._require_l1("time cannot be moved forward")
        self._require_few_blocks(seconds)
        async with self._turn:
            number = self._sequencer.heads.unsafe.number + seconds // self._sequencer.config.block_time
            if self._is_manual:
                self._sequencing.build_up_to(number)
            await self._advance(int(self._clock.now()) + seconds, number, seals_l1=True)
        return self._clock.offset

    def set_next_timestamp(self, timestamp: int) -> None:
        """Accept the one timestamp that the next block can have; refuse every other."""
        expected = self._sequencer.heads.unsafe.timestamp + self._sequencer.config.block_time
        if timestamp != expected:
            raise invalid_params(
                f"the next L2 block has timestamp {expected} and no other: the block number fixes it; "
                "use evm_increaseTime, or evm_mine with the timestamp"
            )

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Accept the block time, which is between the timestamps of L2 blocks anyway."""
        if seconds not in (None, self._sequencer.config.block_time):
            raise self._other_block_time(seconds)

    def set_automine(self, is_on: bool) -> None:
        """Seal a block for each transaction at once from now on, ahead of its time, or no longer."""
        self._sequencer.after_submission = self._mine_for if is_on else None

    async def set_interval(self, seconds: int) -> None:
        """Seal L2 blocks at their times (`seconds` is the block time), or only on demand (0)."""
        if seconds not in (0, self._sequencer.config.block_time):
            raise self._other_block_time(seconds)
        async with self._turn:
            self._is_manual = seconds == 0
            self._sequencing.build_up_to(self._sequencer.heads.unsafe.number if self._is_manual else None)
            await self._block_under_construction()
            self._hold_where_manual()

    def require_state_edits(self) -> None:
        """Raise `StateEditsRefused` unless the devnet was told to allow edits."""
        if not self._allow_state_edits:
            raise StateEditsRefused

    async def edit_state(self, edit: StateEdit) -> None:
        """Edit the state of the newest L2 block. From the first edit on the follower has another chain."""
        self.require_state_edits()
        chain = self._sequencer.chain

        def step() -> int:
            head = chain.block(chain.heads.unsafe.hash)
            edit_state_of(chain.store, head, edit)
            return head.header.number

        async with self._turn:
            number = await chain.run(step)
        if not self._is_edited:
            self._is_edited = True
            log.warning("the state of L2 block %d was edited: the follower cannot follow the blocks after it", number)

    async def admit(self, transaction: RecoveredTransaction) -> bytes:
        """Take a transaction into the pool whose sender is known; return its hash."""
        return await self._sequencer.admit(transaction)

    async def snapshot(self) -> int:
        """Note the present state of the devnet: L1, sequencer, follower and time."""
        self._require_l1("snapshots of the devnet cannot be taken")
        async with self._turn:
            return await self._whole_devnet().snapshot()

    async def revert(self, number: int) -> bool:
        """Return the devnet to a snapshot: L1, sequencer, follower and time."""
        self._require_l1("the devnet cannot go back")
        async with self._turn:
            found = await self._whole_devnet().revert(number)
            self._hold_where_manual()
        return found

    async def reset(self) -> None:
        """Return the devnet to where it was when it was up."""
        self._require_l1("the devnet cannot go back")
        async with self._turn:
            await self._whole_devnet().reset()
            self._hold_where_manual()

    async def _mine_for(self, transaction_hash: bytes) -> None:
        try:
            async with self._turn:
                # An earlier one's block may have taken it along, or it waits for another; and a block may be full.
                for _ in range(_MOST_BLOCKS_FOR_ONE):
                    if not is_executable(self.mempool, transaction_hash, self._sequencer.chain.state_at_head().nonce):
                        return
                    await self._build(1)
        except RpcError as error:
            log.warning("transaction 0x%s stays in the pool: %s", transaction_hash.hex(), error)

    async def _build(self, blocks: int) -> None:
        """Have that many blocks more; the caller holds the turn."""
        # It may have been begun before a transaction came that the caller wants a block for.
        await self._block_under_construction()
        head = self._sequencer.heads.unsafe
        number = head.number + blocks
        if self._is_manual:
            self._sequencing.build_up_to(number)
        target = head.timestamp + blocks * self._sequencer.config.block_time
        seals_l1 = self._l1 is not None and await self._l1.interval() is not None
        await self._advance(target, number, seals_l1=seals_l1)
        await self._until(lambda: self._sequencer.heads.unsafe.number >= number)

    def _blocks_before(self, timestamp: int) -> int:
        """Return how many L2 blocks come before the one that has a timestamp; raise where none will have it."""
        block_time = self._sequencer.config.block_time
        following = self._sequencer.heads.unsafe.timestamp + block_time
        seconds = timestamp - following
        if seconds < 0:
            raise invalid_params(
                f"the next L2 block cannot have timestamp {timestamp}: timestamps must rise, and it has {following} "
                "at the earliest"
            )
        if beyond := seconds % block_time:
            raise invalid_params(
                f"no L2 block has timestamp {timestamp}: they are {block_time} s apart, as the block number fixes "
                f"their time; use {timestamp - beyond} or {timestamp - beyond + block_time}"
            )
        if seconds:
            self._require_l1("time cannot be moved forward")
            self._require_few_blocks(seconds)
        return seconds // block_time

    def _require_few_blocks(self, seconds: int) -> None:
        block_time = self._sequencer.config.block_time
        longest = MOST_BLOCKS * block_time
        if seconds > longest:
            raise invalid_params(
                f"cannot advance {seconds} s at once: each {block_time} s give an L2 block; "
                f"advance at most {longest} s a call"
            )

    async def _advance(self, target: int, last_number: int, *, seals_l1: bool) -> None:
        """Move the devnet's time to `target` in steps, and wait at each for the L2 blocks that belong to it.

        Where it `seals_l1`, L1 has a block before L2 comes to its time, so that L2 always has an origin with which its
        blocks may hold transactions. With blocks on demand alone the wait ends at `last_number`.
        """
        config = self._sequencer.config
        step = max(config.block_time, config.sequencer_drift(target) // 3)
        now = int(self._clock.now())
        for time in (*range(now + step, target, step), target):
            if seals_l1:
                await self._seal_l1(time)
            self._clock.reach(time)
            await self._until(partial(self._has_reached, time - config.block_time, last_number))

    def _has_reached(self, timestamp: int, last_number: int) -> bool:
        head = self._sequencer.heads.unsafe
        return head.timestamp >= timestamp or (self._is_manual and head.number >= last_number)

    async def _seal_l1(self, time: int) -> None:
        """Have L1 seal a block at `time`, where one is due by then."""
        if self._l1 is not None and time - await self._l1.head_time() >= (await self._l1.interval() or 1):
            await self._l1.mine(time)

    def _require_l1(self, refused: str) -> None:
        if self._l1 is None:
            raise NotOnThisChain(
                f"{refused}: L2 rests on an L1 that this devnet does not control; "
                "start the devnet with its embedded L1, or with --l1 anvil"
            )

    async def _until(self, is_reached: Callable[[], bool]) -> None:
        """Wait until the head is far enough, as long as new blocks come."""
        new_head = asyncio.Event()
        end = self._sequencer.on_new_head(lambda _: new_head.set())
        try:
            while not is_reached():
                if not self._sequencing.is_active:
                    raise RpcError(SERVER_ERROR, "no L2 block is built, as the sequencer is stopped; start it first")
                new_head.clear()
                async with asyncio.timeout(_LONGEST_PAUSE_SECONDS):
                    await new_head.wait()
        except TimeoutError:
            raise RpcError(
                SERVER_ERROR,
                f"no L2 block for {_LONGEST_PAUSE_SECONDS:.0f} s; the log says what the sequencer waits for",
            ) from None
        finally:
            end()

    async def _block_under_construction(self) -> None:
        """Return once the block is there that is being built now, if one is."""
        await self._sequencer.chain.run(lambda: None)

    def _hold_where_manual(self) -> None:
        if self._is_manual:
            self._sequencing.build_up_to(self._sequencer.heads.unsafe.number)

    def _whole_devnet(self) -> DevnetSnapshots:
        if self.snapshots is None:
            raise NotYetUp
        return self.snapshots

    def _other_block_time(self, seconds: int | None) -> NotOnThisChain:
        block_time = self._sequencer.config.block_time
        return NotOnThisChain(
            f"L2 blocks are {block_time} s apart, as the block number fixes their time; {seconds} s is not possible: "
            f"use {block_time} (or 0 for blocks on demand alone), or start the devnet with another --l2-block-time"
        )
