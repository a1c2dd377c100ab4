"""Sixth stage: the one batch that extends the safe head (OP Stack "Holocene: Batch Queue").

Where the sequencing window of an epoch ends without a batch, the stage makes empty batches itself: their blocks hold
the deposits alone, so that L2 goes on, and deposits arrive, whatever the sequencer does.
"""

from collections.abc import Iterator

from phal2.node.derivation.batch_rules import Verdict, judge_batch
from phal2.node.derivation.channel_reader import ChannelReader
from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.derivation.errors import Reset
from phal2.node.derivation.l1_traversal import L1Traversal
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig


class BatchStage:
    """Judges the batches of the channel reader against the safe head and the L1 blocks that were read.

    Batches in L1 blocks up to `applied_through` are passed over: the first safe head is what became of them.
    """

    def __init__(
        self,
        config: RollupConfig,
        traversal: L1Traversal,
        reader: ChannelReader,
        applied_through: int,
        dropped: DropListener,
    ) -> None:
        self._config = config
        self._traversal = traversal
        self._reader = reader
        self._batches: Iterator[SingularBatch | None] = iter(reader)
        self._applied_through = applied_through
        self._dropped = dropped

    def next_batch(self, safe_head: L2BlockRef) -> SingularBatch | None:
        """Return the batch of the block after `safe_head`; None where the present L1 block gives none.

        Raise `Reset` where the safe head's L1 origin is not in the L1 chain that was read.
        """
        origin = self._traversal.origin
        if origin.number < safe_head.l1_origin.number:
            self._pass_over()
            return None
        epoch = self._epoch_of(safe_head)
        # A batch in its own L1 origin, or before it, would have to name a hash that was not known yet.
        if origin.number == epoch.number or origin.number <= self._applied_through:
            self._pass_over()
            return None
        next_epoch = self._l1_block(epoch.number + 1)
        while (batch := next(self._batches)) is not None:
            judgement = judge_batch(self._config, batch, safe_head, epoch, next_epoch, origin.number)
            if judgement.verdict is Verdict.ACCEPT:
                return batch
            self._dropped(Dropped("batch_stage", judgement.reason, origin.id))
            if judgement.verdict is Verdict.DROP:
                self._reader.discard_channel()
        return self._forced_batch(safe_head, epoch, next_epoch)

    def discard_channel(self) -> None:
        """Leave out the rest of the channel that the last batch came from."""
        self._reader.discard_channel()

    def _pass_over(self) -> None:
        while next(self._batches) is not None:
            pass

    def _l1_block(self, number: int) -> L1BlockRef:
        epoch = self._traversal.epoch(number)
        if epoch is None:
            raise Reset(f"L1 block {number} was not read; start at or before the safe head's L1 origin")
        return epoch.ref

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
