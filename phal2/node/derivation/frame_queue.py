"""Third stage: frames in Holocene's strict order (OP Stack "Holocene: Frame Queue")."""

from collections.abc import Callable, Iterable, Iterator

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.frames import Frame, InvalidFrame, parse_batcher_data


def read_frames(
    data_items: Iterable[bytes | None], l1_block: Callable[[], BlockId], dropped: DropListener
) -> Iterator[Frame | None]:
    """Yield the frames of each batcher transaction that keep the order; a malformed one loses all of its data."""
    for data in data_items:
        if data is None:
            yield None
            continue
        try:
            frames = parse_batcher_data(data)
        except InvalidFrame as error:
            dropped(Dropped("frame_queue", str(error), l1_block()))
            continue
        kept = ordered_frames(frames)
        if len(kept) < len(frames):
            dropped(
                Dropped("frame_queue", f"{len(frames) - len(kept)} of {len(frames)} frames out of order", l1_block())
            )
        yield from kept


def ordered_frames(frames: Iterable[Frame]) -> list[Frame]:
    """Return the frames of one batcher transaction without those that break the order.

    A frame goes where it does not follow the one before it in the same channel, or follows that channel's last frame,
    or is of another channel and not its first; frames of a channel go where another channel begins before their last
    frame.
    """
    kept: list[Frame] = []
    for frame in frames:
        while kept and frame.number == 0 and frame.channel_id != kept[-1].channel_id and not kept[-1].is_last:
            kept.pop()
        if not kept or _follows(kept[-1], frame):
            kept.append(frame)
    return kept


def _follows(previous: Frame, frame: Frame) -> bool:
    if frame.channel_id == previous.channel_id:
        return not previous.is_last and frame.number == previous.number + 1
    return frame.number == 0
