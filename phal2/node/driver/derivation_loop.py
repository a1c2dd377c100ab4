"""Derivation at work: feeds L1 blocks to the pipeline and makes what it derives the safe chain."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from phal2.node.derivation.errors import Reset, Temporary
from phal2.node.derivation.pipeline import DerivationPipeline
from phal2.node.derivation.start import derivation_start
from phal2.node.driver.derivation_step import derive_blocks, safe_block
from phal2.node.driver.drop_log import DropLog
from phal2.node.driver.l1_tracker import L1Tracker
from phal2.node.driver.l2_chain import L2Chain
from phal2.node.driver.reset import go_back_to, restart_point
from phal2.node.driver.retries import Retries
from phal2.node.l1.beacon import BeaconClient
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.block_refs import BlockId, L1BlockRef

log = logging.getLogger("phal2.driver")


class DerivationLoop:
    """Derives the safe chain from L1. `current_l1` is the last L1 block wholly processed, None before the first."""

    def __init__(
        self, chain: L2Chain, l1: L1Client, beacon: BeaconClient, tracker: L1Tracker, *, l1_may_rewind: bool = False
    ) -> None:
        """`l1_may_rewind`: L1 is a development chain, which may take back what was final."""
        self._chain = chain
        self._l1 = l1
        self._beacon = beacon
        self._tracker = tracker
        self._l1_may_rewind = l1_may_rewind
        self.retries = Retries("derivation", log)
        config = chain.rules.config
        self._watched = (config.deposit_contract_address, config.l1_system_config_address)
        self._turn = asyncio.Lock()
        self._pipeline: DerivationPipeline | None = None
        self._reset_reason: str | None = None
        self._next_l1_number = 0
        self._applied_through: int | None = None
        self._added: L1BlockRef | None = None
        self.current_l1: L1BlockRef | None = None
        tracker.on_finalized(self._finalize)

    def request_reset(self, reason: str) -> None:
        """Have the pipeline start again at what rests on L1's present chain."""
        self._reset_reason = reason

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Derive nothing meanwhile, and begin afterwards as at a start: for one who moves the chain's heads."""
        async with self._turn:
            try:
                yield
            finally:
                self._pipeline = self._added = self.current_l1 = None

    async def run(self) -> None:
        """Derive until cancelled. Endpoint failures are retried, L1 reorganisations reset the pipeline.

        Raises `Critical` and storage errors, with which no node can go on.
        """
        while True:
            try:
                async with self._turn:
                    has_more = await self._step(self._pipeline or await self._started())
                if not has_more:
                    # L1 may have finalized blocks before they were derived from.
                    if self._tracker.finalized is not None:
                        await self._finalize(self._tracker.finalized)
                    await self._tracker.wait_for_change(1.0)
            except (EndpointError, Temporary) as error:
                await asyncio.sleep(self.retries.failed(error))
            except Reset as error:
                self._pipeline = None
                await asyncio.sleep(self.retries.failed(error))
            else:
                self.retries.succeeded()

    async def _started(self) -> DerivationPipeline:
        """Return a new pipeline, which begins at the highest heads that rest on L1's present chain."""
        chain, config = self._chain, self._chain.rules.config
        before = chain.heads
        restart = await restart_point(chain, self._l1, l1_may_rewind=self._l1_may_rewind)
        await chain.run(lambda: go_back_to(chain, before, restart))
        safe = chain.heads.safe
        start = await chain.run(lambda: derivation_start(config, safe, chain.ref, restart.applied_through))
        pipeline = DerivationPipeline(
            config,
            safe,
            chain.system_config(start.hash),
            lambda number: safe_block(chain, number),
            restart.applied_through,
            DropLog(),
        )
        self._next_l1_number = start.l1_origin.number
        self._applied_through = restart.applied_through
        self._added = self.current_l1 = None
        self._pipeline = pipeline
        self._reset_reason = None
        return pipeline

    async def _step(self, pipeline: DerivationPipeline) -> bool:
        """Derive what follows from the L1 blocks read so far, and then give the pipeline the next one.

        Return False where the next step is of use only after L1 has changed.
        """
        if self._reset_reason is not None:
            raise Reset(self._reset_reason)
        if not await self._chain.run(lambda: derive_blocks(self._chain, pipeline)):
            return True
        if self._added is not None and self._added != self.current_l1:
            await self._note_processed(self._added)
        return await self._add_next_l1_block(pipeline)

    async def _note_processed(self, l1_block: L1BlockRef) -> None:
        chain = self._chain
        if self._applied_through is None or l1_block.number > self._applied_through:
            await chain.run(lambda: chain.store.record_safe_head(l1_block.id, chain.heads.safe.id))
        self.current_l1 = l1_block

    async def _add_next_l1_block(self, pipeline: DerivationPipeline) -> bool:
        """Give the pipeline the next L1 block; return False where L1 has none yet."""
        head = self._tracker.head
        if head is None or self._next_l1_number > head.number:
            if head is not None and self._added is not None and head.number == self._added.number:
                _expect_same_block(head, self._added)
            return False
        block = await self._l1.block(self._next_l1_number, self._watched)
        if block is None:
            raise Temporary(f"L1 block {self._next_l1_number} is not there, though the head is {head.number}")
        if needed := pipeline.needed_blobs(block):
            block = replace(block, blobs=await self._beacon.blobs(block, needed))
        pipeline.add_l1_block(block)
        self._added = block.ref
        self._next_l1_number += 1
        return True

    async def _finalize(self, finalized: L1BlockRef) -> None:
        if self.current_l1 is None:
            return
        chain = self._chain
        record = chain.store.safe_head_at_l1(finalized.number)
        if record is None or not await self._is_ancestor(record[0], finalized):
            return
        safe_head = record[1]

        def mark() -> None:
            # A record of a branch that L1 has left speaks of blocks that are no longer canonical.
            if chain.store.block_hash(safe_head.number) == safe_head.hash:
                chain.set_finalized(chain.ref(safe_head.hash))

        await chain.run(mark)

    async def _is_ancestor(self, derived: BlockId, finalized: L1BlockRef) -> bool:
        """Tell whether the finalized L1 block is of the chain that was derived from: an endpoint may serve another."""
        if derived.number == finalized.number:
            return derived.hash == finalized.hash
        canonical = await self._l1.block_ref(derived.number)
        return canonical is not None and canonical.hash == derived.hash


def _expect_same_block(head: L1BlockRef, added: L1BlockRef) -> None:
    if head.hash != added.hash:
        raise Reset(f"L1 block {added.number} was replaced by another")
