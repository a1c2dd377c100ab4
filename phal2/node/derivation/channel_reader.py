"""Fifth stage: the batches of a channel (OP Stack "Channel Reader")."""

from collections.abc import Callable, Iterable, Iterator

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.batches import SingularBatch, decode_batch
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.errors import InvalidEncoding


class ChannelReader:
    """Decompresses channels and decodes their batches as they are asked for.

    A batch that cannot be read ends its channel. Span batches (version 1) are among them: they are dropped as invalid.
    """

    def __init__(
        self, channels: Iterable[bytes | None], l1_block: Callable[[], BlockId], dropped: DropListener
    ) -> None:
        self._channels = channels
        self._l1_block = l1_block
        self._dropped = dropped
        self._discarded = False

    def __iter__(self) -> Iterator[SingularBatch | None]:
        for channel in self._channels:
            if channel is None:
                yield None
                continue
            self._discarded = False
            try:
                for encoded in read_batches(channel):
                    yield decode_batch(encoded)
                    if self._discarded:
                        break
            except InvalidEncoding as error:
                self._dropped(Dropped("channel_reader", str(error), self._l1_block()))

    def discard_channel(self) -> None:
        """Leave out the rest of the channel that the last batch came from."""
        self._discarded = True
