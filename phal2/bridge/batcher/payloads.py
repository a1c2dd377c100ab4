"""What one L1 transaction to the inbox carries, and how a channel is cut into such pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

from phal2.bridge.batcher.settings import BLOB_CONTENT, BatcherSettings
from phal2.node.protocol.blobs import encode_blob
from phal2.node.protocol.frames import FRAME_OVERHEAD, Frame, batcher_transaction_data
from phal2.node.protocol.intrinsic_gas import floor_gas


@dataclass(frozen=True, slots=True)
class Payload:
    """Call data, or blobs of 131,072 bytes each."""

    call_data: bytes = b""
    blobs: tuple[bytes, ...] = ()

    @property
    def is_blobs(self) -> bool:
        """Whether a blob transaction carries it."""
        return bool(self.blobs)

    @property
    def size(self) -> int:
        """Bytes that a node holds for it."""
        return len(self.call_data) + sum(map(len, self.blobs))

    @property
    def gas(self) -> int:
        """Gas of the transaction that carries it to an account without code, blob gas aside."""
        return floor_gas(self.call_data)


def as_call_data(channel_id: bytes, channel: bytes, settings: BatcherSettings) -> list[Payload]:
    """Return the payloads of a compressed channel, a frame each."""
    # One byte of the call data is its version, the rest a frame.
    frames = _frames(channel_id, channel, settings.transaction_bytes - 1 - FRAME_OVERHEAD)
    return [Payload(call_data=batcher_transaction_data([frame])) for frame in frames]


def as_blobs(channel_id: bytes, channel: bytes, settings: BatcherSettings) -> list[Payload]:
    """Return the payloads of a compressed channel, a frame in each blob."""
    blobs = [encode_blob(batcher_transaction_data([frame])) for frame in _frames(channel_id, channel, BLOB_CONTENT)]
    most = settings.blobs_in_transaction
    return [Payload(blobs=tuple(blobs[start : start + most])) for start in range(0, len(blobs), most)]


def blob_count(channel: bytes) -> int:
    """Return how many blobs a compressed channel takes."""
    return -(-len(channel) // BLOB_CONTENT)


def _frames(channel_id: bytes, channel: bytes, frame_data: int) -> Sequence[Frame]:
    starts = range(0, len(channel), frame_data)
    last = len(starts) - 1
    return [
        Frame(channel_id, number, channel[start : start + frame_data], number == last)
        for number, start in enumerate(starts)
    ]
