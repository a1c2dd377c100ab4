"""The rig of the batcher's tests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from batcher_rig import KZG, Rig, running

# Headers of L1 blocks are made as the derivation's tests make them.
sys.path.append(str(Path(__file__).parents[1] / "derivation"))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


@pytest.fixture(scope="session", autouse=True)
def kzg_ends() -> Iterator[None]:
    yield
    asyncio.run(KZG.close())
