"""Measures what L2 transactions take on L1: the bytes of a channel for each, and the gas as call data and in blobs."""

from dataclasses import replace
from typing import Final

from benchmarks.accounts import Workload, population
from benchmarks.report import Row, Scale, Section
from phal2.bridge.batcher.channel_builder import BatchedBlock, ChannelBuilder
from phal2.bridge.batcher.payloads import as_call_data
from phal2.bridge.batcher.settings import BLOB_CONTENT, BatcherSettings, BatchType
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.span_batches import SpanBatchTerms

_CHAIN_ID: Final = 20350
_GENESIS_TIME: Final = 1_790_000_000
_BLOCKS_IN_AN_EPOCH: Final = 2
_IN_A_BLOCK: Final = 100

_SIGNATURE_AND_NONCE: Final = 66
"""Bytes that nothing can compress: r and s with the parity, and at least a byte that tells the nonce."""

_CALL_DATA_GAS: Final = 40
"""Gas of a byte of call data that is not zero, at the floor of EIP-7623."""

_SPANS: Final = BatcherSettings()
_SINGULAR: Final = replace(_SPANS, batch_type=BatchType.SINGULAR, compression=Compression.ZLIB)


def measure_batches(scale: Scale) -> Section:
    """Put blocks of transfers and of token transfers into one channel each, both ways."""
    rows = []
    for kind, name in ((Workload.transfers, "transfer"), (Workload.token_transfers, "ERC-20 transfer")):
        work = Workload(_CHAIN_ID, population(scale.accounts // 10, scale.senders // 10))
        blocks = [kind(work, _IN_A_BLOCK) for _ in range(10 * scale.blocks)]
        count = _IN_A_BLOCK * len(blocks)
        for settings, how in ((_SPANS, "span, brotli"), (_SINGULAR, "singular, zlib")):
            channel = _channel(blocks, settings)
            gas = sum(payload.gas for payload in as_call_data(bytes(16), channel, settings)) / count
            blob_gas = GAS_PER_BLOB * len(channel) / BLOB_CONTENT / count
            detail = f"{gas:,.0f} gas as call data, {blob_gas:,.0f} blob gas in full blobs"
            rows.append(Row(f"{name}: {how}", len(channel) / count, "bytes", detail))
    gas, blob_gas = _CALL_DATA_GAS * _SIGNATURE_AND_NONCE, GAS_PER_BLOB * _SIGNATURE_AND_NONCE / BLOB_CONTENT
    floor = (
        f"{gas:,.0f} gas as call data, {blob_gas:,.0f} blob gas; signature and nonce, which do not compress: a new "
        "recipient needs 20 bytes more"
    )
    rows.append(Row("floor", float(_SIGNATURE_AND_NONCE), "bytes", floor))
    return Section(f"L1 bytes of a channel for each transaction, {count:,} in blocks of {_IN_A_BLOCK}", tuple(rows))


def _channel(blocks: list[list[bytes]], settings: BatcherSettings) -> bytes:
    builder = ChannelBuilder(settings, SpanBatchTerms(_GENESIS_TIME, 1, _CHAIN_ID), len(blocks) << 20)
    for number, envelopes in enumerate(blocks, 1):
        epoch, sequence_number = divmod(number, _BLOCKS_IN_AN_EPOCH)
        batch = SingularBatch(
            parent_hash=keccak256(b"block %d" % (number - 1)),
            epoch_number=epoch,
            epoch_hash=keccak256(b"epoch %d" % epoch),
            timestamp=_GENESIS_TIME + number,
            transactions=tuple(envelopes),
        )
        builder.add_batched(BatchedBlock(number, batch, sequence_number == 0, fits_span=True))
    return builder.compress()
