"""py-evm that asks every now and then whether to go on: for calls that a time limit or a client's leaving may end."""

from collections.abc import Callable
from typing import Any, Final

from phal2.node.state.py_evm_computation import Computation

_STEPS_BETWEEN_CHECKPOINTS: Final = 1_000
"""Instructions, or compiled runs of them: well under 10 ms."""


class BoundedComputation(Computation):
    """One message of an execution that has a checkpoint (`BlockContext.checkpoint`)."""

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Computation:
        """Run the code of a message to its end, or to where the checkpoint raises."""
        state.checkpoint()
        return super().apply_computation(state, message, transaction_context, parent_computation)

    def _run_code(self) -> None:
        checkpoint: Callable[[], None] = self.state.checkpoint
        code, padded_code, functions = self.code, self.padded_code, self.opcode_functions
        segments = self.busy_codes.segments(self.msg.code, padded_code)
        while True:
            if segments is None:
                for _ in range(_STEPS_BETWEEN_CHECKPOINTS):
                    position = code.program_counter
                    code.program_counter = position + 1
                    functions[padded_code[position]](self)
            else:
                for _ in range(_STEPS_BETWEEN_CHECKPOINTS):
                    position = code.program_counter
                    code.program_counter = position + 1
                    segments[position](self)
            checkpoint()
