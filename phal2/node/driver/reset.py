"""Where to begin again at a start, or after L1 has reorganised (OP Stack "Derivation", resetting the pipeline)."""

import logging
from dataclasses import dataclass, replace

from phal2.node.derivation.errors import Critical, Temporary
from phal2.node.driver.l2_chain import HeadRefs, L2Chain
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import InvalidAnswer
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig

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


class BelowFinality(Temporary):
    """An L1 endpoint that would take back what was final: it serves another chain, or is far behind. Wait for better.

    `number` is the highest L2 block that agrees with the endpoint, `finalized` the finalized one.
    """

    def __init__(self, url: str, number: int, finalized: int) -> None:
        super().__init__(
            f"{url} has another chain than L2 rests on, or is behind: with it L2 has no more than block {number} in "
            f"common, but block {finalized} is finalized, so nothing is taken back; give an endpoint of the right "
            "chain (or, where L1 itself has broken its finality, synchronise into a new data directory)"
        )
        self.number = number
        self.finalized = finalized


async def require_same_l1(l1: L1Client, config: RollupConfig) -> None:
    """Raise `InvalidAnswer` where the endpoint serves another chain than the rollup's L1."""
    if (found := await l1.chain_id()) != config.l1_chain_id:
        raise InvalidAnswer(
            l1.rpc.url,
            f"it serves chain {found}, but the rollup's L1 is chain {config.l1_chain_id}; give an endpoint of that",
        )


async def restart_point(chain: L2Chain, l1: L1Client, *, l1_may_rewind: bool = False) -> RestartPoint:
    """Return where the chain can go on; raises `EndpointError`, and `BelowFinality` unless `l1_may_rewind`.

    The unsafe head goes back until its L1 origin is canonical; one that the endpoint does not have yet may still be,
    unless `l1_may_rewind`. The safe head is the last one recorded at an L1 block that is canonical: what was derived
    from later L1 blocks may be derived differently now.
    """
    heads = chain.heads
    await require_same_l1(l1, chain.rules.config)
    safe, applied_through = await _last_safe_head(chain, l1)
    if safe.number < heads.finalized.number and not l1_may_rewind:
        raise BelowFinality(l1.rpc.url, safe.number, heads.finalized.number)
    unsafe = await _last_with_canonical_origin(chain, l1, heads.unsafe, l1_may_rewind=l1_may_rewind)
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


async def _last_with_canonical_origin(
    chain: L2Chain, l1: L1Client, ref: L2BlockRef, *, l1_may_rewind: bool
) -> L2BlockRef:
    genesis_number = chain.rules.config.l2_genesis.number
    canonical: dict[int, bytes | None] = {}
    highest: L2BlockRef | None = None
    while ref.number > genesis_number:
        origin = ref.l1_origin
        if origin.number not in canonical:
            block = await l1.block_ref(origin.number)
            canonical[origin.number] = None if block is None else block.hash
        found = canonical[origin.number]
        if found == origin.hash:
            return highest or ref
        # An endpoint that is behind says nothing of the blocks that it does not have (as op-node takes it).
        is_open = found is None and not l1_may_rewind
        highest = (highest or ref) if is_open else None
        ref = chain.ref(ref.parent_hash)
    return highest or ref


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
