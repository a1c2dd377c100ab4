"""Sixth stage: the one batch that extends the safe head (OP Stack "Holocene: Batch Queue").

A span batch is judged as a whole, and then block by block as the safe head advances: its valid beginning counts.

Where the sequencing window of an epoch ends without a batch, the stage makes empty batches itself: their blocks hold
the deposits alone, so that L2 goes on, and deposits arrive, whatever the sequencer does.
"""

from collections.abc import Callable, Iterator

from phal2.node.derivation.batch_rules import Judgement, Verdict, judge_batch
from phal2.node.derivation.channel_reader import ChannelReader
from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.derivation.errors import Reset
from phal2.node.derivation.l1_traversal import L1Traversal
from phal2.node.derivation.span_rules import SafeBlocks, judge_span
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchBlock


class BatchStage:
    """Judges the batches of the channel reader against the safe head and the L1 blocks that were read.

    Batches in L1 blocks up to `applied_through` are passed over: the first safe head is what became of them.
    """

    def __init__(
        self,
        config: RollupConfig,
        traversal: L1Traversal,
        reader: ChannelReader,
        safe_blocks: SafeBlocks,
        applied_through: int,
        dropped: DropListener,
    ) -> None:
        self._config = config
        self._traversal = traversal
        self._reader = reader
        self._batches: Iterator[SingularBatch | SpanBatch | Dropped | None] = iter(reader)
        self._safe_blocks = safe_blocks
        self._span: Iterator[SpanBatchBlock] = iter(())
        self.is_paused = False
        self._applied_through = applied_through
        self._dropped = dropped

    def next_batch(self, safe_head: L2BlockRef, should_pause: Callable[[], bool]) -> SingularBatch | None:
        """Return the batch of the block after `safe_head`; None where the present L1 block gives none.

        `should_pause` is asked between batches, of which a channel can hold a million that come to nothing. Where it
        says so, the answer is None, too, but `is_paused` is set: ask again. Raise `Reset` where the safe head's L1
        origin is not in the L1 chain that was read.
        """
        self.is_paused = False
        origin = self._traversal.origin
        if origin.number < safe_head.l1_origin.number:
            self._pass_over(should_pause)
            return None
        epoch = self._epoch_of(safe_head)
        # A batch in its own L1 origin, or before it, would have to name a hash that was not known yet.
        if origin.number == epoch.number or origin.number <= self._applied_through:
            self._pass_over(should_pause)
            return None
        next_epoch = self._l1_block(epoch.number + 1)
        while not should_pause():
            candidate = self._candidate(safe_head)
            if candidate is None:
                return self._forced_batch(safe_head, epoch, next_epoch)
            if isinstance(candidate, Dropped):
                continue
            if isinstance(candidate, Judgement):
                self._drop(candidate)
                continue
            judgement = judge_batch(self._config, candidate, safe_head, epoch, next_epoch, origin.number)
            if judgement.verdict is Verdict.ACCEPT:
                return candidate
            self._drop(judgement)
        self.is_paused = True
        return None

    def discard_channel(self) -> None:
        """Leave out the rest of the span batch and of the channel that the last batch came from."""
        self._span = iter(())
        self._reader.discard_channel()

    def _candidate(self, safe_head: L2BlockRef) -> SingularBatch | Judgement | Dropped | None:
        """Return the next batch to judge: the span batch's next block, or what comes next from the channel.

        Of a span batch that is not accepted, return the judgement; of what is no batch, that it was dropped.
        """
        for block in self._span:
            if block.timestamp == safe_head.timestamp + self._config.block_time:
                return self._singular(block, safe_head)
            # The safe head is another than the block before. What is left of the span batch rests on that one.
            self._span = iter(())
            break
        batch = next(self._batches)
        if not isinstance(batch, SpanBatch):
            return batch
        inclusion_number = self._traversal.origin.number
        span = judge_span(self._config, batch, safe_head, self._l1_block_or_none, inclusion_number, self._safe_blocks)
        if span.judgement.verdict is not Verdict.ACCEPT:
            return span.judgement
        self._span = batch.blocks(span.first_new)
        return self._singular(next(self._span), safe_head)

    def _singular(self, block: SpanBatchBlock, safe_head: L2BlockRef) -> SingularBatch:
        origin = self._l1_block_or_none(block.epoch_number)
        # An L1 block that is not known is too old, and judged by its number; any hash will do.
        epoch_hash = bytes(32) if origin is None else origin.hash
        return SingularBatch(safe_head.hash, block.epoch_number, epoch_hash, block.timestamp, block.transactions)

    def _drop(self, judgement: Judgement) -> None:
        self._dropped(Dropped("batch_stage", judgement.reason, self._traversal.origin.id))
        if judgement.verdict is Verdict.DROP:
            self.discard_channel()

    def _l1_block_or_none(self, number: int) -> L1BlockRef | None:
        epoch = self._traversal.epoch(number)
        return None if epoch is None else epoch.ref

    def _pass_over(self, should_pause: Callable[[], bool]) -> None:
        while not should_pause():
            if next(self._batches) is None:
                return
        self.is_paused = True

    def _l1_block(self, number: int) -> L1BlockRef:
        found = self._l1_block_or_none(number)
        if found is None:
            raise Reset(f"L1 block {number} was not read; start at or before the safe head's L1 origin")
        return found

    def _epoch_of(self, safe_head: L2BlockRef) -> L1BlockRef:
        epoch = self._l1_block(safe_head.l1_origin.number)
        if epoch.id != safe_head.l1_origin:
            raise Reset(
                f"the safe head's L1 origin {epoch.number} (0x{safe_head.l1_origin.hash.hex()}) is not in the L1 "
                f"chain, which has 0x{epoch.hash.hex()} there; start from the common ancestor"
            )
        return epoch

    def _forced_batch(self, safe_head: L2BlockRef, epoch: L1BlockRef, next_epoch: L1BlockRef) -> SingularBatch | None:
        timestamp = safe_head.timestamp + self._config.block_time
        # L2 time must not fall behind L1's: an epoch goes on until the next L1 block's time, and has at least one
        # block.
        forced = epoch if timestamp < next_epoch.timestamp else next_epoch
        if forced.number + self._config.sequencing_window_size > self._traversal.origin.number:
            return None
        return SingularBatch(safe_head.hash, forced.number, forced.hash, timestamp, ())
