"""Fourth stage: one channel at a time, put together from its frames (OP Stack "Holocene: Channel Assembler")."""

from collections.abc import Callable, Iterable, Iterator

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.channels import FRAME_ACCOUNTING_OVERHEAD, MAXIMUM_CHANNEL_CONTENT
from phal2.node.protocol.frames import Frame
from phal2.node.protocol.rollup_config import RollupConfig


def assemble_channels(
    frames: Iterable[Frame | None],
    config: RollupConfig,
    origin: Callable[[], L1BlockRef],
    dropped: DropListener,
    maximum_size: int = MAXIMUM_CHANNEL_CONTENT,
) -> Iterator[bytes | None]:
    """Yield the compressed data of each channel that is complete in time and no larger than `maximum_size` bytes."""
    pieces: list[bytes] = []
    channel_id = b""
    next_number = size = opened_at = 0

    def drop(reason: str) -> None:
        dropped(Dropped("channel_assembler", reason, origin().id))

    for frame in frames:
        if channel_id and opened_at + config.channel_timeout(origin().timestamp) < origin().number:
            drop(f"channel 0x{channel_id.hex()} timed out")
            pieces, channel_id = [], b""
        if frame is None:
            yield None
            continue
        if frame.number == 0:
            if channel_id:
                drop(f"channel 0x{channel_id.hex()} was not complete when another began")
            pieces, channel_id = [], frame.channel_id
            next_number, size, opened_at = 0, 0, origin().number
        elif frame.channel_id != channel_id or frame.number != next_number:
            drop(f"frame {frame.number} of channel 0x{frame.channel_id.hex()} is not the next of the open channel")
            continue
        pieces.append(frame.data)
        next_number += 1
        size += len(frame.data) + FRAME_ACCOUNTING_OVERHEAD
        if size > maximum_size:
            drop(f"channel 0x{channel_id.hex()} is larger than {maximum_size} bytes")
            pieces, channel_id = [], b""
        elif frame.is_last:
            channel = b"".join(pieces)
            pieces, channel_id = [], b""
            yield channel
