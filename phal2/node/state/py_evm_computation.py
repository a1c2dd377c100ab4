"""The execution of messages: py-evm's computation, with what it gets wrong or does slowly replaced.

Against py-evm's own: logs, creations and self-destructions are kept by the journalled world state instead of a tree
of finished computations; the init code of a nested creation is charged once even where its creator is the
transaction's sender (EIP-7702); precompiled contracts are phal2's; and the interpreter's loop calls plain functions
only, so that 1,024 nested calls take no C stack.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from eth.constants import GAS_CODEDEPOSIT
from eth.exceptions import Halt, OutOfGas, StackDepthLimit, VMError
from eth.vm.code_stream import CodeStream
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.gas_meter import GasMeter, allow_negative_refund_strategy
from eth.vm.memory import Memory
from eth.vm.stack import Stack

from phal2.node.protocol.receipts import Log
from phal2.node.state.precompiles.precompile import Precompile, PrecompileFailure
from phal2.node.state.py_evm_failures import PrecompiledContractFailure, deposit_failure_text, failure_text
from phal2.node.state.py_evm_instructions import OpcodeFunction
from phal2.node.state.py_evm_message import EngineMessage
from phal2.node.state.py_evm_segments import BusyCodes

_DEPTH_LIMIT: Final = 1024
_CODE_PADDING: Final = bytes(33)

_LARGE_MEMORY_WORDS: Final = 2_048

MEMORY_WORD_GAS: Final = 3
MEMORY_QUADRATIC_DENOMINATOR: Final = 512


class Computation(PragueComputation):
    """One message. `computation_class` makes the subclasses with the opcodes and precompiled contracts of the rules."""

    # py-evm's abstract classes do not know what phal2's state, and py-evm's own memory and messages, have beyond them.
    state: Any
    msg: Any
    _memory: Any

    opcode_functions: ClassVar[tuple[OpcodeFunction, ...]]
    busy_codes: ClassVar[BusyCodes]
    precompiled_contracts: ClassVar[Mapping[bytes, Precompile]]

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        """Set up what opcodes use, py-evm's by-name access to the stack included."""
        self.state = state
        self.msg = message
        self.transaction_context = transaction_context
        self.code = CodeStream(message.code)
        self.padded_code = message.code + _CODE_PADDING
        self.destinations: frozenset[int] | None = None
        self._gas_meter = GasMeter(message.gas, allow_negative_refund_strategy)
        self._memory = Memory()
        self._stack = Stack()
        self.words: list[Any] = self._stack.values
        self.is_deposit_refused = False

    @classmethod
    def apply_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> "Computation":
        """Run a call, value transfer included; take its changes back where it fails."""
        if message.depth > _DEPTH_LIMIT:
            raise StackDepthLimit("Stack depth limit reached")
        snapshot = state.snapshot()
        if message.should_transfer_value and message.value:
            state.delta_balance(message.sender, -message.value)
            state.delta_balance(message.storage_address, message.value)
        else:
            state.touch_account(message.storage_address)
        computation = cls.apply_computation(state, message, transaction_context, parent_computation)
        if computation._error is not None:
            state.revert(snapshot)
        return computation

    @classmethod
    def apply_create_message(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> "Computation":
        """Run init code and store what it returns as the contract's code; take all back where either fails."""
        snapshot = state.snapshot()
        address = message.storage_address
        state.increment_nonce(address)
        state.world.mark_created(address)
        computation = cls.apply_message(state, message, transaction_context, parent_computation)
        if computation._error is None and computation.output:
            code = computation.output
            try:
                cls.validate_contract_code(code)
                computation.consume_gas(len(code) * GAS_CODEDEPOSIT, "contract creation code storage")
                state.set_code(address, code)
            except VMError as error:
                computation._error = error
                computation.is_deposit_refused = True
        if computation._error is not None:
            state.revert(snapshot)
        return computation

    @classmethod
    def apply_computation(
        cls,
        state: Any,
        message: Any,
        transaction_context: Any,
        parent_computation: Any = None,  # noqa: ARG003 - py-evm's signature
    ) -> "Computation":
        """Run the code of a message, or the precompiled contract at its address, to its end."""
        computation = cls(state, message, transaction_context)
        try:
            precompile = cls.precompiled_contracts.get(message.code_address)
            if precompile is None:
                computation._run_code()
            elif not message.is_delegation:
                computation._run_precompile(precompile)
        except Halt:
            pass
        except VMError as error:
            computation._error = error
            if error.burns_gas:
                computation._gas_meter.gas_remaining = 0
            if error.erases_return_data:
                computation.return_data = b""
        return computation

    def _run_code(self) -> None:
        """Run instruction after instruction until one raises `Halt` or a `VMError`."""
        code, padded_code = self.code, self.padded_code
        segments = self.busy_codes.segments(self.msg.code, padded_code)
        if segments is None:
            functions = self.opcode_functions
            while True:
                position = code.program_counter
                code.program_counter = position + 1
                functions[padded_code[position]](self)
        while True:
            position = code.program_counter
            code.program_counter = position + 1
            segments[position](self)

    def failure(self) -> str:
        """Return why the message failed, in geth's words."""
        if self.is_deposit_refused:
            return deposit_failure_text(self._error, len(self._output), self._gas_meter.gas_remaining)
        return failure_text(self._error)

    def extend_memory(self, start_position: int, size: int) -> None:
        """Grow the memory to hold `size` bytes from `start_position`, and charge for what is new of it."""
        if not size:
            return
        memory = self._memory._bytes
        present = len(memory)
        end = start_position + size
        if end <= present:
            return
        words, present_words = (end + 31) // 32, present // 32
        cost = MEMORY_WORD_GAS * words + words * words // MEMORY_QUADRATIC_DENOMINATOR
        paid = MEMORY_WORD_GAS * present_words + present_words * present_words // MEMORY_QUADRATIC_DENOMINATOR
        self.consume_gas(cost - paid, "memory")
        if words > _LARGE_MEMORY_WORDS and self.state.checkpoint is not None:
            # Each instruction on so much memory may take long.
            self.state.checkpoint(words)
        memory.extend(bytes(32 * words - present))

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take gas; raise `OutOfGas` where less is left."""
        meter = self._gas_meter
        remaining = meter.gas_remaining - amount
        if remaining < 0:
            raise OutOfGas(f"Out of gas: Needed {amount} - Remaining {meter.gas_remaining} - Reason: {reason}")
        meter.gas_remaining = remaining

    def prepare_child_message(
        self, gas: int, to: Any, value: int, data: Any, code: bytes, **details: Any
    ) -> Any:  # py-evm's own type is a class that checks what its opcodes have made
        """Return a message that this one sends."""
        details.setdefault("sender", self.msg.storage_address)
        return EngineMessage(gas, to, value=value, data=data, code=code, depth=self.msg.depth + 1, **details)

    def generate_child_computation(self, child_msg: Any) -> "Computation":
        """Run a message that this one sends."""
        if child_msg.is_create:
            return self.apply_create_message(self.state, child_msg, self.transaction_context, self)
        return self.apply_message(self.state, child_msg, self.transaction_context, self)

    def add_child_computation(self, child_computation: Any) -> None:
        """Take over the return data and refunds of a message that this one sent; nothing else of it is kept."""
        if child_computation._error is None:
            self.return_data = b"" if child_computation.msg.is_create else child_computation.output
            self._gas_meter.gas_refunded += child_computation._gas_meter.gas_refunded
        else:
            self.return_data = child_computation.output

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        """Write a log."""
        self.state.world.add_log(Log(account, tuple(topic.to_bytes(32, "big") for topic in topics), data))

    def _run_precompile(self, precompile: Precompile) -> None:
        data = self.msg.data_as_bytes
        self.consume_gas(precompile.gas(data), "precompiled contract")
        try:
            self._output = precompile.run(data)
        except PrecompileFailure as failure:
            raise PrecompiledContractFailure(str(failure)) from failure


def computation_class(
    opcode_functions: tuple[OpcodeFunction, ...],
    precompiled_contracts: Mapping[bytes, Precompile],
    base: type[Computation] = Computation,
) -> type[Computation]:
    """Return the computation of a set of rules; `opcode_functions` are indexed by opcode."""
    attributes = {
        "opcode_functions": opcode_functions,
        "busy_codes": BusyCodes(opcode_functions),
        "precompiled_contracts": precompiled_contracts,
    }
    return type("ConfiguredComputation", (base,), attributes)
