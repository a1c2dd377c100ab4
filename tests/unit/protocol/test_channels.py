import zlib
from collections.abc import Iterable

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol import channels, rlp
from phal2.node.protocol.batches import SingularBatch, decode_batch
from phal2.node.protocol.channel_compression import Compression, InvalidChannel, decompress
from phal2.node.protocol.channels import ChannelFull, ChannelWriter, read_batches
from phal2.node.protocol.frames import FRAME_OVERHEAD, encode_frame

CHANNEL_ID = b"channel-00000000"
batch_lists = st.lists(
    st.builds(
        SingularBatch,
        st.binary(min_size=32, max_size=32),
        st.integers(0, 2**64 - 1),
        st.binary(min_size=32, max_size=32),
        st.integers(0, 2**64 - 1),
        st.lists(st.binary(max_size=200), max_size=3).map(tuple),
    ),
    max_size=6,
)


compressions = st.sampled_from(Compression)


def compressed(*strings: bytes, compression: Compression = Compression.ZLIB) -> bytes:
    content = b"".join(rlp.encode_bytes(string) for string in strings)
    return zlib.compress(content) if compression is Compression.ZLIB else b"\x01" + brotli.compress(content)


def read_until_error(pieces: Iterable[bytes]) -> list[bytes]:
    """Return what an iterator yields before it ends or raises `InvalidChannel`."""
    found = []
    try:
        for piece in pieces:
            found.append(piece)  # noqa: PERF402 (what came before the error counts)
    except InvalidChannel:
        pass
    return found


@given(batch_lists, st.integers(FRAME_OVERHEAD + 1, 500), compressions, st.integers(0, 6))
@settings(deadline=None)
def test_what_is_written_is_read_whatever_the_frame_size(
    batches: list[SingularBatch], frame_size: int, compression: Compression, asked_after: int
) -> None:
    writer = ChannelWriter(CHANNEL_ID, frame_size, compression)
    for index, batch in enumerate(batches):
        writer.add_batch(batch)
        if index == asked_after:
            writer.compressed_size()
    size = writer.compressed_size()
    frames = writer.close()
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(encode_frame(frame)) <= frame_size and frame.channel_id == CHANNEL_ID for frame in frames)
    data = b"".join(frame.data for frame in frames)
    assert len(data) == size
    assert [decode_batch(raw) for raw in read_batches(data)] == batches


@given(st.lists(st.binary(max_size=300), max_size=5), compressions, st.data())
def test_a_channel_that_is_cut_off_gives_its_first_batches(
    strings: list[bytes], compression: Compression, choose: st.DataObject
) -> None:
    data = compressed(*strings, compression=compression)
    found = read_until_error(read_batches(data[: choose.draw(st.integers(2, len(data)))]))
    assert found == strings[: len(found)]


@given(st.binary(min_size=1, max_size=200), compressions, st.data())
def test_a_flipped_bit_never_breaks_the_reader(content: bytes, compression: Compression, choose: st.DataObject) -> None:
    data = bytearray(compressed(content, content, compression=compression))
    data[choose.draw(st.integers(0, len(data) - 1))] ^= 1 << choose.draw(st.integers(0, 7))
    read_until_error(read_batches(bytes(data)))


def test_batches_before_a_corruption_are_read() -> None:
    compressor = zlib.compressobj()
    good = compressor.compress(rlp.encode_bytes(b"first") + rlp.encode_bytes(b"second") + b"\x01")
    good += compressor.flush(zlib.Z_FULL_FLUSH)
    # A deflate block of the reserved type 3 follows.
    assert read_until_error(read_batches(good + b"\x07")) == [b"first", b"second"]


def test_batches_before_a_corruption_of_a_brotli_channel_are_read() -> None:
    stream = brotli.Compressor(quality=9)
    good = b"\x01" + stream.process(rlp.encode_bytes(b"first") + rlp.encode_bytes(bytes(50_000)))
    good += stream.flush() + stream.process(b"\x01") + stream.flush()
    # What follows is a meta-block with reserved bits.
    assert read_until_error(read_batches(good + b"\xff" * 5000)) == [b"first", bytes(50_000), b"\x01"]
    with pytest.raises(InvalidChannel, match="brotli"):
        list(read_batches(good + b"\xff" * 5000))


def test_bytes_behind_a_brotli_stream_do_not_matter() -> None:
    for size in (10, 5000, 100_000):
        data = compressed(bytes(range(256)) * (size // 256) + b"end", b"second", compression=Compression.BROTLI)
        for behind in (b"\x00", b"more", bytes(9000)):
            assert [len(batch) for batch in read_batches(data + behind)] == [size // 256 * 256 + 3, 6]


@pytest.mark.parametrize("compression", Compression)
def test_content_that_a_few_bytes_stand_for_is_read_to_its_end(compression: Compression) -> None:
    batches = [bytes(400_000), b"second"]
    assert list(read_batches(compressed(*batches, compression=compression))) == batches


def test_brotli_with_a_window_beyond_the_standard_is_refused() -> None:
    # 0x11 announces the "large window" extension, which op-node does not read either.
    assert read_until_error(read_batches(b"\x01\x11\x1e" + bytes(100))) == []
    with pytest.raises(InvalidChannel):
        list(read_batches(b"\x01\x11\x1e" + bytes(100)))


def test_neither_the_checksum_nor_bytes_behind_the_stream_matter() -> None:
    data = compressed(b"batch")
    assert list(read_batches(data[:-4] + bytes(4))) == [b"batch"]
    assert list(read_batches(data[:-4])) == [b"batch"]
    assert list(read_batches(data + b"more")) == [b"batch"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x78",
        b"\x01\xff\xff",
        b"\x02\x00",
        b"\x7f\x9c",
        b"\x88\x1c",
        b"\x78\x9d",
        bytes([0x78, 0x20 | (31 - (0x7820 % 31))]),
        zlib.compress(rlp.encode([b"a list"])),
        zlib.compress(b"\x81\x01"),
        zlib.compress(b"\xb8\x01\x00"),
        zlib.compress(b"\xb9\x00\x40" + bytes(64)),
        zlib.compress(b"\x85four"),
        zlib.compress(b"\xbb\xff\xff\xff\xff"),
    ],
)
def test_malformed_channels_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidChannel):
        list(read_batches(data))


def test_an_empty_stream_has_no_batches() -> None:
    assert list(read_batches(zlib.compress(b""))) == []


def test_content_beyond_the_limit_is_cut_off() -> None:
    data = compressed(bytes(100), bytes(100), bytes(100))
    whole = 2 * (100 + 2)
    assert read_until_error(read_batches(data, whole)) == [bytes(100)] * 2
    assert read_until_error(read_batches(data, whole - 1)) == [bytes(100)]
    with pytest.raises(InvalidChannel, match="cut off"):
        list(read_batches(data, whole))


@pytest.mark.parametrize("compression", Compression)
def test_a_bomb_is_read_in_small_pieces(compression: Compression) -> None:
    content = bytes(50_000_000)
    bomb = zlib.compress(content) if compression is Compression.ZLIB else b"\x01" + brotli.compress(content, quality=1)
    pieces = decompress(bomb)
    assert all(len(next(pieces)) <= 65_536 for _ in range(3))
    # Its first byte is a batch of one byte, and so are all others: none is worth more memory than a piece.
    batches = read_batches(bomb)
    assert [next(batches) for _ in range(3)] == [b"\x00"] * 3


def test_a_batch_that_readers_would_cut_off_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MAXIMUM_CHANNEL_CONTENT", 200)
    writer = ChannelWriter(CHANNEL_ID, 1000)
    batch = SingularBatch(bytes(32), 0, bytes(32), 0, ())
    writer.add_batch(batch)
    writer.add_batch(batch)
    with pytest.raises(ChannelFull, match="does not fit"):
        writer.add_batch(batch)
    assert writer.batch_count == 2
    assert len(list(read_batches(b"".join(frame.data for frame in writer.close())))) == 2


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        ChannelWriter(b"short", 1000)
    with pytest.raises(ValueError, match="a frame has"):
        ChannelWriter(CHANNEL_ID, FRAME_OVERHEAD)
