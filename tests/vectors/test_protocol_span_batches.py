"""Span batches and their columns that op-node made."""

from pathlib import Path

import pytest

from phal2.node.protocol.batches import SingularBatch, decode_batch
from phal2.node.protocol.bit_lists import bit, count_set, read_bit_list
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter, read_batches
from phal2.node.protocol.span_batch_transactions import decode_transactions, encode_transactions
from phal2.node.protocol.span_batches import (
    SpanBatch,
    SpanBatchTerms,
    decode_span_batch,
    encode_span_batch,
    span_batch,
)
from phal2.node.protocol.transaction_codec import decode_transaction, recover_transaction
from phal2.node.protocol.uvarints import encode_uvarints, read_uvarints

OP_MAINNET = SpanBatchTerms(genesis_time=1_686_789_347, block_time=2, chain_id=10)
COLUMNS_CHAIN_ID = 697


def hex_file(path: Path) -> bytes:
    return bytes.fromhex(path.read_text().strip().removeprefix("0x"))


@pytest.fixture(scope="module")
def columns(vectors: Path) -> Path:
    return vectors / "span-batches" / "columns"


@pytest.fixture(scope="module")
def op_mainnet_batch(vectors: Path) -> bytes:
    (batch,) = read_batches(hex_file(vectors / "span-batches" / "op-mainnet-channel.hex"))
    return batch


@pytest.fixture(scope="module")
def op_mainnet(op_mainnet_batch: bytes) -> SpanBatch:
    return decode_span_batch(op_mainnet_batch, OP_MAINNET)


def test_the_real_channel_of_op_mainnet_holds_one_span_batch(op_mainnet: SpanBatch) -> None:
    assert op_mainnet.timestamp == OP_MAINNET.genesis_time + 32_295_734
    assert op_mainnet.last_epoch_number == 20_089_770
    assert op_mainnet.block_count == 143
    assert count_set(op_mainnet.origin_bits) == 24
    assert len(op_mainnet.transactions) == 1_766
    blocks = list(op_mainnet.blocks())
    assert [block.timestamp for block in blocks] == [op_mainnet.timestamp + 2 * index for index in range(143)]
    assert blocks[0].epoch_number == op_mainnet.first_epoch_number
    assert blocks[-1].epoch_number == 20_089_770
    assert sum(len(block.transactions) for block in blocks) == 1_766


def test_all_its_transactions_are_signed_for_op_mainnet(op_mainnet: SpanBatch) -> None:
    for raw in op_mainnet.transactions:
        assert recover_transaction(raw).transaction.chain_id in (10, None)


def test_it_re_encodes_byte_for_byte(op_mainnet: SpanBatch, op_mainnet_batch: bytes) -> None:
    assert encode_span_batch(op_mainnet, OP_MAINNET) == op_mainnet_batch


@pytest.mark.parametrize("compression", Compression)
def test_it_comes_back_from_a_channel_of_either_compression(op_mainnet_batch: bytes, compression: Compression) -> None:
    writer = ChannelWriter(bytes(16), 100_000, compression)
    writer.add_encoded_batch(op_mainnet_batch)
    assert list(read_batches(b"".join(frame.data for frame in writer.close()))) == [op_mainnet_batch]


def test_the_raw_span_batch_re_encodes_byte_for_byte(vectors: Path) -> None:
    raw = b"\x01" + (vectors / "span-batches" / "raw-span-batch.bin").read_bytes()
    terms = SpanBatchTerms(genesis_time=0, block_time=2, chain_id=28)
    batch = decode_span_batch(raw, terms)
    assert batch.timestamp == 1_639_845_645
    assert batch.last_epoch_number == 16_988_980_031_808_077_784
    assert (batch.block_count, count_set(batch.origin_bits), len(batch.transactions)) == (4, 2, 39)
    assert encode_span_batch(batch, terms) == raw


def test_all_columns_of_transactions_re_encode_byte_for_byte(columns: Path) -> None:
    data = hex_file(columns / "spanbatchtxs.txt")
    transactions = decode_transactions(data, 0, 946, COLUMNS_CHAIN_ID)
    assert len(transactions) == 946
    assert encode_transactions(transactions, COLUMNS_CHAIN_ID) == data


@pytest.mark.parametrize("name", ["fulltxlegacy", "fulltxunprotected", "fulltxacc", "fulltxdyn"])
def test_whole_transactions_come_back(columns: Path, name: str) -> None:
    raws = [bytes.fromhex(line[2:]) for line in (columns / f"{name}.txt").read_text().split()]
    assert len(raws) == 27
    assert decode_transactions(encode_transactions(raws, COLUMNS_CHAIN_ID), 0, 27, COLUMNS_CHAIN_ID) == tuple(raws)


@pytest.mark.parametrize(("name", "count"), [("txnonces", 1_410), ("txgases", 149)])
def test_nonces_and_gas_limits_are_uvarints(columns: Path, name: str, count: int) -> None:
    data = hex_file(columns / f"{name}.txt")
    numbers, end = read_uvarints(data, 0, count)
    assert end == len(data)
    assert encode_uvarints(numbers) == data


@pytest.mark.parametrize(
    ("name", "length"),
    [("contractcreationbits", 1_804), ("yparitybits", 1_088), ("protectedbits", 544), ("spanbatchoriginbits", 10**7)],
)
def test_bits_stand_in_whole_bytes(columns: Path, name: str, length: int) -> None:
    data = hex_file(columns / f"{name}.txt")[-((length + 7) // 8) :]
    bits, end = read_bit_list(data, 0, length)
    assert (bits, end) == (data, len(data))
    number = int.from_bytes(data, "big")
    for index in range(0, length, 101):
        assert bit(bits, index) == bool(number >> index & 1)


def test_columns_of_different_batches_make_a_batch_that_re_encodes_byte_for_byte(columns: Path) -> None:
    count, legacy_count = 727, 364
    signatures, recipients = hex_file(columns / "txsigs.txt"), hex_file(columns / "txtos.txt")
    assert (len(signatures), len(recipients)) == (64 * 1_887, 20 * 819)
    nonces, _ = read_uvarints(hex_file(columns / "txnonces.txt"), 0, count)
    gas_limits, _ = read_uvarints(hex_file(columns / "txgases.txt"), 0, 149)
    protected_bits = bytes([0x0A]) + hex_file(columns / "protectedbits.txt")[: legacy_count // 8]
    data = b"".join(
        (
            bytes((count + 7) // 8),
            b"\x55" + hex_file(columns / "yparitybits.txt")[: count // 8],
            signatures[: 64 * count],
            recipients[: 20 * count],
            hex_file(columns / "txdatas.txt"),
            encode_uvarints(nonces),
            encode_uvarints((list(gas_limits) * 5)[:count]),
            protected_bits,
        )
    )
    transactions = decode_transactions(data, 0, count, COLUMNS_CHAIN_ID)
    assert sum(raw[0] >= 0xC0 for raw in transactions) == legacy_count
    assert encode_transactions(transactions, COLUMNS_CHAIN_ID) == data


def test_singular_batches_become_a_span_batch(columns: Path) -> None:
    lines = (columns / "spanbatchfromsingular.txt").read_text().split()
    singular = [decode_batch(b"\x00" + bytes.fromhex(line[2:])) for line in lines]
    chain_ids = {decode_transaction(raw).chain_id for batch in singular for raw in batch.transactions} - {None}
    (chain_id,) = chain_ids
    # The batches are of random times and L1 origins; a row of blocks needs them in order.
    row = [
        SingularBatch(batch.parent_hash, 100 + index // 3, batch.epoch_hash, 1_000 + 2 * index, batch.transactions)
        for index, batch in enumerate(singular)
    ]
    terms = SpanBatchTerms(genesis_time=10, block_time=2, chain_id=chain_id)
    batch = span_batch(row, True, 2)
    assert decode_span_batch(encode_span_batch(batch, terms), terms) == batch
    assert [block.transactions for block in batch.blocks()] == [one.transactions for one in singular]
    assert [block.epoch_number for block in batch.blocks()] == [one.epoch_number for one in row]
    assert batch.parent_check == singular[0].parent_hash[:20]
    assert batch.l1_origin_check == singular[-1].epoch_hash[:20]
