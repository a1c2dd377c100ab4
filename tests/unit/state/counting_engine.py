"""An engine of another module: it counts the messages and leaves them to the usual one."""

from collections import Counter

from phal2.node.state.database import BlockHashes
from phal2.node.state.evm import BlockContext, Evm, Message, MessageResult, TransactionContext
from phal2.node.state.py_evm import open_py_evm
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState

executed: Counter[bytes | None] = Counter()
"""How many messages were executed, by recipient."""


class CountingEngine:
    def __init__(self, usual: Evm) -> None:
        self._usual = usual

    def execute(self, message: Message, context: TransactionContext) -> MessageResult:
        executed[message.to] += 1
        return self._usual.execute(message, context)


def open_counting_engine(
    block: BlockContext, world: WorldState, block_hashes: BlockHashes, tracer: Tracer | None = None
) -> CountingEngine:
    return CountingEngine(open_py_evm(block, world, block_hashes, tracer))
