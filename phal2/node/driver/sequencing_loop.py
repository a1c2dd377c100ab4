"""Sequencing at work: a block every block time, on the L1 origin that the rules choose."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from phal2.node.derivation.attributes import prepare_attributes
from phal2.node.derivation.errors import DerivationError, Temporary
from phal2.node.driver.clock import Clock
from phal2.node.driver.l1_origin import choose_l1_origin
from phal2.node.driver.l2_chain import BlockOrder, InvalidPayload, L2Chain
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.headers import Header
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.sequencer.mempool import Mempool, PooledTransaction
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.world_state import WorldState

log = logging.getLogger("phal2.sequencer")


class SequencingLoop:
    """Builds the unsafe chain from the pool."""

    def __init__(
        self,
        chain: L2Chain,
        l1: L1Client,
        mempool: Mempool,
        clock: Clock,
        attested_share_percent: int = 50,
        retry_seconds: float = 0.5,
    ) -> None:
        """`attested_share_percent` is the share of a block's gas in which attested transactions come first."""
        self._chain = chain
        self._l1 = l1
        self._mempool = mempool
        self._clock = clock
        self._attested_share_percent = attested_share_percent
        self._retry_seconds = retry_seconds
        config = chain.rules.config
        self._watched = (config.deposit_contract_address, config.l1_system_config_address)
        self._origin: L1Block | None = None
        self._active = asyncio.Event()
        self._active.set()

    @property
    def is_active(self) -> bool:
        """Tell whether blocks are being built."""
        return self._active.is_set()

    def start(self) -> None:
        """Build blocks again after `stop`."""
        self._active.set()

    def stop(self) -> None:
        """Build no further block until `start`."""
        self._active.clear()

    async def run(self) -> None:
        """Build blocks until cancelled."""
        while True:
            await self._active.wait()
            config, parent = self._chain.rules.config, self._chain.heads.unsafe
            timestamp = parent.timestamp + config.block_time
            await self._clock.wait_until(timestamp)
            try:
                await self._build_next(timestamp)
            except (EndpointError, DerivationError, InvalidPayload) as error:
                log.warning("sequencing waits: %s; trying again in %.1f s", error, self._retry_seconds)
                self._origin = None
                await asyncio.sleep(self._retry_seconds)

    async def _build_next(self, timestamp: int) -> None:
        async with self._chain.lock:
            parent = self._chain.heads.unsafe
            if parent.timestamp + self._chain.rules.config.block_time != timestamp or not self._active.is_set():
                return
            attributes = await self._attributes(parent, timestamp)
            deadline = time.monotonic() + self._chain.rules.config.block_time
            order = self._order_of(self._mempool.queues())
            built = await self._chain.extend(parent, attributes, order, should_stop=lambda: time.monotonic() > deadline)
        for refused in built.refused:
            log.info("transaction 0x%s leaves the pool: %s", refused.hash.hex(), refused.reason)
            self._mempool.remove(refused.hash)

    async def _attributes(self, parent: L2BlockRef, timestamp: int) -> PayloadAttributes:
        config = self._chain.rules.config
        current = await self._l1_block(parent.l1_origin.hash)
        following = await self._l1.block_ref(current.header.number + 1)
        choice = choose_l1_origin(config, parent, timestamp, current.ref, following)
        origin = self._origin = await self._l1_block(choice.origin.hash)
        system_config = self._chain.system_config(parent.hash)
        attributes = prepare_attributes(config, system_config, parent, origin, timestamp)
        return replace(attributes, no_tx_pool=choice.is_past_drift)

    async def _l1_block(self, block_hash: bytes) -> L1Block:
        if self._origin is not None and self._origin.hash == block_hash:
            return self._origin
        block = await self._l1.block(block_hash, self._watched)
        if block is None:
            raise Temporary(f"L1 has no block 0x{block_hash.hex()}, the origin of the L2 head")
        return block

    def _order_of(self, queues: Mapping[bytes, Sequence[PooledTransaction]]) -> BlockOrder:
        """Return what orders a copy of the pool once the block's environment is known, on the execution thread."""

        def order(environment: BlockEnvironment, parent: Header) -> TransactionOrder:
            state = WorldState(self._chain.store, parent.state_root)
            next_nonces = {sender: state.nonce(sender) for sender in queues}
            attested_gas = environment.gas_limit * self._attested_share_percent // 100
            return TransactionOrder(queues, next_nonces, environment.base_fee_per_gas, attested_gas)

        return order
