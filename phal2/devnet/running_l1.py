"""The L1 that a devnet runs on, whatever it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phal2.devnet.accounts import Roles
from phal2.devnet.deployment import L1Contracts
from phal2.devnet.development.l1_controls import L1Controls
from phal2.devnet.record import DataDirectoryError
from phal2.devnet.rollup import DevnetRollup
from phal2.node.l1.client import L1Client
from phal2.node.protocol.block_refs import L1BlockRef


@dataclass(frozen=True, slots=True)
class RunningL1:
    """An L1 at `url` with the contracts deployed; the rollup begins at the block `start`.

    `tasks` are those of the devnet's own that must not end before it does; `controls` is how the development methods of
    L2 take L1 along, None where they cannot; `roles` are the accounts of the devnet's parts there.
    """

    url: str
    client: L1Client
    contracts: L1Contracts
    start: L1BlockRef
    rollup: DevnetRollup
    tasks: "Sequence[asyncio.Task[None]]"
    controls: L1Controls | None
    roles: Roles


async def require_start(client: L1Client, start: L1BlockRef, path: Path) -> None:
    """Raise `DataDirectoryError` where L1 does not have the block on which the recorded L2 begins."""
    block = await client.block_ref(start.number)
    if block is None or block.hash != start.hash:
        raise DataDirectoryError(
            f"{path} belongs to a devnet that begins on L1 block {start.number} (0x{start.hash.hex()}), which this L1 "
            "does not have; use the L1 that it was made with, or another directory"
        )
