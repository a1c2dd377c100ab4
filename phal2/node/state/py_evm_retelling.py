"""Why a call failed on its stack, with geth's figures.

Fast and compiled instructions only know that the stack does not do, not which instruction wanted how many words. Where
somebody reads the reason, the failed message is run once more, instruction by instruction.
"""

from typing import Final

from eth.exceptions import FullStack, InsufficientStack

from phal2.node.protocol.receipts import Log
from phal2.node.state.evm import BlockContext, Checkpoint
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.py_evm_computation import Computation
from phal2.node.state.py_evm_tracing import INSTRUCTIONS_BETWEEN_CHECKPOINTS, tracing_computation
from phal2.node.state.tracing import FrameEnd, FrameStart, Step

RETOLD_FAILURES: Final = (InsufficientStack, FullStack)


def retelling_computation(block: BlockContext, checkpoint: Checkpoint) -> type[Computation]:
    """Return the computation that tells in full how one message failed; `checkpoint` may end it too."""
    precompiles = precompiles_of(block.rules) if block.precompiles is None else block.precompiles
    return tracing_computation(block.rules.revision, precompiles, _Listener(checkpoint))


class _Listener:
    """A `Tracer` that wants to know nothing: the computation under it keeps the reason of its failure itself."""

    wants_steps = False

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def enter(self, frame: FrameStart) -> None:
        """A message begins."""

    def exit(self, end: FrameEnd) -> None:
        """The message that began last ends."""

    def step(self, step: Step) -> None:
        """An instruction is about to run."""

    def log(self, log: Log) -> None:
        """The message that runs has written a log."""

    def checkpoint(self) -> None:
        """End the execution where the call's own checkpoint does."""
        self._checkpoint(INSTRUCTIONS_BETWEEN_CHECKPOINTS)
