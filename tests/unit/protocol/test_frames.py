import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.frames import (
    FRAME_OVERHEAD,
    MAXIMUM_FRAME_DATA,
    Frame,
    InvalidFrame,
    batcher_transaction_data,
    encode_frame,
    parse_batcher_data,
)

frames = st.builds(
    Frame, st.binary(min_size=16, max_size=16), st.integers(0, 65535), st.binary(max_size=50), st.booleans()
)
FRAME = Frame(b"c" * 16, 3, b"data", True)


@given(st.lists(frames, min_size=1, max_size=5))
def test_frames_come_back(given: list[Frame]) -> None:
    assert parse_batcher_data(batcher_transaction_data(given)) == given


@given(frames)
def test_a_frame_has_a_fixed_overhead(frame: Frame) -> None:
    assert len(encode_frame(frame)) == len(frame.data) + FRAME_OVERHEAD == len(frame.data) + 23


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_data_that_is_cut_off_within_a_frame_is_refused(given: list[Frame], choose: st.DataObject) -> None:
    last = len(encode_frame(given[-1]))
    data = batcher_transaction_data(given)
    with pytest.raises(InvalidFrame):
        parse_batcher_data(data[: -choose.draw(st.integers(1, last - 1))])


@given(st.binary(max_size=100))
def test_whatever_parses_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        parsed = parse_batcher_data(data)
    except InvalidFrame:
        return
    assert batcher_transaction_data(parsed) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x01" + encode_frame(FRAME),
        b"\x00" + encode_frame(FRAME)[:-1] + b"\x02",
        batcher_transaction_data([FRAME]) + b"\x00",
        b"\x00" + bytes(18) + (MAXIMUM_FRAME_DATA + 1).to_bytes(4, "big") + bytes(MAXIMUM_FRAME_DATA + 2),
    ],
)
def test_malformed_data_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFrame):
        parse_batcher_data(data)


def test_a_frame_of_the_greatest_size_is_read() -> None:
    frame = Frame(b"c" * 16, 0, bytes(MAXIMUM_FRAME_DATA), True)
    assert parse_batcher_data(batcher_transaction_data([frame])) == [frame]
