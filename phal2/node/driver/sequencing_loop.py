"""Sequencing at work: a block every block time, on the L1 origin that the rules choose."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from phal2.node.derivation.attributes import prepare_attributes
from phal2.node.derivation.errors import Reset, Temporary
from phal2.node.driver.clock import Clock
from phal2.node.driver.l1_origin import choose_l1_origin, is_too_late_to_post
from phal2.node.driver.l2_chain import BlockOrder, L2Chain
from phal2.node.driver.retries import Retries
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.sequencer.building import BuiltBlock
from phal2.node.sequencer.mempool import Mempool, PooledTransaction
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.environment import BlockEnvironment

log = logging.getLogger("phal2.sequencer")

_LATEST_L1_SECONDS: Final = 0.25
"""So long the L1 block that follows the origin is taken for the present one, which spares catching up most requests."""


class SequencingLoop:
    """Builds the unsafe chain from the pool."""

    def __init__(
        self,
        chain: L2Chain,
        l1: L1Client,
        mempool: Mempool,
        clock: Clock,
        request_reset: Callable[[str], None],
        l1_head: Callable[[], L1BlockRef | None] = lambda: None,
        attested_share_percent: int = 50,
    ) -> None:
        """`request_reset` is told why, where the unsafe chain does not rest on L1's present chain.

        `l1_head` gives the newest L1 block that is known.

        `attested_share_percent` is the share of a block's gas in which attested transactions come first.
        """
        self._chain = chain
        self._l1 = l1
        self._mempool = mempool
        self._clock = clock
        self._request_reset = request_reset
        self._l1_head = l1_head
        self._is_recovering = False
        self._attested_share_percent = attested_share_percent
        self.retries = Retries("sequencing", log)
        config = chain.rules.config
        self._watched = (config.deposit_contract_address, config.l1_system_config_address)
        self._origin: L1Block | None = None
        self._following: L1BlockRef | None = None
        self._following_asked_at = float("-inf")
        self._active = asyncio.Event()
        self._active.set()
        self.after_building: Callable[[float], None] = lambda _: None
        """Told how many seconds each block took to build, seal and store."""
        self._last_number: int | None = None
        self._woken = asyncio.Event()

    @property
    def is_active(self) -> bool:
        """Tell whether blocks are being built."""
        return self._active.is_set()

    def start(self) -> None:
        """Build blocks again after `stop`, at what is then the head's time."""
        self._active.set()
        self._wake()

    def stop(self) -> None:
        """Build no further block until `start`."""
        self._active.clear()

    def build_up_to(self, last_number: int | None) -> None:
        """Build no block above the number `last_number` until told otherwise; None takes the bound away."""
        self._last_number = last_number
        self._wake()

    async def run(self) -> None:
        """Build blocks until cancelled. Endpoint failures are retried.

        Raises `Critical` and `InvalidPayload`, where L1 asks for what no block can hold, and storage errors.
        """
        while True:
            await self._active.wait()
            parent = self._chain.heads.unsafe
            if not self._may_follow(parent):
                await self._woken.wait()
                continue
            await self._wait_until_due(parent.timestamp + self._chain.rules.config.block_time)
            try:
                await self._build_next()
            except (EndpointError, Temporary) as error:
                self._origin = self._following = None
                await asyncio.sleep(self.retries.failed(error))
            except Reset as error:
                self._origin = self._following = None
                self._request_reset(str(error))
                await asyncio.sleep(self.retries.failed(error))
            else:
                self.retries.succeeded()

    async def _build_next(self) -> None:
        """Build the block after the head, where it is due."""
        parent = self._chain.heads.unsafe
        timestamp = parent.timestamp + self._chain.rules.config.block_time
        if timestamp > self._clock.now():
            return
        attributes = await self._attributes(parent, timestamp)
        order = self._order_of(self._mempool.queues())
        seconds = self._building_seconds(timestamp)

        def build() -> BuiltBlock | None:
            if self._chain.heads.unsafe != parent or not self._active.is_set() or not self._may_follow(parent):
                return None
            end = time.monotonic() + seconds
            return self._chain.build(parent, attributes, order, should_stop=lambda: time.monotonic() > end)

        began = time.monotonic()
        built = await self._chain.run(build)
        if built is not None:
            self.after_building(time.monotonic() - began)
        for refused in built.refused if built is not None else ():
            log.info("transaction 0x%s leaves the pool: %s", refused.hash.hex(), refused.reason)
            self._mempool.remove(refused.hash)

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()

    async def _wait_until_due(self, timestamp: int) -> None:
        """Return when the time has come, or something else has changed."""
        if timestamp <= self._clock.now():
            return
        waiting = [asyncio.ensure_future(self._clock.wait_until(timestamp)), asyncio.ensure_future(self._woken.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    def _may_follow(self, parent: L2BlockRef) -> bool:
        return self._last_number is None or parent.number < self._last_number

    def _building_seconds(self, timestamp: int) -> float:
        """Return how long transactions may be added to the block of `timestamp`.

        What is left of the block time is for the seal, and for derivation and the RPC server, which share the
        interpreter. A chain that is behind its clock takes less, so that it catches up whatever the load.
        """
        block_time = self._chain.rules.config.block_time
        left = timestamp + block_time - self._clock.now()
        return max(block_time * 0.1, min(block_time * 0.5, left - block_time * 0.5))

    async def _attributes(self, parent: L2BlockRef, timestamp: int) -> PayloadAttributes:
        config = self._chain.rules.config
        current = await self._origin_block(parent.l1_origin)
        following = await self._block_after(current, timestamp)
        choice = choose_l1_origin(config, parent, timestamp, current.ref, following)
        origin = self._origin = await self._origin_block(choice.origin.id)
        system_config = self._chain.system_config(parent.hash)
        attributes = prepare_attributes(config, system_config, parent, origin, timestamp)
        self._note_recovery(choice.origin, self._l1_head())
        return replace(attributes, no_tx_pool=choice.is_past_drift or self._is_recovering)

    def _note_recovery(self, origin: L1BlockRef, head: L1BlockRef | None) -> None:
        """Note whether blocks of this origin can no longer be posted in time, and say when that changes."""
        was_recovering = self._is_recovering
        config = self._chain.rules.config
        self._is_recovering = head is not None and is_too_late_to_post(config, origin.number, head.number)
        if head is not None and self._is_recovering and not was_recovering:
            log.warning(
                "L1 is at block %d and the sequencing window of %d blocks ends for the L1 origin %d: building blocks "
                "with deposits alone, as every node derives them, up to origins whose blocks can be posted in time",
                head.number,
                config.sequencing_window_size,
                origin.number,
            )
        elif was_recovering and not self._is_recovering:
            log.warning("the L1 origin is %d now: building blocks with the pool's transactions again", origin.number)

    async def _block_after(self, current: L1Block, timestamp: int) -> L1BlockRef | None:
        """Return the L1 block after the origin. One that is yet too late for `timestamp` is not asked for again."""
        known, now = self._following, time.monotonic()
        if (
            known is not None
            and known.parent_hash == current.hash
            and known.timestamp > timestamp
            and now - self._following_asked_at < _LATEST_L1_SECONDS
        ):
            return known
        self._following_asked_at = now
        self._following = await self._l1.block_ref(current.header.number + 1)
        return self._following

    async def _origin_block(self, wanted: BlockId) -> L1Block:
        if self._origin is not None and self._origin.hash == wanted.hash:
            return self._origin
        block = await self._l1.block(wanted.hash, self._watched)
        canonical = await self._l1.block_ref(wanted.number)
        if canonical is not None and canonical.hash != wanted.hash:
            raise Reset(f"L1 block {wanted.number}, an L1 origin, was replaced by another")
        if block is None or canonical is None:
            raise Temporary(f"L1 does not have block {wanted.number} (0x{wanted.hash.hex()}), an L1 origin")
        return block

    def _order_of(self, queues: Mapping[bytes, Sequence[PooledTransaction]]) -> BlockOrder:
        """Return what orders a copy of the pool once the block's environment is known, on the execution thread."""

        def order(environment: BlockEnvironment, next_nonce: Callable[[bytes], int]) -> TransactionOrder:
            attested_gas = environment.gas_limit * self._attested_share_percent // 100
            return TransactionOrder(queues, next_nonce, environment.base_fee_per_gas, attested_gas)

        return order
