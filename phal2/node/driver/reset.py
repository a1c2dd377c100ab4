"""Where to begin again at a start, or after L1 has reorganised (OP Stack "Derivation", resetting the pipeline)."""

import logging
from dataclasses import dataclass, replace

from phal2.node.derivation.errors import Critical
from phal2.node.driver.l2_chain import HeadRefs, L2Chain
from phal2.node.l1.client import L1Client
from phal2.node.protocol.block_refs import L2BlockRef

log = logging.getLogger("phal2.driver")


class BeyondRetention(Critical):
    """A reorganisation of L1 that reaches farther back than the states which are kept."""

    def __init__(self, number: int, oldest: int) -> None:
        super().__init__(
            f"L1 has another chain now, and what L2 has in common with it ends at block {number}, but the oldest state "
            f"kept is that of block {oldest}; synchronise into a new data directory, with a greater --state-retention"
        )
        self.number = number
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class RestartPoint:
    """The highest heads that rest on L1's present canonical chain.

    `applied_through` is the number of the last L1 block whose batches the safe head holds, None where that is unknown.
    """

    heads: HeadRefs
    applied_through: int | None


async def restart_point(chain: L2Chain, l1: L1Client) -> RestartPoint:
    """Return where the chain can go on; raises `EndpointError`.

    The unsafe head goes back until its L1 origin is canonical. The safe head is the last one recorded at an L1 block
    that is canonical: what was derived from later L1 blocks may be derived differently now.
    """
    heads = chain.heads
    safe, applied_through = await _last_safe_head(chain, l1)
    unsafe = await _last_with_canonical_origin(chain, l1, heads.unsafe)
    if unsafe.number < safe.number:
        unsafe = safe
    finalized = heads.finalized if heads.finalized.number <= safe.number else safe
    return RestartPoint(HeadRefs(unsafe, safe, finalized), applied_through)


def go_back_to(chain: L2Chain, before: HeadRefs, restart: RestartPoint) -> None:
    """Make the heads those of `restart`, which was found when they were `before`. For the execution thread.

    Where the unsafe head can stay, so can the blocks that were built on it meanwhile. Raises `BeyondRetention`.
    """
    heads, present = restart.heads, chain.heads
    if heads.unsafe == before.unsafe:
        heads = replace(heads, unsafe=present.unsafe)
    # Forgotten first, so that an end between the two writes leads to this restart point again.
    last_known = (
        chain.rules.config.l1_genesis.number - 1 if restart.applied_through is None else restart.applied_through
    )
    chain.store.forget_safe_heads_above(last_known)
    if heads.unsafe != present.unsafe:
        log.warning(
            "L1 has another chain now: the L2 head goes back from block %d to %d, the safe head from %d to %d",
            present.unsafe.number,
            heads.unsafe.number,
            present.safe.number,
            heads.safe.number,
        )
    if heads != present:
        if heads.unsafe.number < (oldest := chain.store.oldest_state()):
            raise BeyondRetention(heads.unsafe.number, oldest)
        chain.go_back(heads)


async def _last_with_canonical_origin(chain: L2Chain, l1: L1Client, ref: L2BlockRef) -> L2BlockRef:
    genesis_number = chain.rules.config.l2_genesis.number
    canonical: dict[int, bytes | None] = {}
    while ref.number > genesis_number:
        origin = ref.l1_origin
        if origin.number not in canonical:
            block = await l1.block_ref(origin.number)
            canonical[origin.number] = None if block is None else block.hash
        if canonical[origin.number] == origin.hash:
            return ref
        ref = chain.ref(ref.parent_hash)
    return ref


async def _last_safe_head(chain: L2Chain, l1: L1Client) -> tuple[L2BlockRef, int | None]:
    config = chain.rules.config
    number = chain.heads.safe.l1_origin.number + config.sequencing_window_size
    while (record := chain.store.safe_head_at_l1(number)) is not None:
        l1_id, l2_id = record
        canonical = await l1.block_ref(l1_id.number)
        if canonical is not None and canonical.hash == l1_id.hash:
            return chain.ref(l2_id.hash), l1_id.number
        number = l1_id.number - 1
    return chain.ref(config.l2_genesis.hash), None
