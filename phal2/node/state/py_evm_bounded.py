"""py-evm that asks every now and then whether to go on: for calls that a time limit or a client's leaving may end."""

from typing import Final

from phal2.node.state.evm import Checkpoint
from phal2.node.state.precompiles.precompile import Precompile
from phal2.node.state.py_evm_computation import Computation

_STEPS_BETWEEN_CHECKPOINTS: Final = 100
"""Instructions, or compiled runs of them."""

_INSTRUCTIONS_OF_A_SEGMENT: Final = 4
"""As many instructions take about the time of one compiled run."""

_INSTRUCTIONS_OF_A_MESSAGE: Final = 30
"""As many take about the time of entering a message and leaving it."""

_GAS_OF_AN_INSTRUCTION: Final = 25
"""Precompiled contracts use at least so much gas in the time of an instruction."""


class BoundedComputation(Computation):
    """One message of an execution that has a checkpoint (`BlockContext.checkpoint`)."""

    def _run_code(self) -> None:
        checkpoint: Checkpoint = self.state.checkpoint
        code, padded_code, functions = self.code, self.padded_code, self.opcode_functions
        segments = self.busy_codes.segments(self.msg.code, padded_code)
        checkpoint(_INSTRUCTIONS_OF_A_MESSAGE)
        while True:
            if segments is None:
                for _ in range(_STEPS_BETWEEN_CHECKPOINTS):
                    position = code.program_counter
                    code.program_counter = position + 1
                    functions[padded_code[position]](self)
                checkpoint(_STEPS_BETWEEN_CHECKPOINTS)
            else:
                for _ in range(_STEPS_BETWEEN_CHECKPOINTS):
                    position = code.program_counter
                    code.program_counter = position + 1
                    segments[position](self)
                checkpoint(_STEPS_BETWEEN_CHECKPOINTS * _INSTRUCTIONS_OF_A_SEGMENT)

    def _run_precompile(self, precompile: Precompile) -> None:
        self.state.checkpoint(1 + precompile.gas(self.msg.data) // _GAS_OF_AN_INSTRUCTION)
        super()._run_precompile(precompile)
