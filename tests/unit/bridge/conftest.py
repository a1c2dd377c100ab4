"""The rig of the batcher's tests."""

from collections.abc import AsyncIterator

import pytest
from batcher_rig import Rig, running


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig
