"""Logs what derivation drops, of each L1 block no more than is read: a channel can hold a million such batches."""

import logging
from typing import Final

from phal2.node.derivation.dropped import Dropped
from phal2.node.protocol.block_refs import BlockId

MOST_LOGGED: Final = 50
"""Lines for an L1 block. What a careless batcher has dropped of one is fewer."""

log = logging.getLogger("phal2.driver")


class DropLog:
    """A `DropListener` that logs the first drops of each L1 block, and once that there are more."""

    def __init__(self) -> None:
        self._l1_block: BlockId | None = None
        self._count = 0

    def __call__(self, dropped: Dropped) -> None:
        """Log one drop, or nothing."""
        if dropped.l1_block != self._l1_block:
            self._l1_block, self._count = dropped.l1_block, 0
        self._count += 1
        if self._count <= MOST_LOGGED:
            log.info("derivation drops %s", dropped)
        elif self._count == MOST_LOGGED + 1:
            log.info("derivation drops more in L1 block %d than is logged", dropped.l1_block.number)
