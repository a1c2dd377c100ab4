"""The messages of a block's transactions, from executing them again."""

from collections.abc import Iterator

from phal2.node.rpc.block_replay import Replay, ReplayedBlock
from phal2.node.rpc.cancellation import Deadline
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.tracers.frames import Frame, FrameTree
from phal2.node.rpc.tracers.recorder import HookedTracer


def transaction_frames(replay: Replay, index: int, deadline: Deadline) -> Frame:
    """Return the message of the transaction at `index` with all below it."""
    block = replay.begin()
    block.skip_to(index, deadline.check)
    return _apply(block, deadline)


def block_frames(replay: Replay, deadline: Deadline) -> Iterator[Frame]:
    """Yield the message of each transaction in turn."""
    block = replay.begin()
    for _ in block.remaining():
        yield _apply(block, deadline)


def _apply(block: ReplayedBlock, deadline: Deadline) -> Frame:
    tree = FrameTree(block.subject())
    block.apply(HookedTracer([tree.hooks()], deadline.check))
    if tree.top is None:
        raise RpcError(SERVER_ERROR, "the transaction has no message")
    return tree.top
