"""One open channel: takes L2 blocks as singular batches, and ends as the call data of L1 transactions."""

import secrets

from phal2.bridge.batcher.errors import UnusableBlock
from phal2.bridge.batcher.settings import BatcherSettings
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.channels import ChannelFull, ChannelWriter
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.frames import CHANNEL_ID_LENGTH, batcher_transaction_data
from phal2.node.protocol.headers import Block
from phal2.node.protocol.l1_attributes import l1_attributes_of_block
from phal2.node.protocol.transactions import DEPOSIT

_BATCH_OVERHEAD = 128
_TRANSACTION_OVERHEAD = 4


class ChannelBuilder:
    """A channel under construction."""

    def __init__(self, settings: BatcherSettings) -> None:
        # One byte of the call data is its version, the rest a frame.
        self._writer = ChannelWriter(secrets.token_bytes(CHANNEL_ID_LENGTH), settings.transaction_bytes - 1)
        self._channel_bytes = settings.channel_bytes
        self._size_bound = 0

    def add(self, block: Block) -> bool:
        """Append a block; False, with the channel unchanged, where it does not fit. Raises `UnusableBlock`."""
        batch = singular_batch(block)
        try:
            self._writer.add_batch(batch)
        except ChannelFull:
            return False
        self._size_bound += _BATCH_OVERHEAD + sum(len(raw) + _TRANSACTION_OVERHEAD for raw in batch.transactions)
        return True

    @property
    def is_full(self) -> bool:
        """Tell whether the compressed channel has reached its size."""
        if self._size_bound >= self._channel_bytes:
            # The exact size costs a flush of the compressor, so it is asked for only where it may matter.
            self._size_bound = self._writer.compressed_size()
        return self._size_bound >= self._channel_bytes

    def close(self) -> list[bytes]:
        """Return the call data of the transactions that carry the channel, a frame each, in their order."""
        return [batcher_transaction_data([frame]) for frame in self._writer.close()]


def singular_batch(block: Block) -> SingularBatch:
    """Return the batch of an L2 block; raise `UnusableBlock` where it does not begin with the L1 attributes deposit."""
    try:
        origin = l1_attributes_of_block(block.transactions[0] if block.transactions else b"").l1_origin
    except InvalidEncoding as error:
        raise UnusableBlock(block.header.number, str(error)) from error
    return SingularBatch(
        parent_hash=block.header.parent_hash,
        epoch_number=origin.number,
        epoch_hash=origin.hash,
        timestamp=block.header.timestamp,
        transactions=tuple(raw for raw in block.transactions if raw[:1] != bytes([DEPOSIT])),
    )
