"""What a batcher has posted to the inbox of a devnet's L1, read back from there alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.node.protocol.batches import SPAN_BATCH_VERSION, decode_batch
from phal2.node.protocol.blobs import decode_blob
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.frames import Frame, parse_batcher_data
from phal2.node.protocol.span_batches import SpanBatchTerms, decode_span_batch


@dataclass(frozen=True, slots=True)
class PostedBlock:
    """An L2 block as a batch has it: its number and transactions, and whether the batch is a span batch."""

    number: int
    transactions: tuple[bytes, ...]
    in_span: bool


@dataclass(frozen=True, slots=True)
class InboxContents:
    """The types of the batcher's transactions, and the blocks that they carry in their order."""

    transaction_types: list[int]
    blocks: list[PostedBlock]

    @property
    def numbers(self) -> list[int]:
        return [block.number for block in self.blocks]


def inbox_contents(devnet: DevnetProcess) -> InboxContents:
    """Read L1 up to its head, which must not be reorganised meanwhile."""
    config = devnet.l2.request("optimism_rollupConfig")
    terms = SpanBatchTerms(config["genesis"]["l2_time"], config["block_time"], config["l2_chain_id"])
    types: list[int] = []
    frames: list[Frame] = []
    for number in range(config["genesis"]["l1"]["number"], devnet.l1.block_number() + 1):
        block = devnet.l1.request("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            if transaction["to"] == config["batch_inbox_address"]:
                types.append(int(transaction["type"], 16))
                for data in carried_data(devnet.l1, block, transaction):
                    frames += parse_batcher_data(data)
    return InboxContents(types, list(_blocks(frames, terms)))


def carried_data(l1: Endpoint, block: dict[str, Any], transaction: dict[str, Any]) -> list[bytes]:
    if transaction["type"] != "0x3":
        return [bytes.fromhex(transaction["input"][2:])]
    slot = int(block["timestamp"], 16) - int(beacon(l1, "/eth/v1/beacon/genesis")["genesis_time"])
    hashes = ",".join(transaction["blobVersionedHashes"])
    blobs = beacon(l1, f"/eth/v1/beacon/blobs/{slot}?versioned_hashes={hashes}")
    return [decode_blob(bytes.fromhex(blob[2:])) for blob in blobs]


def beacon(l1: Endpoint, path: str) -> Any:
    with urlopen(l1.url + path, timeout=30) as response:
        return json.load(response)["data"]


def _blocks(frames: list[Frame], terms: SpanBatchTerms) -> Iterator[PostedBlock]:
    """Yield what whole channels hold; a batcher that was killed may have left one unfinished."""
    staged: list[Frame] = []
    for frame in frames:
        staged = [frame] if frame.number == 0 else [*staged, frame]
        if not frame.is_last or [one.number for one in staged] != list(range(len(staged))):
            continue
        for batch in read_batches(b"".join(one.data for one in staged)):
            is_span = batch[0] == SPAN_BATCH_VERSION
            found = decode_span_batch(batch, terms).blocks() if is_span else (decode_batch(batch),)
            for block in found:
                number = (block.timestamp - terms.genesis_time) // terms.block_time
                yield PostedBlock(number, block.transactions, is_span)
