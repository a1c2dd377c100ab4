"""Derivation at work: feeds L1 blocks to the pipeline and makes what it derives the safe chain."""

import asyncio
import logging

from phal2.node.derivation.attributes import DerivedAttributes
from phal2.node.derivation.dropped import Dropped
from phal2.node.derivation.errors import Reset, Temporary
from phal2.node.derivation.pipeline import DerivationPipeline
from phal2.node.derivation.start import derivation_start
from phal2.node.driver.consolidation import differs_from_attributes
from phal2.node.driver.l1_tracker import L1Tracker
from phal2.node.driver.l2_chain import InvalidPayload, L2Chain
from phal2.node.driver.reset import restart_point
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.block_refs import BlockId, L1BlockRef
from phal2.node.protocol.errors import InvalidBlock

log = logging.getLogger("phal2.driver")


class DerivationLoop:
    """Derives the safe chain from L1. `current_l1` is the last L1 block wholly processed, None before the first."""

    def __init__(self, chain: L2Chain, l1: L1Client, tracker: L1Tracker, retry_seconds: float = 1.0) -> None:
        self._chain = chain
        self._l1 = l1
        self._tracker = tracker
        self._retry_seconds = retry_seconds
        config = chain.rules.config
        self._watched = (config.deposit_contract_address, config.l1_system_config_address)
        self._pipeline: DerivationPipeline | None = None
        self._next_l1_number = 0
        self._applied_through: int | None = None
        self._added: L1BlockRef | None = None
        self.current_l1: L1BlockRef | None = None
        tracker.on_finalized(self._finalize)

    async def run(self) -> None:
        """Derive until cancelled. Endpoint failures are retried, L1 reorganisations reset the pipeline."""
        while True:
            try:
                if self._pipeline is None:
                    await self._reset()
                await self._step()
            except (EndpointError, Temporary) as error:
                log.warning("derivation waits: %s; trying again in %.1f s", error, self._retry_seconds)
                await asyncio.sleep(self._retry_seconds)
            except Reset as error:
                log.warning("derivation starts again: %s", error)
                self._pipeline = None

    async def _reset(self) -> None:
        chain, config = self._chain, self._chain.rules.config
        async with chain.lock:
            restart = await restart_point(chain, self._l1)
            heads = restart.heads
            if heads != chain.heads:
                log.warning(
                    "L1 has another chain now: unsafe head %d -> %d, safe head %d -> %d",
                    chain.heads.unsafe.number,
                    heads.unsafe.number,
                    chain.heads.safe.number,
                    heads.safe.number,
                )
                await chain.rewind(heads)
        start = derivation_start(config, heads.safe, chain.ref, restart.applied_through)
        self._pipeline = DerivationPipeline(
            config, heads.safe, chain.system_config(start.hash), restart.applied_through, _log_dropped
        )
        self._next_l1_number = start.l1_origin.number
        self._applied_through = restart.applied_through
        self._added = self.current_l1 = None

    async def _step(self) -> None:
        """Apply the next derived attributes, or where the pipeline needs it, give it the next L1 block."""
        pipeline = self._pipeline
        assert pipeline is not None, "run() makes the pipeline first"  # noqa: S101 - tells the type checker
        derived = await asyncio.to_thread(pipeline.next_attributes, self._chain.heads.safe)
        if derived is not None:
            await self._apply(pipeline, derived)
            return
        if self._added is not None and self._added != self.current_l1:
            await self._note_processed(self._added)
        await self._add_next_l1_block(pipeline)

    async def _note_processed(self, l1_block: L1BlockRef) -> None:
        if self._applied_through is None or l1_block.number > self._applied_through:
            await self._chain.record_safe_head(l1_block.id)
        self.current_l1 = l1_block

    async def _add_next_l1_block(self, pipeline: DerivationPipeline) -> None:
        head = self._tracker.head
        if head is None or self._next_l1_number > head.number:
            if head is not None and self._added is not None and head.number == self._added.number:
                _expect_same_block(head, self._added)
            await self._tracker.wait_for_change(self._retry_seconds)
            if self._tracker.head is None or self._next_l1_number > self._tracker.head.number:
                return
        block = await self._l1.block(self._next_l1_number, self._watched)
        if block is None:
            raise Temporary(f"L1 block {self._next_l1_number} is not there yet")
        pipeline.add_l1_block(block)
        self._added = block.ref
        self._next_l1_number += 1

    async def _apply(self, pipeline: DerivationPipeline, derived: DerivedAttributes) -> None:
        """Make the block of the attributes the safe head: the unsafe one where it fulfils them, else a new one."""
        chain, attributes = self._chain, derived.attributes
        async with chain.lock:
            safe = chain.heads.safe
            if derived.parent.hash != safe.hash:
                raise Reset(f"attributes derived on block {derived.parent.number}, but safe is {safe.number}")
            unsafe = chain.canonical_ref(safe.number + 1)
            if unsafe is not None and unsafe.number <= chain.heads.unsafe.number:
                block, parent = chain.block(unsafe.hash), chain.block(safe.hash)
                environment = chain.environment(parent.header, safe.hash, attributes)
                difference = differs_from_attributes(block, environment, attributes)
                if difference is None:
                    await chain.mark_safe(unsafe)
                    return
                log.warning("unsafe block %d has another %s than L1 says; replacing it", unsafe.number, difference)
            try:
                await chain.extend(safe, attributes, is_safe=True)
            except InvalidPayload as error:
                log.warning("derived payload is invalid: %s; replacing it by one with deposits only", error)
                await chain.extend(safe, pipeline.reject_payload().attributes, is_safe=True)

    async def _finalize(self, finalized: L1BlockRef) -> None:
        record = self._chain.store.safe_head_at_l1(finalized.number)
        if record is None or self.current_l1 is None:
            return
        _, safe_then = record
        if safe_then.number > self._chain.heads.finalized.number:
            await self._mark_finalized(safe_then)

    async def _mark_finalized(self, block: BlockId) -> None:
        async with self._chain.lock:
            if self._chain.store.block_hash(block.number) != block.hash:
                raise InvalidBlock(f"finalized block {block.number} is not on the canonical chain")
            await self._chain.mark_finalized(self._chain.ref(block.hash))


def _expect_same_block(head: L1BlockRef, added: L1BlockRef) -> None:
    if head.hash != added.hash:
        raise Reset(f"L1 block {added.number} was replaced by another")


def _log_dropped(dropped: Dropped) -> None:
    log.info("derivation drops %s", dropped)
