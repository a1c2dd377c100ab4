"""Fifth stage: the batches of a channel (OP Stack "Channel Reader")."""

from collections.abc import Callable, Iterable, Iterator

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.batches import SPAN_BATCH_VERSION, SingularBatch, decode_batch
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.span_batch_transactions import UnusableTransactions
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchTerms, decode_span_batch


class ChannelReader:
    """Decompresses channels and decodes their batches as they are asked for.

    A batch that cannot be read ends its channel. A span batch that can be, but for what its transactions hold, is
    left out alone, as op-node does. What became of neither is yielded, too, so that who asks can pause in between:
    a kilobyte can hold channels of hundreds of megabytes that all come to nothing.
    """

    def __init__(
        self,
        channels: Iterable[bytes | None],
        terms: SpanBatchTerms,
        l1_block: Callable[[], BlockId],
        dropped: DropListener,
    ) -> None:
        self._channels = channels
        self._terms = terms
        self._l1_block = l1_block
        self._dropped = dropped
        self._discarded = False

    def __iter__(self) -> Iterator[SingularBatch | SpanBatch | Dropped | None]:
        for channel in self._channels:
            if channel is None:
                yield None
                continue
            self._discarded = False
            try:
                for encoded in read_batches(channel):
                    yield self._decoded(encoded)
                    if self._discarded:
                        break
            except InvalidEncoding as error:
                yield self._drop(error)

    def discard_channel(self) -> None:
        """Leave out the rest of the channel that the last batch came from."""
        self._discarded = True

    def _decoded(self, encoded: bytes) -> SingularBatch | SpanBatch | Dropped:
        if encoded[:1] != bytes([SPAN_BATCH_VERSION]):
            return decode_batch(encoded)
        try:
            return decode_span_batch(encoded, self._terms)
        except UnusableTransactions as error:
            return self._drop(error)

    def _drop(self, error: InvalidEncoding) -> Dropped:
        dropped = Dropped("channel_reader", str(error), self._l1_block())
        self._dropped(dropped)
        return dropped
