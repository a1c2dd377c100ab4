"""The derivation pipeline: L1 blocks in, payload attributes out."""

from collections.abc import Callable
from dataclasses import replace

from phal2.node.derivation.attributes import DerivedAttributes, deposits_only, epoch_attributes
from phal2.node.derivation.batch_stage import BatchStage
from phal2.node.derivation.channel_assembler import assemble_channels
from phal2.node.derivation.channel_reader import ChannelReader
from phal2.node.derivation.dropped import DropListener, ignore_dropped
from phal2.node.derivation.errors import Critical, Reset, Temporary
from phal2.node.derivation.frame_queue import read_frames
from phal2.node.derivation.l1_retrieval import blob_hashes, retrieve
from phal2.node.derivation.l1_traversal import L1Traversal
from phal2.node.derivation.span_rules import SafeBlocks
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.protocol.span_batches import SpanBatchTerms


class DerivationPipeline:
    """Derives the block after the safe head again and again, reading L1 block by block.

    `safe_head` is where derivation starts. The first L1 block added must be early enough for the channels that were
    open at its L1 origin: see `start.derivation_start`, which names the L2 block whose origin it is. `system_config`
    is the configuration of that L2 block. After an L1 reorganisation (`Reset`) a new pipeline takes the place of this
    one.

    `safe_blocks` gives the blocks up to the safe head, against which a span batch that overlaps them is held.
    `applied_through` is the last L1 block whose batches the safe head already holds, where that is known: then the new
    pipeline goes on exactly as the former one would have. Otherwise all L1 blocks after the safe head's origin count.
    """

    def __init__(
        self,
        config: RollupConfig,
        safe_head: L2BlockRef,
        system_config: SystemConfig,
        safe_blocks: SafeBlocks,
        applied_through: int | None = None,
        dropped: DropListener = ignore_dropped,
    ) -> None:
        self._config = config
        self._safe_head = safe_head
        self._derived: DerivedAttributes | None = None
        self._traversal = L1Traversal(config, system_config)
        data = retrieve(
            self._traversal,
            config.batch_inbox_address,
            lambda: self._traversal.system_config.batcher_address,
            dropped,
        )
        frames = read_frames(data, self._present, dropped)
        channels = assemble_channels(frames, config, lambda: self._traversal.origin, dropped)
        reader = ChannelReader(channels, SpanBatchTerms.of(config), self._present, dropped)
        applied = safe_head.l1_origin.number if applied_through is None else applied_through
        self._batches = BatchStage(config, self._traversal, reader, safe_blocks, applied, dropped)

    @property
    def origin(self) -> L1BlockRef | None:
        """The L1 block that is being read; None before the first."""
        return self._traversal.origin if self._traversal.started else None

    def needed_blobs(self, block: L1Block) -> tuple[bytes, ...]:
        """Return the versioned hashes of the blobs that an L1 block must come with when it is added next.

        Raise `Reset` where it does not extend the last one: its blobs would be of no use.
        """
        self._traversal.require_next(block)
        batcher = self._traversal.system_config_at(block).batcher_address
        return blob_hashes(block, self._config.batch_inbox_address, batcher)

    def add_l1_block(self, block: L1Block) -> None:
        """Give the next L1 block with the blobs it needs; raise `Reset` where it does not extend the last one."""
        if self._traversal.next_number is None and block.header.number > self._safe_head.l1_origin.number:
            raise Reset(
                f"the first L1 block is {block.header.number}, after the safe head's L1 origin "
                f"{self._safe_head.l1_origin.number}; start at or before that"
            )
        missing = [name for name in self.needed_blobs(block) if name not in block.blobs]
        if missing:
            raise Temporary(
                f"L1 block {block.header.number} came without {len(missing)} of its batcher's blobs, "
                f"among them 0x{missing[0].hex()}"
            )
        self._traversal.add(block)

    @property
    def is_paused(self) -> bool:
        """Whether the last `next_attributes` ended because it was told to pause."""
        return self._batches.is_paused

    def next_attributes(
        self, safe_head: L2BlockRef, should_pause: Callable[[], bool] = lambda: False
    ) -> DerivedAttributes | None:
        """Return the attributes of the block after `safe_head`; None: add the next L1 block and ask again.

        With `is_paused` set, None says that `should_pause` was true between two batches: just ask again.

        `safe_head` is the one before, or the block built from the attributes that were returned last. Asked again
        with the same safe head, the answer is the same. Raise `Reset` where L1 or the safe head is not what went
        before.
        """
        if self._derived is not None:
            if safe_head == self._derived.parent:
                return self._derived
            self._derived = None
        if safe_head != self._safe_head and safe_head.parent_hash != self._safe_head.hash:
            raise Reset(f"safe head {safe_head.number} (0x{safe_head.hash.hex()}) does not extend the one before")
        self._safe_head = safe_head
        self._traversal.forget_before(safe_head.l1_origin.number)
        if not self._traversal.started and not self._traversal.advance():
            return None
        while (batch := self._batches.next_batch(safe_head, should_pause)) is None:
            if self.is_paused or not self._traversal.advance():
                return None
        epoch = self._traversal.epoch(batch.epoch_number)
        if epoch is None:
            raise Critical(f"L1 block {batch.epoch_number}, the origin of an accepted batch, is not known")
        attributes = epoch_attributes(self._config, epoch, safe_head, batch.timestamp)
        self._derived = DerivedAttributes(
            attributes=replace(attributes, transactions=attributes.transactions + batch.transactions),
            parent=safe_head,
            l1_origin=epoch.ref.id,
            derived_from=self._traversal.origin,
            # With Holocene each block is safe at once, whether or not more of its span batch follow.
            is_last_in_span=True,
        )
        return self._derived

    def reject_payload(self) -> DerivedAttributes:
        """Say that the state module refused the last attributes; return those that replace them, with deposits alone.

        The rest of the channel is dropped. Raise `Critical` where there is nothing to leave out: then the deposits
        themselves made no valid block.
        """
        if self._derived is None:
            raise Critical("no derived attributes are waiting for their block")
        replacement = deposits_only(self._derived.attributes)
        if replacement == self._derived.attributes:
            raise Critical(f"the deposits of L1 block {self._derived.l1_origin.number} make no valid block")
        self._batches.discard_channel()
        self._derived = replace(self._derived, attributes=replacement)
        return self._derived

    def _present(self) -> BlockId:
        return self._traversal.origin.id
