"""A follower derives what the batcher put into blobs, and waits where they are withheld."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from driven_rollup import DrivenRollup, singular_batch, transfer, until

from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.frames import batcher_transaction_data
from phal2.node.protocol.headers import Block
from phal2.node.protocol.span_batches import SpanBatchTerms, encode_span_batch, span_batch


@pytest_asyncio.fixture
async def rollup(tmp_path: Path) -> AsyncIterator[DrivenRollup]:
    async with AsyncExitStack() as parts:
        kzg = KzgWorker()
        parts.push_async_callback(kzg.close)
        yield await DrivenRollup.running(tmp_path, parts, kzg=kzg)


def span_channel(rollup: DrivenRollup, blocks: list[Block], frame_size: int) -> list[bytes]:
    """Return the data of the batcher transactions, a frame each, that publish blocks as one span batch in brotli."""
    terms = SpanBatchTerms.of(rollup.rollup.config)
    writer = ChannelWriter(b"span-batch-blobs", frame_size, Compression.BROTLI)
    span = span_batch([singular_batch(block) for block in blocks], False, terms.block_time)
    writer.add_encoded_batch(encode_span_batch(span, terms))
    return [batcher_transaction_data([frame]) for frame in writer.close()]


async def test_blobs_are_fetched_checked_and_derived_once_they_are_there(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower")
    for nonce in range(4):
        await sequencer.submit_transaction(transfer(nonce))
        await rollup.grow(sequencer)
    blocks = rollup.blocks(sequencer, range(1, 5))
    answers = 0

    def without_blobs() -> web.Response:
        nonlocal answers
        answers += 1
        return web.json_response({"code": 404, "message": "pruned"}, status=404)

    served = rollup.link._answer

    async def only_blocks(request: web.BaseRequest) -> web.StreamResponse:
        return without_blobs() if request.path.startswith("/eth/v1/beacon/blob") else await served(request)

    rollup.link.answer = only_blocks

    data = span_channel(rollup, blocks, 300)
    assert len(data) > 1
    await rollup.post_blobs(data)

    await until(lambda: answers >= 6)
    assert follower.heads.safe.number == 0
    rollup.link.answer = served
    await until(lambda: follower.heads.safe.number == 4)
    assert follower.heads.safe.hash == blocks[-1].hash
    assert any(path.startswith("/eth/v1/beacon/blob_sidecars/") for path in rollup.link.paths)
