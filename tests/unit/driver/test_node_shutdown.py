"""What a stopped node leaves behind: nothing."""

import asyncio
import threading

from driven_rollup import DrivenRollup, transfer, until


async def test_a_stopped_node_leaves_no_task_and_no_thread(rollup: DrivenRollup) -> None:
    tasks = asyncio.all_tasks()
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    await rollup.grow(sequencer, 3)
    threads = {thread.name for thread in threading.enumerate()}
    assert any(name.startswith("phal2-sequencer") for name in threads)

    await sequencer.stop()

    # What the node has asked of L1 and does not wait for any more is answered by L1's server, in a task of that.
    await rollup.link.stop()
    own = {task for task in asyncio.all_tasks() - tasks if "aiohttp" not in repr(task)}
    assert not own, own
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("phal2-sequencer")]


async def test_a_node_stopped_in_the_middle_of_a_block_keeps_a_whole_chain(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    for nonce in range(50):
        await sequencer.submit_transaction(transfer(nonce))
    rollup.clock.advance(5)
    building = asyncio.create_task(until(lambda: sequencer.heads.unsafe.number >= 2))
    await building
    await sequencer.stop()

    again = await rollup.node("sequencer", is_sequencer=True)
    await until(lambda: again.heads.unsafe.number == 5)
    for number in range(5, 0, -1):
        block = again.store.block_by_number(number)
        assert block is not None
        assert block.header.parent_hash == again.store.block_hash(number - 1)


async def test_stopping_twice_does_nothing(rollup: DrivenRollup) -> None:
    follower = await rollup.node("follower")
    await follower.stop()
    await follower.stop()
