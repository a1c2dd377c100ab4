"""What is in a channel, as JSON: its frames, batches, blocks and transactions."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from phal2.node.command.batcher_data import FoundChannel, UnknownData
from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SPAN_BATCH_VERSION, SingularBatch, decode_batch
from phal2.node.protocol.bit_lists import bit, count_set
from phal2.node.protocol.channel_compression import compression_of
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.protocol.span_batch_transactions import UnusableTransactions
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchTerms, decode_span_batch
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction

MOST_BLOCKS: Final = 100_000
"""Blocks of a span batch that are shown. A batch can claim ten million empty ones in a few bytes."""

MOST_TRANSACTIONS: Final = 100_000
"""Transactions of a block that are shown. A batch can hold a hundred million that are a byte each."""


class MissingTerms(UnknownData):
    """A span batch without what its readers must know beside it."""

    def __init__(self) -> None:
        super().__init__(
            "holds a span batch, which leaves out what every node knows: give --rollup-config FILE, or --genesis-time, "
            "--block-time and --chain-id"
        )


def channel_report(found: FoundChannel, terms: SpanBatchTerms | None, with_transactions: bool) -> dict[str, Any]:
    """Return what is known of a channel; `error` says what is wrong, and is null otherwise. Raises `MissingTerms`."""
    report: dict[str, Any] = {
        "id": None if found.channel_id is None else _hex(found.channel_id),
        "source": found.source,
        "is_ready": found.data is not None,
        "is_in_order": found.is_in_order,
        "frames": [
            {
                "frame_number": placed.frame.number,
                "data_length": len(placed.frame.data),
                "is_last": placed.frame.is_last,
                "source": placed.source,
            }
            for placed in found.frames
        ],
        "compression": None,
        "compressed_bytes": None if found.data is None else len(found.data),
        "content_bytes": 0,
        "batches": [],
        "error": None,
    }
    if found.data is None:
        numbers = [placed.frame.number for placed in found.frames]
        ends = any(placed.frame.is_last for placed in found.frames)
        report["error"] = f"the channel is not complete: it has the frames {_ranges(numbers)}" + (
            "" if ends else ", none of them the last"
        )
        return report
    try:
        report["compression"] = compression_of(found.data).value
        for encoded in read_batches(found.data):
            # With the length before it, as it lies in the channel.
            report["content_bytes"] += len(rlp.encode(encoded))
            report["batches"].append(_batch(encoded, terms, with_transactions))
    except InvalidEncoding as error:
        report["error"] = f"{error}; what follows is not read"
    return report


def _batch(encoded: bytes, terms: SpanBatchTerms | None, with_transactions: bool) -> dict[str, Any]:
    if encoded[:1] != bytes([SPAN_BATCH_VERSION]):
        return _singular(decode_batch(encoded), with_transactions)
    if terms is None:
        raise MissingTerms
    try:
        return _span(decode_span_batch(encoded, terms), terms, with_transactions)
    except UnusableTransactions as error:
        return {"type": "span", "error": f"{error}; derivation leaves out this batch alone"}


def _singular(batch: SingularBatch, with_transactions: bool) -> dict[str, Any]:
    return {
        "type": "singular",
        "parent_hash": _hex(batch.parent_hash),
        "epoch_number": batch.epoch_number,
        "epoch_hash": _hex(batch.epoch_hash),
        "timestamp": batch.timestamp,
        "transaction_count": len(batch.transactions),
        **_transactions(batch.transactions, with_transactions),
    }


def _span(batch: SpanBatch, terms: SpanBatchTerms, with_transactions: bool) -> dict[str, Any]:
    shown = list(islice(_blocks(batch, with_transactions), MOST_BLOCKS))
    report = {
        "type": "span",
        "relative_timestamp": (batch.timestamp - terms.genesis_time) % 2**64,
        "l1_origin_number": batch.last_epoch_number,
        "parent_check": _hex(batch.parent_check),
        "l1_origin_check": _hex(batch.l1_origin_check),
        "block_count": batch.block_count,
        "origin_changes": count_set(batch.origin_bits),
        "transaction_count": len(batch.transactions),
        "blocks": shown,
    }
    if len(shown) < batch.block_count:
        report["blocks_not_shown"] = batch.block_count - len(shown)
    return report


def _blocks(batch: SpanBatch, with_transactions: bool) -> Iterator[dict[str, Any]]:
    for index, block in enumerate(batch.blocks()):
        yield {
            "epoch_number": block.epoch_number,
            "origin_changed": bit(batch.origin_bits, index),
            "timestamp": block.timestamp,
            "transaction_count": len(block.transactions),
            **_transactions(block.transactions, with_transactions),
        }


def _transactions(envelopes: tuple[bytes, ...], with_transactions: bool) -> dict[str, Any]:
    if not with_transactions:
        return {}
    report: dict[str, Any] = {"transactions": [_transaction(raw) for raw in envelopes[:MOST_TRANSACTIONS]]}
    if len(envelopes) > MOST_TRANSACTIONS:
        report["transactions_not_shown"] = len(envelopes) - MOST_TRANSACTIONS
    return report


def _transaction(raw: bytes) -> dict[str, Any]:
    try:
        recovered: RecoveredTransaction = recover_transaction(raw)
    except (InvalidEncoding, InvalidTransaction) as error:
        return {"error": str(error), "raw": _hex(raw)}
    transaction = recovered.transaction
    return {
        "hash": _hex(recovered.hash),
        "type": hex(transaction.transaction_type),
        "from": _hex(recovered.sender),
        "to": None if transaction.to is None else _hex(transaction.to),
        "nonce": hex(getattr(transaction, "nonce", 0)),
        "gas": hex(transaction.gas_limit),
        "value": hex(transaction.value),
        "raw": _hex(raw),
    }


def _ranges(numbers: list[int]) -> str:
    """Return ascending numbers with those in a row drawn together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:5]]
    return ", ".join(texts) + (", …" if len(runs) > len(texts) else "")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
