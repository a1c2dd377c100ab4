"""Channels and batches that op-node made."""

from pathlib import Path

from phal2.node.protocol.batches import SPAN_BATCH_VERSION, decode_batch, encode_batch
from phal2.node.protocol.channels import ChannelWriter, read_batches
from phal2.node.protocol.transaction_codec import recover_transaction


def test_a_real_channel_of_op_mainnet_decompresses_to_one_span_batch(vectors: Path) -> None:
    channel = bytes.fromhex(
        (vectors / "span-batches" / "op-mainnet-channel.hex").read_text().strip().removeprefix("0x")
    )
    (batch,) = read_batches(channel)
    # The RLP prefix of the string takes four of the 1,409,463 bytes.
    assert len(batch) == 1_409_463 - 4
    assert batch[0] == SPAN_BATCH_VERSION


def test_singular_batches_come_back_byte_for_byte(vectors: Path) -> None:
    lines = (vectors / "span-batches" / "columns" / "spanbatchfromsingular.txt").read_text().split()
    assert len(lines) == 27
    batches = []
    for line in lines:
        raw = b"\x00" + bytes.fromhex(line[2:])
        batch = decode_batch(raw)
        assert encode_batch(batch) == raw
        for transaction in batch.transactions:
            recover_transaction(transaction)
        batches.append(batch)
    writer = ChannelWriter(bytes(16), 10_000)
    for batch in batches:
        writer.add_batch(batch)
    channel = b"".join(frame.data for frame in writer.close())
    assert [decode_batch(raw) for raw in read_batches(channel)] == batches
