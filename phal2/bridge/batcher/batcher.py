"""The batcher's loop: reads the blocks after the safe head, gathers them in channels, and posts these to L1."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from phal2.bridge.batcher.channel_builder import ChannelBuilder
from phal2.bridge.batcher.data_availability import PayloadChoice
from phal2.bridge.batcher.errors import (
    L2ChainChanged,
    LostChannel,
    NonceLost,
    NonceTaken,
    TransactionCancelled,
    UnusableBlock,
)
from phal2.bridge.batcher.inbox import Inbox
from phal2.bridge.batcher.inbox_sender import InboxSender
from phal2.bridge.batcher.posted_channels import PostedChannels
from phal2.bridge.batcher.settings import BatcherSettings, DataAvailability
from phal2.bridge.chain_access.l2_source import L2Source, SyncStatus
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError, EndpointUnavailable
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.l1.kzg import KzgWorker
from phal2.node.l1.kzg_errors import KzgUnavailable
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block
from phal2.node.protocol.rollup_config import posting_margin
from phal2.node.protocol.span_batches import SpanBatchTerms

_LOGGER = logging.getLogger("phal2.batcher")

_BLOCKS_IN_A_REQUEST: Final = 32


class Batcher:
    """Posts the L2 chain of one node to L1. `run` it until cancelled; what is in L1 and the node is all its memory.

    At the start, after a reorg and after a lost channel it begins at the safe head, once derivation has read all that
    was posted before. The clients belong to the caller.
    """

    def __init__(
        self,
        l1: L1Client,
        l2: JsonRpcClient,
        config: Inbox,
        private_key: bytes,
        settings: BatcherSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        kzg: KzgWorker,
    ) -> None:
        """`config` is the rollup configuration; `private_key` has 32 bytes; `clock` gives seconds for timeouts.

        `kzg` commits to blobs; without blobs it is not started.
        """
        self._settings = settings or BatcherSettings()
        self._l1 = l1
        self._l2 = L2Source(l2)
        self._window = config.sequencing_window_size
        self._terms = SpanBatchTerms(config.l2_genesis_time, config.block_time, config.l2_chain_id)
        self._sender = InboxSender(l1, config, private_key, self._settings, kzg, clock)
        self._choice = PayloadChoice(self._settings)
        self._kzg = kzg
        self._posted = PostedChannels(self._settings.lost_channel_blocks)
        self._builder: ChannelBuilder | None = None
        self._builder_opened_at = 0
        self._read_to: BlockId | None = None
        self._start_at_l1: int | None = None
        self._has_backlog = False

    @property
    def read_to(self) -> BlockId | None:
        """The last L2 block that was put in a channel (at first the safe head), None while it waits to begin."""
        return self._read_to

    async def run(self) -> None:
        """Post until cancelled. Endpoint failures are retried with growing pauses."""
        _LOGGER.info("posting batches from %s", to_checksum_address(self._sender.address))
        loading = asyncio.create_task(self._load_kzg())
        try:
            await self._post()
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)

    async def _load_kzg(self) -> None:
        """Have the KZG setup loaded while the first channel is open, where it is sure to be needed."""
        if self._settings.data_availability is DataAvailability.BLOBS:
            with suppress(KzgUnavailable):
                await self._kzg.commit(())

    async def _post(self) -> None:
        backoff = Backoff(self._settings.poll_interval_seconds)
        while True:
            try:
                await self.step()
            except (EndpointError, KzgUnavailable) as error:
                delay = backoff.next_delay(error if isinstance(error, EndpointError) else None)
                _LOGGER.warning("%s; trying again in %.1f s", error, delay)
            else:
                backoff.reset()
                delay = self._settings.poll_interval_seconds
            await asyncio.sleep(delay)

    async def step(self) -> None:
        """Do what can be done now: one turn of `run`.

        Raises `EndpointError` or `KzgUnavailable`; the next turn goes on from there.
        """
        status = await self._l2.sync_status()
        try:
            if self._read_to is None and not await self._begin(status):
                return
            await self._collect(status)
            await self._read_blocks(status)
            await self._close_if_due(status)
            self._report_backlog(status)
            await self._sender.send_due()
        except (L2ChainChanged, LostChannel, NonceTaken, NonceLost, TransactionCancelled) as error:
            _LOGGER.warning("%s; beginning again at the safe head", error)
            self._forget()

    async def _begin(self, status: SyncStatus) -> bool:
        """Take up the safe head once derivation has read what was posted before; tell whether that is so."""
        if self._start_at_l1 is None:
            if not await self._sender.settle():
                return False
            head = await self._l1.block_ref("latest")
            if head is None:
                raise EndpointUnavailable(self._l1.rpc.url, "the endpoint has no blocks yet")
            self._start_at_l1 = head.number
        if status.current_l1.number < self._start_at_l1:
            _LOGGER.debug("waiting for derivation to reach L1 block %d", self._start_at_l1)
            return False
        self._start_at_l1 = None
        self._read_to = status.safe_l2
        _LOGGER.info("beginning after the safe L2 block %d", status.safe_l2.number)
        return True

    async def _collect(self, status: SyncStatus) -> None:
        """Note what was mined and what became safe, and hold the chain against what was read of it."""
        for mined in await self._sender.collect_mined():
            _LOGGER.info("nonce %d is in L1 block %d, gas %d", mined.nonce, mined.l1_block, mined.gas_used)
            self._posted.note_mined(mined.nonce, mined.l1_block)
        self._posted.drop_safe(status)
        read_to = self._expect_begun()
        for head in (status.safe_l2, status.unsafe_l2):
            if head.number == read_to.number and head.hash != read_to.hash:
                raise L2ChainChanged(f"L2 block {read_to.number} was replaced by another")
        if status.unsafe_l2.number < read_to.number:
            raise L2ChainChanged(f"the L2 head went back from {read_to.number} to {status.unsafe_l2.number}")
        if status.safe_l2.number > read_to.number:
            if self._is_idle:
                # Nobody builds blocks, and derivation makes those of the epochs whose sequencing window ends.
                self._read_to = status.safe_l2
                return
            raise L2ChainChanged(f"L2 block {status.safe_l2.number} became safe without this batcher")

    async def _read_blocks(self, status: SyncStatus) -> None:
        """Put the unsafe blocks in channels, as many as may be in flight."""
        while self._sender.has_room:
            first = self._expect_begun().number + 1
            numbers = range(first, min(status.unsafe_l2.number + 1, first + _BLOCKS_IN_A_REQUEST))
            if not numbers:
                return
            for block in await self._l2.blocks(numbers):
                await self._add_block(block, status)
                if not self._sender.has_room:
                    break

    async def _add_block(self, block: Block, status: SyncStatus) -> None:
        read_to = self._expect_begun()
        if block.header.parent_hash != read_to.hash:
            raise L2ChainChanged(f"L2 block {block.header.number} does not follow the block read before")
        oldest_epoch = status.head_l1.number + 2 * posting_margin(self._window) - self._window
        if self._builder is not None and not self._builder.add(block, oldest_epoch):
            await self._close()
        if self._builder is None:
            target = self._settings.channel_target(self._choice.into_blobs)
            self._builder = ChannelBuilder(self._settings, self._terms, target)
            self._builder_opened_at = status.head_l1.number
            if not self._builder.add(block, oldest_epoch):
                raise UnusableBlock(block.header.number, "it is larger than a whole channel may be")
        self._read_to = BlockId(block.hash, block.header.number)
        if self._builder.may_be_full:
            await asyncio.to_thread(self._builder.measure)
        if self._builder.is_full:
            await self._close()

    async def _close_if_due(self, status: SyncStatus) -> None:
        if self._builder is None:
            return
        blocks_open = status.head_l1.number - self._builder_opened_at
        if blocks_open >= self._settings.channel_duration or (blocks_open > 0 and self._window_ends(status)):
            await self._close()

    def _window_ends(self, status: SyncStatus) -> bool:
        """Tell whether the open channel has to be posted now, lest the sequencing window of its first block ends."""
        epoch = None if self._builder is None else self._builder.first_epoch
        return epoch is not None and epoch + self._window <= status.head_l1.number + posting_margin(self._window)

    async def _close(self) -> None:
        """Close the open channel and queue its transactions; where this fails the channel stays open."""
        builder = self._builder
        if builder is None:
            return
        prices = await self._sender.prices()
        channel = await asyncio.to_thread(builder.compress)
        payloads = await asyncio.to_thread(self._choice.payloads, builder.channel_id, channel, prices)
        self._builder, last_block = None, self._expect_begun()
        self._posted.add(last_block, [self._sender.enqueue(payload) for payload in payloads])
        _LOGGER.info(
            "posting %d L2 blocks to %d: %d bytes in %d transactions with %s",
            len(builder),
            last_block.number,
            len(channel),
            len(payloads),
            f"{sum(len(payload.blobs) for payload in payloads)} blobs" if self._choice.into_blobs else "call data",
        )

    def _report_backlog(self, status: SyncStatus) -> None:
        """Say when blocks come faster than L1 takes them, and when that is over."""
        waiting = status.unsafe_l2.number - self._expect_begun().number
        if waiting >= self._settings.backlog_blocks and not self._has_backlog:
            self._has_backlog = True
            _LOGGER.warning(
                "%d L2 blocks wait to be posted, as %d transactions are not yet mined: L1 takes less than L2 makes; "
                "raise --max-in-flight or --fee-limit, or let L2 make less",
                waiting,
                self._sender.in_flight,
            )
        elif waiting < self._settings.backlog_blocks // 2 and self._has_backlog:
            self._has_backlog = False
            _LOGGER.info("the backlog is down to %d L2 blocks", waiting)

    def _forget(self) -> None:
        self._builder = self._read_to = self._start_at_l1 = None
        self._posted.clear()

    @property
    def _is_idle(self) -> bool:
        """Whether everything that was read is posted and has become safe."""
        return self._builder is None and not len(self._posted) and not self._sender.in_flight

    def _expect_begun(self) -> BlockId:
        if self._read_to is None:
            raise L2ChainChanged("the batcher has not begun")
        return self._read_to
