from dataclasses import replace

import pytest
from rollup_world import World, genesis_ref

from phal2.node.derivation.errors import Reset
from phal2.node.derivation.start import derivation_start
from phal2.node.protocol.block_refs import BlockId, L2BlockRef

CONFIG = World().config
GENESIS = genesis_ref(CONFIG)


def chain(count: int) -> list[L2BlockRef]:
    """An L2 chain of two blocks for each L1 block."""
    blocks = [GENESIS]
    for number in range(1, count):
        origin = BlockId(number.to_bytes(32, "big"), 100 + number // 2)
        parent = blocks[-1]
        blocks.append(
            replace(GENESIS, hash=number.to_bytes(32, "big"), number=number, parent_hash=parent.hash, l1_origin=origin)
        )
    return blocks


def test_it_lies_a_channel_timeout_before_the_safe_heads_origin() -> None:
    blocks = chain(300)
    by_hash = {block.hash: block for block in blocks}
    start = derivation_start(CONFIG, blocks[-1], by_hash.get)
    assert start.l1_origin.number == blocks[-1].l1_origin.number - 50


def test_it_is_genesis_in_a_young_chain() -> None:
    blocks = chain(20)
    assert derivation_start(CONFIG, blocks[-1], {block.hash: block for block in blocks}.get) == blocks[1]
    assert derivation_start(CONFIG, GENESIS, {}.get) == GENESIS


def test_known_progress_allows_a_later_start() -> None:
    blocks = chain(300)
    by_hash = {block.hash: block for block in blocks}
    applied = blocks[-1].l1_origin.number + 20
    assert derivation_start(CONFIG, blocks[-1], by_hash.get, applied).l1_origin.number == applied - 50


def test_an_unknown_ancestor_is_a_reset() -> None:
    with pytest.raises(Reset, match="is not known"):
        derivation_start(CONFIG, chain(300)[-1], {}.get)
