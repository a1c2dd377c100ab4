"""The rig of the batcher's tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from batcher_rig import KZG, Rig, running


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


@pytest.fixture(scope="session", autouse=True)
def kzg_ends() -> Iterator[None]:
    yield
    asyncio.run(KZG.close())
