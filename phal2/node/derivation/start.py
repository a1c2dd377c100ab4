"""Where derivation starts for a given safe head (OP Stack "Resetting the Pipeline")."""

from collections.abc import Callable

from phal2.node.derivation.errors import Reset
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig


def derivation_start(
    config: RollupConfig,
    safe_head: L2BlockRef,
    l2_block_by_hash: Callable[[bytes], L2BlockRef | None],
    applied_through: int | None = None,
) -> L2BlockRef:
    """Return the L2 block whose L1 origin is the first L1 block to read, and whose system configuration holds there.

    A channel that is still open after the L1 block `applied_through` (by default the safe head's origin) may have begun
    a channel timeout before it. Raise `Reset` where the L2 block's ancestors are not known.
    """
    last_applied = safe_head.l1_origin.number if applied_through is None else applied_through
    start = safe_head
    while (
        start.number > config.l2_genesis.number
        and start.l1_origin.number > config.l1_genesis.number
        and start.l1_origin.number + config.channel_timeout(start.timestamp) > last_applied
    ):
        parent = l2_block_by_hash(start.parent_hash)
        if parent is None:
            raise Reset(f"the L2 block 0x{start.parent_hash.hex()}, an ancestor of the safe head, is not known")
        start = parent
    return start
