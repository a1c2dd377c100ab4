"""`phal2 channel decode`, as a user runs it."""

import gzip
import io
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phal2.devnet.command.main import main
from phal2.devnet.rollup import DevnetRollup
from phal2.node.command.batcher_data import DataKind, UnknownData, kind_of, pieces
from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.blobs import encode_blob
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.frames import Frame, batcher_transaction_data, encode_frame
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.span_batches import SpanBatchTerms, encode_span_batch, span_batch
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction
from phal2.node.protocol.uvarints import encode_uvarint

TERMS = SpanBatchTerms(1_700_000_000, 2, 20350)
OPTIONS = ["--genesis-time", "1700000000", "--block-time", "2", "--chain-id", "20350"]
KEY = keccak256(b"sender")
CHANNEL_ID = b"channel-00000000"


def transfer(nonce: int) -> bytes:
    unsigned = DynamicFeeTransaction(20350, nonce, 1, 9, 21_000, b"\x07" * 20, 5, b"", (), 0, 1, 1)
    y_parity, r, s = sign(signing_hash(unsigned), KEY)
    return encode_transaction(
        DynamicFeeTransaction(20350, nonce, 1, 9, 21_000, b"\x07" * 20, 5, b"", (), y_parity, r, s)
    )


BATCHES = [
    SingularBatch(
        bytes([index]) * 32, 100 + index // 2, bytes([64 + index // 2]) * 32, 1_700_000_010 + 2 * index, (raw,)
    )
    for index, raw in enumerate(map(transfer, range(4)))
]


def frames(frame_size: int = 100, compression: Compression = Compression.BROTLI) -> list[Frame]:
    """Return the frames of a channel with a span batch of three blocks and a singular one."""
    writer = ChannelWriter(CHANNEL_ID, frame_size, compression)
    writer.add_encoded_batch(encode_span_batch(span_batch(BATCHES[:3], True, 2), TERMS))
    writer.add_batch(BATCHES[3])
    return writer.close()


CHANNEL = b"".join(frame.data for frame in frames())


def decode(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]], str]:
    """Return exit code, channels and the error line."""
    code = main(["channel", "decode", *map(str, arguments)])
    output = capsys.readouterr()
    return code, json.loads(output.out)["channels"] if output.out else [], output.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data"


FORMS = {
    "channel": CHANNEL,
    "calldata": batcher_transaction_data(frames()),
    "frames": b"".join(map(encode_frame, frames())),
    "blob": encode_blob(batcher_transaction_data(frames())),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("written", ["binary", "hex", "hex without 0x", "gzip"])
def test_each_form_shows_the_same_batches(
    capsys: pytest.CaptureFixture[str], file: Path, form: str, written: str
) -> None:
    data = FORMS[form]
    contents = {
        "binary": data,
        "hex": b"0x" + data.hex().encode() + b"\n",
        "hex without 0x": data.hex().upper().encode(),
        "gzip": gzip.compress(data),
    }
    file.write_bytes(contents[written])
    assert kind_of(data) is DataKind(form)
    code, (channel,), error = decode(capsys, *OPTIONS, file)
    assert (code, error, channel["error"]) == (0, "", None)
    assert channel["compression"] == "brotli"
    assert channel["compressed_bytes"] == len(CHANNEL)
    span, singular = channel["batches"]
    assert (span["type"], span["block_count"], span["transaction_count"]) == ("span", 3, 3)
    assert (span["relative_timestamp"], span["l1_origin_number"], span["origin_changes"]) == (10, 101, 2)
    assert span["parent_check"] == "0x" + "00" * 20
    assert span["l1_origin_check"] == "0x" + "41" * 20
    assert [block["epoch_number"] for block in span["blocks"]] == [100, 100, 101]
    assert [block["timestamp"] for block in span["blocks"]] == [1_700_000_010, 1_700_000_012, 1_700_000_014]
    assert (singular["type"], singular["epoch_number"], singular["timestamp"]) == ("singular", 101, 1_700_000_016)
    (transaction,) = singular["transactions"]
    assert transaction["from"] == "0x" + address_of_private_key(KEY).hex()
    assert transaction["raw"] == "0x" + transfer(3).hex()
    assert (transaction["type"], transaction["nonce"], transaction["value"]) == ("0x2", "0x3", "0x5")


def test_frames_come_together_from_many_files_and_lines_in_any_order(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    all_frames = frames(60)
    assert len(all_frames) > 4
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("\n".join("0x" + batcher_transaction_data([frame]).hex() for frame in all_frames[3:]))
    other.write_bytes(encode_blob(batcher_transaction_data(all_frames[:3])))
    code, (channel,), _ = decode(capsys, *OPTIONS, "--summary", one, other)
    assert (code, channel["is_ready"], channel["is_in_order"]) == (0, True, False)
    assert [frame["frame_number"] for frame in channel["frames"]] == list(range(len(all_frames)))
    assert channel["frames"][3]["source"] == f"{one}, piece 1"
    assert "transactions" not in channel["batches"][1]
    code, (channel,), _ = decode(capsys, *OPTIONS, other, one)
    assert channel["is_in_order"] is True


def test_an_incomplete_channel_says_which_frames_are_there(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    all_frames = frames(60)
    file.write_bytes(batcher_transaction_data([*all_frames[1:3], all_frames[4]]))
    code, (channel,), error = decode(capsys, file)
    assert code == 1
    assert channel["is_ready"] is False
    assert "has the frames 1 to 2, 4" in channel["error"]
    assert error == "phal2: error: 1 of 1 channels could not be read whole; their error says why\n"


def test_what_comes_before_a_corruption_is_shown(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    content = rlp.encode_bytes(b"\x00" + rlp.encode([bytes(32), b"\x01", bytes(32), b"\x02", []]))
    file.write_bytes(zlib.compress(content + b"\xc0"))
    code, (channel,), _ = decode(capsys, file)
    assert code == 1
    assert [batch["type"] for batch in channel["batches"]] == ["singular"]
    assert "of a list, expected a byte string; what follows is not read" in channel["error"]


def test_of_millions_of_transactions_some_are_shown(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    batch = b"\x00" + rlp.encode([bytes(32), b"\x01", bytes(32), b"\x02", [b"\x02"] * 300_000])
    file.write_bytes(zlib.compress(rlp.encode_bytes(batch)))
    code, (channel,), _ = decode(capsys, file)
    (shown,) = channel["batches"]
    assert (code, shown["transaction_count"]) == (0, 300_000)
    assert (len(shown["transactions"]), shown["transactions_not_shown"]) == (100_000, 200_000)


def test_the_rollup_configuration_gives_the_terms(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: Path
) -> None:
    file.write_bytes(CHANNEL)
    configuration = tmp_path / "rollup.json"
    document = _devnet_rollup(tmp_path).config.to_json() | {"interop_time": 2**40, "alt_da": {}}
    configuration.write_text(json.dumps(document))
    code, (channel,), _ = decode(capsys, "--rollup-config", configuration, file)
    assert code == 0
    genesis_time = document["genesis"]["l2_time"]
    assert channel["batches"][0]["blocks"][0]["timestamp"] == genesis_time + 10


def _devnet_rollup(_: Path) -> DevnetRollup:
    from phal2.devnet.deployment import planned_l1_contracts
    from phal2.devnet.rollup import devnet_rollup
    from phal2.devnet.settings import DevnetSettings
    from phal2.node.protocol.block_refs import L1BlockRef

    start = L1BlockRef(bytes(32), 0, bytes(32), 1_750_000_000)
    return devnet_rollup(DevnetSettings(), {}, bytes(20), planned_l1_contracts(bytes(20)), start)


def test_standard_input_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0x" + CHANNEL.hex().encode())))
    code, channels, _ = decode(capsys, *OPTIONS, "-")
    assert (code, len(channels)) == (0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"0x123", "odd number of digits"),
        (b"0x12x4", "an x among them"),
        (b"\xff\xfe\xfd", "3 bytes that begin with 0xfffefd are neither"),
        (CHANNEL, "holds a span batch"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], file: Path, content: bytes, message: str
) -> None:
    file.write_bytes(content)
    code, channels, error = decode(capsys, file)
    assert (code, channels) == (1, [])
    assert message in error
    assert str(file) in error
    assert error.count("\n") == 1


def test_a_missing_file_is_said_in_one_line(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, _, error = decode(capsys, file)
    assert code == 1
    assert error == f"phal2: error: {file}: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments", [["--chain-id", "1"], [*OPTIONS, "--rollup-config", "x"], ["--block-time", "0"], ["--chain-id", "-1"]]
)
def test_half_of_the_terms_is_wrong_usage(capsys: pytest.CaptureFixture[str], file: Path, arguments: list[str]) -> None:
    file.write_bytes(CHANNEL)
    with pytest.raises(SystemExit) as ended:
        decode(capsys, *arguments, file)
    assert ended.value.code == 2


def test_a_form_that_is_said_is_held_to(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(FORMS["calldata"])
    code, _, error = decode(capsys, "--as", "blob", file)
    assert code == 1
    assert "expected 131072" in error


def test_millions_of_blocks_are_not_all_shown(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    count = 10_000_000
    batch = b"\x01\x01\x01" + bytes(40) + encode_uvarint(count) + bytes(count // 8) + bytes(count)
    writer = ChannelWriter(CHANNEL_ID, 100_000)
    writer.add_encoded_batch(batch)
    file.write_bytes(batcher_transaction_data(writer.close()))
    code, (channel,), _ = decode(capsys, *OPTIONS, "--summary", file)
    assert code == 0
    (span,) = channel["batches"]
    assert (span["block_count"], len(span["blocks"]), span["blocks_not_shown"]) == (count, 100_000, count - 100_000)


hostile = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda form, place, bit, end: _changed(FORMS[form][:3000], place, bit)[:end],
        st.sampled_from(["channel", "calldata", "frames"]),
        st.integers(0, 2999),
        st.integers(0, 7),
        st.integers(1, 3000),
    ),
    st.binary(max_size=200).map(lambda content: zlib.compress(rlp.encode_bytes(b"\x01" + content))),
    st.binary(max_size=200).map(lambda content: zlib.compress(content)),
)


def _changed(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place % len(changed)] ^= 1 << bit
    return bytes(changed)


@given(st.lists(hostile, min_size=1, max_size=3), st.sampled_from([None, "calldata", "frames", "blob", "channel"]))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_hostile_input_ends_in_json_or_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, contents: list[bytes], kind: str | None
) -> None:
    files = []
    for index, content in enumerate(contents):
        files.append(tmp_path / str(index))
        files[-1].write_bytes(content)
    code, channels, error = decode(capsys, *OPTIONS, *(("--as", kind) if kind else ()), *files)
    assert code in (0, 1)
    assert "internal error" not in error
    assert (code == 0) == (error == "")
    assert error.count("\n") == code
    assert all(channel["is_ready"] in (True, False) for channel in channels)


def test_pieces_are_lines_that_begin_with_0x_and_what_follows_them() -> None:
    assert pieces(b"0x0102\n03\n\n0xFF") == [b"\x01\x02\x03", b"\xff"]
    assert pieces(b"0102\r\n03") == [b"\x01\x02\x03"]
    with pytest.raises(UnknownData):
        pieces(b"0x\n0x1")
