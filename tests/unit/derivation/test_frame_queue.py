import pytest

from phal2.node.derivation.dropped import Dropped
from phal2.node.derivation.frame_queue import ordered_frames, read_frames
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.frames import Frame, batcher_transaction_data


def frames(text: str) -> list[Frame]:
    """Read frames such as "A0 A1! B0": channel, number, and an exclamation mark for the last."""
    return [Frame(word[0].encode() * 16, int(word[1:].rstrip("!")), b"", word.endswith("!")) for word in text.split()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("A0 A1 A2!", "A0 A1 A2!"),
        ("A0! B0 B1! C0!", "A0! B0 B1! C0!"),
        ("A3 A4 A5!", "A3 A4 A5!"),
        ("A0 A2! A1", "A0 A1"),
        ("A0 A1 A1 A2!", "A0 A1 A2!"),
        ("A0 A1! A2 A3", "A0 A1!"),
        ("A0 A0 A1!", "A0 A1!"),
        ("A0 A1 B0 B1!", "B0 B1!"),
        ("A0! B0 B1 C0 C1!", "A0! C0 C1!"),
        ("A0! B1 B2! C0!", "A0! C0!"),
        ("A0 B1 A1!", "A0 A1!"),
        ("A1 B0! A2!", "B0!"),
        ("A0! B0 A0 A1!", "A0!"),
        ("", ""),
    ],
)
def test_frames_out_of_order_are_left_out(given: str, kept: str) -> None:
    assert ordered_frames(frames(given)) == frames(kept)


def test_each_transactions_frames_are_ordered_by_themselves() -> None:
    data = [batcher_transaction_data(frames("A0 A1")), None, batcher_transaction_data(frames("B7 A2!"))]
    queue = read_frames(data, lambda: BlockId(bytes(32), 7), lambda _: None)
    assert list(queue) == [*frames("A0 A1"), None, *frames("B7")]


def test_malformed_data_is_dropped_with_its_reason() -> None:
    dropped: list[Dropped] = []
    block = BlockId(bytes(32), 7)
    assert list(read_frames([b"\x00short", b"\x07"], lambda: block, dropped.append)) == []
    assert dropped == [
        Dropped("frame_queue", "frame of 5 bytes, expected at least 23", block),
        Dropped("frame_queue", "batcher data of version 7, expected 0", block),
    ]
