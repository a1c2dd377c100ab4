"""Where to begin again at a start, or after L1 has reorganised (OP Stack "Derivation", resetting the pipeline)."""

from dataclasses import dataclass

from phal2.node.driver.l2_chain import HeadRefs, L2Chain
from phal2.node.l1.client import L1Client
from phal2.node.protocol.block_refs import L2BlockRef


@dataclass(frozen=True, slots=True)
class RestartPoint:
    """The highest heads that rest on L1's present canonical chain.

    `applied_through` is the number of the last L1 block whose batches the safe head holds, None where that is unknown.
    """

    heads: HeadRefs
    applied_through: int | None


async def restart_point(chain: L2Chain, l1: L1Client) -> RestartPoint:
    """Return where the chain can go on; raises `EndpointError`.

    The unsafe head goes back until its L1 origin is canonical. The safe head goes back to the last one recorded at an
    L1 block that is canonical, where L1 has reorganised: what was derived from later L1 blocks may be derived
    differently now.
    """
    safe, applied_through = await _last_safe_head(chain, l1)
    unsafe = await _last_with_canonical_origin(chain, l1, chain.heads.unsafe)
    if unsafe.number < safe.number:
        unsafe = safe
    finalized = chain.heads.finalized if chain.heads.finalized.number <= safe.number else safe
    return RestartPoint(HeadRefs(unsafe, safe, finalized), applied_through)


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
    config, safe = chain.rules.config, chain.heads.safe
    newest = True
    number = safe.l1_origin.number + config.sequencing_window_size
    while (record := chain.store.safe_head_at_l1(number)) is not None:
        l1_id, l2_id = record
        canonical = await l1.block_ref(l1_id.number)
        if canonical is not None and canonical.hash == l1_id.hash:
            # Where even the newest record holds, the safe head has at most grown since, from the L1 block after it.
            return (safe if newest else chain.ref(l2_id.hash)), l1_id.number
        newest = False
        number = l1_id.number - 1
    return chain.ref(config.l2_genesis.hash), None
