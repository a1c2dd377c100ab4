"""The rollup that the driver's tests drive."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from driven_rollup import DrivenRollup


@pytest.fixture
async def rollup(tmp_path: Path) -> AsyncIterator[DrivenRollup]:
    async with AsyncExitStack() as parts:
        yield await DrivenRollup.running(tmp_path, parts)
