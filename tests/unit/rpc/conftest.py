"""A served L2 chain, and a served L1 chain, each new for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from served_chain import Served, ServedChain, serve


@pytest.fixture
async def l2(tmp_path: Path) -> AsyncIterator[Served]:
    async for served in _served(ServedChain(tmp_path / "l2")):
        yield served


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[Served]:
    async for served in _served(ServedChain(tmp_path / "l1", is_l2=False)):
        yield served


async def _served(chain: ServedChain) -> AsyncIterator[Served]:
    server, workers = await serve(chain)
    async with aiohttp.ClientSession() as session:
        yield Served(chain, server, session)
    await server.stop()
    workers.close()
    chain.store.close()
