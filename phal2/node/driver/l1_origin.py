"""Which L1 block the next L2 block takes as its origin (OP Stack "Sequencing", as op-node's L1 origin selector)."""

from dataclasses import dataclass

from phal2.node.derivation.errors import Reset, Temporary
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig, posting_margin


@dataclass(frozen=True, slots=True)
class OriginChoice:
    """The origin of the next L2 block; `is_past_drift` forbids pooled transactions in it."""

    origin: L1BlockRef
    is_past_drift: bool


def choose_l1_origin(
    config: RollupConfig, parent: L2BlockRef, timestamp: int, current: L1BlockRef, following: L1BlockRef | None
) -> OriginChoice:
    """Choose between the parent's origin `current` and the L1 block that follows it, None where L1 has none yet.

    Raises `Temporary` where only an L1 block that is not there yet could tell, and `Reset`
    where the two L1 blocks do not belong together.
    """
    if following is not None and following.parent_hash != current.hash:
        raise Reset(f"L1 block {following.number} does not extend the origin of L2 block {parent.number}")
    if following is not None and following.timestamp <= timestamp:
        current = following
    is_past_drift = timestamp > current.timestamp + config.sequencer_drift(timestamp)
    if is_past_drift and following is None:
        raise Temporary(
            f"L2 time {timestamp} is past the sequencer drift of L1 block {current.number}; waiting for the next one"
        )
    return OriginChoice(current, is_past_drift)


def is_too_late_to_post(config: RollupConfig, origin_number: int, head_number: int) -> bool:
    """Tell whether what is built on an L1 origin cannot be expected on L1 before its sequencing window ends.

    Derivation then makes its own blocks of the origin, with deposits alone. A sequencer that comes back after a long
    time builds the same until it has caught up (as op-node's recover mode, but by itself): else each L1 block would
    undo what it has built, and it would never catch up.
    """
    return origin_number + config.sequencing_window_size < head_number + 2 * posting_margin(
        config.sequencing_window_size
    )
