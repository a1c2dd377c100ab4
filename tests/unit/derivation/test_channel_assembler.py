from collections.abc import Iterator

from rollup_world import World

from phal2.node.derivation.channel_assembler import assemble_channels
from phal2.node.derivation.dropped import Dropped
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.frames import Frame


class L1Clock:
    """The number of the present L1 block, moved on by the frames' source."""

    def __init__(self) -> None:
        self.number = 10

    def origin(self) -> L1BlockRef:
        return L1BlockRef(bytes(32), self.number, bytes(32), 1_700_000_000)


def frame(channel: str, number: int, data: bytes = b"x", is_last: bool = False) -> Frame:
    return Frame(channel.encode() * 16, number, data, is_last)


def assemble(blocks: list[tuple[int, list[Frame]]], maximum_size: int = 10_000) -> tuple[list[bytes], list[str]]:
    """Assemble the frames of L1 blocks; return the channels and the reasons for what was dropped."""
    clock = L1Clock()
    dropped: list[Dropped] = []

    def source() -> Iterator[Frame | None]:
        for number, frames in blocks:
            clock.number = number
            yield from frames
            yield None

    channels = assemble_channels(source(), World().config, clock.origin, dropped.append, maximum_size)
    return [channel for channel in channels if channel is not None], [drop.reason for drop in dropped]


def test_frames_are_joined_up_to_the_last() -> None:
    frames = [frame("A", 0, b"one "), frame("A", 1, b"two "), frame("A", 2, b"three", True)]
    assert assemble([(10, frames[:1]), (11, frames[1:])]) == ([b"one two three"], [])


def test_a_new_first_frame_replaces_the_open_channel() -> None:
    channels, reasons = assemble(
        [(10, [frame("A", 0), frame("B", 0, b"b"), frame("A", 1, is_last=True)]), (11, [frame("B", 1, b"B", True)])]
    )
    assert channels == [b"bB"]
    assert len(reasons) == 2


def test_the_same_channel_begins_again_with_its_first_frame() -> None:
    frames = [frame("A", 0, b"old"), frame("A", 0, b"new"), frame("A", 1, b"!", True)]
    assert assemble([(10, frames)])[0] == [b"new!"]


def test_frames_that_are_not_the_next_are_left_out() -> None:
    frames = [
        frame("A", 1),
        frame("A", 0, b"0"),
        frame("A", 2),
        frame("B", 1),
        frame("A", 1, b"1", True),
        frame("A", 2),
    ]
    channels, reasons = assemble([(10, frames)])
    assert channels == [b"01"]
    assert len(reasons) == 4


def test_a_channel_is_open_for_fifty_l1_blocks() -> None:
    first, last = frame("A", 0, b"a"), frame("A", 1, b"b", True)
    assert assemble([(10, [first]), (60, [last])]) == ([b"ab"], [])
    channels, reasons = assemble([(10, [first]), (61, [last])])
    assert channels == []
    assert reasons[0].endswith("timed out")


def test_a_channel_larger_than_the_limit_is_dropped_whole() -> None:
    # A frame counts for 200 bytes more than its data.
    fits = [frame("A", 0, bytes(100)), frame("A", 1, bytes(100), True)]
    assert assemble([(10, fits)], maximum_size=600)[0] == [bytes(200)]
    channels, reasons = assemble([(10, fits)], maximum_size=599)
    assert channels == []
    assert "larger than 599 bytes" in reasons[0]
