"""The L1 that a devnet runs on, whatever it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from phal2.devnet.deployment import L1Contracts
from phal2.devnet.development.l1_controls import L1Controls
from phal2.node.l1.client import L1Client
from phal2.node.protocol.block_refs import L1BlockRef


@dataclass(frozen=True, slots=True)
class RunningL1:
    """An L1 at `url` with the contracts deployed; L2 begins at the block `start`.

    `tasks` are those of the devnet's own that must not end before it does; `controls` is how the development methods of
    L2 take L1 along, None where they cannot.
    """

    url: str
    client: L1Client
    contracts: L1Contracts
    start: L1BlockRef
    tasks: "Sequence[asyncio.Task[None]]"
    controls: L1Controls | None
