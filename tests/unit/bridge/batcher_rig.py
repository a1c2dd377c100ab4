"""A batcher between scripted chains, driven step by step."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripted_chains import BATCHER_KEY, ScriptedL1, ScriptedL2, carried_data

from phal2.bridge.batcher import Batcher, BatcherSettings, DataAvailability
from phal2.bridge.batcher.settings import BatchType
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import DynamicFeeTransaction

SETTINGS = BatcherSettings(
    poll_interval_seconds=0.001,
    batch_type=BatchType.SPAN,
    lost_channel_blocks=4,
    data_availability=DataAvailability.CALLDATA,
)
KZG = KzgWorker()
"""One for all tests, which ends with the session."""


class Rig:
    """Both chains, and a batcher whose clock stands still until a test moves it."""

    def __init__(self, batcher_settings: BatcherSettings) -> None:
        self.l1 = ScriptedL1()
        self.l2 = ScriptedL2(self.l1)
        self.settings = batcher_settings
        self.now = 0.0

    async def start(self) -> None:
        await self.l1.start()
        await self.l2.start()
        self.l1_client = L1Client(self.l1.url)
        self.l2_client = JsonRpcClient(self.l2.url)
        self.restart()

    async def stop(self) -> None:
        await self.l1_client.close()
        await self.l2_client.close()
        await self.l1.stop()
        await self.l2.stop()

    def restart(self) -> None:
        """Replace the batcher by a new one, which knows nothing."""
        self.batcher = Batcher(
            self.l1_client, self.l2_client, self.l2.config, BATCHER_KEY, self.settings, lambda: self.now, kzg=KZG
        )

    async def step(self, count: int = 1) -> None:
        for _ in range(count):
            await self.batcher.step()

    async def turn(self, count: int = 1) -> None:
        """The batcher steps, L1 mines what it has, the L2 node derives."""
        for _ in range(count):
            await self.step()
            self.l1.mine()
            self.l2.derive()

    def posted_data(self) -> list[bytes]:
        return [data for transaction in self.l1.sent for data in carried_data(transaction)]


@asynccontextmanager
async def running(batcher_settings: BatcherSettings = SETTINGS) -> AsyncIterator[Rig]:
    rig = Rig(batcher_settings)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.stop()


def typed_transaction(data: bytes) -> bytes:
    return encode_transaction(DynamicFeeTransaction(20350, 0, 1, 2, 90_000, b"\x0a" * 20, 0, data, (), 0, 1, 1))


def incompressible(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)
