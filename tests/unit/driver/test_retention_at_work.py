"""A node that keeps the states of its last blocks alone goes on through reorganisations and restarts."""

import asyncio

import pytest
from driven_rollup import RECEIVER, DrivenRollup, transfer, until

from phal2.node.driver.reset import BeyondRetention
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage.errors import StatePruned
from phal2.node.storage.inspection import inspect_database
from phal2.node.storage.tables import Table

RETENTION = 3


def balance(node: RollupNode, number: int) -> int:
    header = node.store.header_by_number(number)
    assert header is not None
    return WorldState(node.store, header.state_root).balance(RECEIVER)


def readable_nodes(node: RollupNode) -> int:
    """How many nodes the states of the canonical blocks have from the oldest one on that is kept."""
    reader, found = TrieReader(node.store), set()
    for number in range(node.store.oldest_state(), node.heads.unsafe.number + 1):
        block_hash = node.store.block_hash(number)
        assert block_hash is not None
        root = reader.root(node.chain.block(block_hash).header.state_root, block_hash)
        found |= set(reader.locations(root, with_storage=True))
    return len(found)


async def finalize(rollup: DrivenRollup, *nodes: RollupNode) -> int:
    """Bring the sequencer's blocks to L1, have L1 make them final, and build a block, which prunes; return the head."""
    sequencer = nodes[0]
    head = sequencer.heads.unsafe.number
    await rollup.post(rollup.blocks(sequencer, range(sequencer.heads.safe.number + 1, head + 1)))
    while not all(node.heads.finalized.number >= head for node in nodes):
        mined = await rollup.l1.mine()
        await until(lambda mined=mined: all(node.current_l1 and node.current_l1.id == mined for node in nodes))
    await rollup.grow(sequencer)
    return head


async def test_old_state_is_gone_and_no_node_is_stored_that_no_state_has(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True, state_retention=RETENTION)
    for nonce in range(4):
        await sequencer.submit_transaction(transfer(nonce))
        await rollup.grow(sequencer, 5)
        await finalize(rollup, sequencer)
        head, final = sequencer.heads.unsafe.number, sequencer.heads.finalized.number
        oldest = sequencer.store.oldest_state()
        assert oldest == min(head - RETENTION + 1, final)
        for number in range(oldest):
            with pytest.raises(StatePruned) as pruned:
                balance(sequencer, number)
            assert pruned.value.oldest == oldest
        assert {balance(sequencer, number) for number in range(oldest, head + 1)} == {nonce + 1}
    stored = readable_nodes(sequencer)
    await sequencer.stop()
    sizes = inspect_database(rollup.path / "sequencer", 0)
    assert sizes.tables[Table.NODES].entries == stored


async def test_a_reorganisation_above_the_final_block_is_followed(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True, state_retention=RETENTION)
    follower = await rollup.node("follower", state_retention=RETENTION)
    await rollup.l1.mine()
    await rollup.grow(sequencer, 10)
    final = await finalize(rollup, sequencer, follower)
    origin = rollup.l1.head_id().number
    await rollup.l1.mine()
    await rollup.grow(sequencer, 8)
    await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer, 2)
    lost = sequencer.heads.unsafe
    assert lost.l1_origin.number > origin
    assert lost.number - final > 2 * RETENTION

    rollup.rewind_l1(origin)
    await rollup.l1.mine(int(rollup.clock.now()))
    await rollup.l1.mine()
    await until(lambda: sequencer.store.block_hash(lost.number) not in (lost.hash, None))
    await rollup.grow(sequencer, 2)

    head = await finalize(rollup, sequencer, follower)
    await until(lambda: follower.store.block_hash(head) == sequencer.store.block_hash(head))
    assert balance(sequencer, head) == balance(follower, head) == 1
    assert not sequencer.store.has_block(lost.hash)
    for node in (sequencer, follower):
        stored = readable_nodes(node)
        await node.stop()
        sizes = inspect_database(rollup.path / ("sequencer" if node is sequencer else "follower"), 0)
        assert sizes.tables[Table.NODES].entries == stored


async def test_a_restarted_node_goes_on_from_what_it_kept(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True, state_retention=RETENTION)
    await rollup.grow(sequencer, 10)
    await finalize(rollup, sequencer)
    await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer)
    before = sequencer.heads.unsafe
    await sequencer.stop()

    again = await rollup.node("sequencer", is_sequencer=True, state_retention=RETENTION)
    assert again.store.block_hash(before.number) == before.hash
    await rollup.grow(again, 5)
    head = await finalize(rollup, again)
    assert balance(again, head) == 1
    with pytest.raises(StatePruned):
        balance(again, before.number)


async def test_a_reorganisation_beyond_what_is_kept_ends_the_node_with_what_to_do(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True, state_retention=RETENTION, l1_may_rewind=True)
    await rollup.l1.mine()
    await rollup.grow(sequencer, 10)
    await finalize(rollup, sequencer)
    oldest = sequencer.store.oldest_state()
    assert oldest > 0
    head = sequencer.heads.unsafe

    rollup.rewind_l1(0)
    await rollup.l1.mine(int(rollup.clock.now()) + 1)
    for _ in range(12):
        await rollup.l1.mine()
    rollup.clock.advance(1)
    ended, _ = await asyncio.wait(sequencer.tasks, timeout=60, return_when=asyncio.FIRST_COMPLETED)

    (error,) = [task.exception() for task in ended]
    assert isinstance(error, BeyondRetention)
    assert error.oldest == oldest
    assert "synchronise into a new data directory" in str(error)
    assert sequencer.store.block_hash(head.number) == head.hash
