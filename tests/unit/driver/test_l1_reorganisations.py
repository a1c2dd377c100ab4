"""What the nodes do when L1 takes blocks back."""

from driven_rollup import DrivenRollup, transfer, until

from phal2.node.driver.rollup_node import RollupNode
from phal2.node.protocol.keccak import keccak256


def hashes(node: RollupNode) -> list[bytes | None]:
    return [node.store.block_hash(number) for number in range(node.heads.unsafe.number + 1)]


def shared(sequencer: RollupNode, follower: RollupNode) -> bool:
    """Whether the follower has all the blocks that are safe for the sequencer, which are some."""
    safe = sequencer.heads.safe.number
    return follower.heads.safe.number == safe > 0 and hashes(follower)[: safe + 1] == hashes(sequencer)[: safe + 1]


async def test_blocks_on_a_lost_origin_are_replaced_and_their_transactions_come_again(rollup: DrivenRollup) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.grow(sequencer, 2)
    await rollup.l1.mine()
    await rollup.grow(sequencer)
    assert sequencer.heads.unsafe.l1_origin.number == 1
    await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer)
    included = sequencer.heads.unsafe
    assert len(sequencer.chain.block(included.hash).transactions) == 2

    rollup.rewind_l1(0)
    await rollup.l1.mine()
    await rollup.l1.mine()
    await until(lambda: sequencer.store.block_hash(included.number) not in (included.hash, None))
    await rollup.grow(sequencer, 2)

    again = sequencer.store.find_transaction(keccak256(transfer(0)))
    assert again is not None
    assert again.block_hash != included.hash
    await rollup.post(rollup.blocks(sequencer, range(1, sequencer.heads.unsafe.number + 1)))
    await until(lambda: shared(sequencer, follower))


async def test_batches_that_l1_took_back_are_not_safe_any_more(rollup: DrivenRollup) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.l1.mine()
    await rollup.grow(sequencer, 3)
    await rollup.post(rollup.blocks(sequencer, range(1, 3)))
    await until(lambda: follower.heads.safe.number == sequencer.heads.safe.number == 2)
    lost = await rollup.post(rollup.blocks(sequencer, range(3, 4)))
    await until(lambda: follower.heads.safe.number == sequencer.heads.safe.number == 3)

    rollup.rewind_l1(lost.number - 1)
    await rollup.l1.mine(int(rollup.clock.now()) + 5)
    await rollup.l1.mine()
    await until(lambda: follower.heads.safe.number == sequencer.heads.safe.number == 2)
    assert sequencer.heads.unsafe.number >= 3

    await rollup.grow(sequencer)
    await rollup.post(rollup.blocks(sequencer, range(3, sequencer.heads.unsafe.number + 1)))
    await until(lambda: sequencer.heads.safe.number >= 4 and shared(sequencer, follower))


async def test_a_node_that_slept_through_a_reorganisation_finds_the_other_branch(rollup: DrivenRollup) -> None:
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.l1.mine()
    await rollup.grow(sequencer, 4)
    await rollup.post(rollup.blocks(sequencer, range(1, 4)))
    await until(lambda: follower.heads.safe.number == 3)
    await follower.stop()

    rollup.rewind_l1(0)
    for _ in range(3):
        await rollup.l1.mine()
    await until(lambda: sequencer.heads.safe.number == 0)
    await rollup.grow(sequencer, 5)
    await rollup.post(rollup.blocks(sequencer, range(1, sequencer.heads.unsafe.number + 1)))

    follower = await rollup.node("follower")
    await until(lambda: sequencer.heads.safe.number > 3 and shared(sequencer, follower))
