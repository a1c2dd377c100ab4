"""py-evm with a tracer: the same messages and instructions, one at a time, each told before it runs.

Instructions are the plain ones of py-evm, not the fast or compiled ones: they give the same (tests hold them against
each other), and none of them does two instructions' work at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from eth.constants import STACK_DEPTH_LIMIT
from eth.exceptions import (
    Halt,
    InvalidInstruction,
    VMError,
)

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.state.accounts import MAXIMUM_NONCE
from phal2.node.state.precompiles.precompile import Precompile
from phal2.node.state.py_evm_computation import Computation, computation_class
from phal2.node.state.py_evm_instructions import OpcodeFunction
from phal2.node.state.py_evm_opcodes import plain_opcode_functions
from phal2.node.state.py_evm_tracing_gas import instruction_gas, store_refund
from phal2.node.state.rules import Revision
from phal2.node.state.tracing import (
    CALL,
    CALLCODE,
    CREATE,
    CREATE2,
    DELEGATECALL,
    SELFDESTRUCT,
    STATICCALL,
    FrameEnd,
    FrameStart,
    Step,
    Tracer,
)
from phal2.node.state.tracing_instructions import Instruction, instructions

INSTRUCTIONS_BETWEEN_CHECKPOINTS: Final = 256
_SSTORE: Final = 0x55


@dataclass(slots=True)
class Trace:
    """What the computations of one message share. `refund` is the counter at the start of the one that begins."""

    tracer: Tracer
    revision: Revision
    instructions: tuple[Instruction, ...]
    refund: int = 0


class TracingComputation(Computation):
    """One message under a tracer."""

    trace: ClassVar[Trace]

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self.refund_before = self.trace.refund
        self.problem: str | None = None
        self.opcode = 0
        self.called: bytes | None = None
        self.last_charge = 0
        self.last_return = 0

    def generate_child_computation(self, child_msg: Any) -> Computation:
        """Run a message that this one sends, between `enter` and `exit`."""
        tracer = self.trace.tracer
        opcode, target = self.opcode, self.called
        self.called = None
        tracer.enter(
            FrameStart(
                depth=child_msg.depth,
                opcode=opcode,
                sender=self.msg.storage_address,
                to=child_msg.storage_address if target is None or child_msg.is_create else target,
                data=child_msg.code if child_msg.is_create else child_msg.data_as_bytes,
                gas=child_msg.gas,
                value=None if opcode == STATICCALL else child_msg.value,
            )
        )
        self.trace.refund = self.refund_before + self._gas_meter.gas_refunded
        child = super().generate_child_computation(child_msg)
        error = child._error
        tracer.exit(
            FrameEnd(
                output=child.output,
                gas_used=child_msg.gas - child.get_gas_remaining(),
                error=None if error is None else child.failure(),
                reverted=error is not None and not error.burns_gas,
            )
        )
        return child

    def failure(self) -> str:
        """Return why the message failed, in geth's words."""
        error = self._error
        if self.is_deposit_refused:
            return super().failure()
        if self.problem is not None and isinstance(error, VMError) and error.burns_gas:
            return self.problem
        if isinstance(error, InvalidInstruction):
            return f"invalid opcode: {self.trace.instructions[self.opcode].name}"
        return super().failure()

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take gas, and remember how much."""
        self.last_charge = amount
        super().consume_gas(amount, reason)

    def return_gas(self, amount: int) -> None:
        """Give gas back, and remember how much."""
        self.last_return = amount
        super().return_gas(amount)

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        """Write a log."""
        log = Log(account, tuple(topic.to_bytes(32, "big") for topic in topics), data)
        self.state.world.add_log(log)
        self.trace.tracer.log(log)

    def _run_code(self) -> None:
        self.trace.tracer.checkpoint()
        if not self.msg.code:
            raise Halt("no code")
        tracer, table = self.trace.tracer, self.trace.instructions
        wants_steps = tracer.wants_steps
        code, padded_code, words, functions = self.code, self.padded_code, self.words, self.opcode_functions
        until_checkpoint = INSTRUCTIONS_BETWEEN_CHECKPOINTS
        while True:
            until_checkpoint -= 1
            if not until_checkpoint:
                until_checkpoint = INSTRUCTIONS_BETWEEN_CHECKPOINTS
                tracer.checkpoint()
            position = code.program_counter
            opcode = self.opcode = padded_code[position]
            instruction = table[opcode]
            gas_cost = instruction.gas
            if not instruction.pops <= len(words) <= instruction.maximum_depth:
                self.problem = _stack_problem(instruction, len(words))
            elif not instruction.is_defined:
                self.problem = None
            else:
                gas_cost, self.problem = instruction_gas(self, opcode, gas_cost, self._operand)
            if wants_steps:
                tracer.step(self._step(position, gas_cost))
            code.program_counter = position + 1
            functions[opcode](self)

    def _operand(self, distance: int) -> int:
        return _as_int(self.words[-1 - distance])

    def _step(self, position: int, gas_cost: int) -> Step:
        refund = self.refund_before + self._gas_meter.gas_refunded
        if self.opcode == _SSTORE and self.problem in (None, "out of gas"):
            # geth counts it with the gas, before the instruction is told of.
            refund += store_refund(self, self._operand)
        return Step(
            program_counter=position,
            opcode=self.opcode,
            gas=self._gas_meter.gas_remaining,
            gas_cost=gas_cost,
            depth=self.msg.depth + 1,
            refund=refund,
            error=self.problem,
            address=self.msg.storage_address,
            stack=[word if type(word) is int else _as_int(word) for word in self.words],
            memory=self._memory._bytes,
            return_data=self.return_data,
        )


def _stack_problem(instruction: Instruction, depth: int) -> str:
    if depth < instruction.pops:
        return f"stack underflow ({depth} <=> {instruction.pops})"
    return f"stack limit reached {depth} ({instruction.maximum_depth})"


def tracing_computation(
    revision: Revision, precompiled_contracts: Mapping[bytes, Precompile], tracer: Tracer
) -> type[Computation]:
    """Return the computation for one message that `tracer` watches."""
    plain = plain_opcode_functions(revision)
    functions = list(plain)
    for opcode in (CALL, CALLCODE, DELEGATECALL, STATICCALL):
        functions[opcode] = _traced_call(plain[opcode], has_value=opcode in (CALL, CALLCODE))
    for opcode in (CREATE, CREATE2):
        functions[opcode] = _traced_creation(plain[opcode])
    functions[SELFDESTRUCT] = _traced_self_destruct(plain[SELFDESTRUCT])
    trace = Trace(tracer, revision, instructions(revision))
    configured = computation_class(tuple(functions), precompiled_contracts, TracingComputation)
    configured.trace = trace  # type: ignore[attr-defined]  # it is a TracingComputation
    return configured


def _traced_call(call: OpcodeFunction, has_value: bool) -> OpcodeFunction:
    """Return a call that tells of itself also where no message comes of it: too deep, or more than the balance."""

    def instruction(computation: Any) -> None:
        words = computation.words
        if len(words) < 6 + has_value:
            call(computation)
            return
        operands = [_as_int(word) for word in reversed(words[-6 - has_value :])]
        target = computation.called = (operands[1] & ((1 << 160) - 1)).to_bytes(20, "big")
        call(computation)
        if computation.called is None:
            return
        computation.called = None
        value = operands[2] if has_value else None
        start, length = operands[2 + has_value], operands[3 + has_value]
        if computation.opcode == DELEGATECALL:
            value = computation.msg.value
        data = bytes(computation._memory._bytes[start : start + length])
        _tell_of_refusal(computation, target, data, computation.last_return, 0, value, _refusal(computation))

    return instruction


def _traced_creation(create: OpcodeFunction) -> OpcodeFunction:
    """Return a creation that tells of itself also where no message comes of it."""

    def instruction(computation: Any) -> None:
        words, state, creator = computation.words, computation.state, computation.msg.storage_address
        operands = [_as_int(word) for word in reversed(words[-4:])]
        nonce, balance = state.get_nonce(creator), state.get_balance(creator)
        computation.called = creator
        create(computation)
        if computation.called is None:
            return
        computation.called = None
        value, start, length = operands[:3]
        code = bytes(computation._memory._bytes[start : start + length])
        if computation.opcode == CREATE:
            address = contract_address(creator, nonce)
        else:
            salt = operands[3].to_bytes(32, "big")
            address = keccak256(b"\xff" + creator + salt + keccak256(code))[12:]
        if computation.msg.depth + 1 <= STACK_DEPTH_LIMIT and balance >= value and nonce < MAXIMUM_NONCE:
            gas = computation.last_charge
            _tell_of_refusal(computation, address, code, gas, gas, value, "contract address collision")
            return
        gas = computation._gas_meter.gas_remaining
        reason = _refusal(computation) if nonce < MAXIMUM_NONCE or balance < value else "nonce uint64 overflow"
        _tell_of_refusal(computation, address, code, gas - gas // 64, 0, value, reason)

    return instruction


def _traced_self_destruct(self_destruct: OpcodeFunction) -> OpcodeFunction:
    def instruction(computation: Any) -> None:
        address = computation.msg.storage_address
        balance = computation.state.get_balance(address)
        beneficiary = _as_int(computation.words[-1]) if computation.words else 0
        try:
            self_destruct(computation)
        except Halt:
            target = (beneficiary & ((1 << 160) - 1)).to_bytes(20, "big")
            tracer = computation.trace.tracer
            tracer.enter(FrameStart(computation.msg.depth + 1, SELFDESTRUCT, address, target, b"", 0, balance))
            tracer.exit(FrameEnd(b"", 0, None, reverted=False))
            raise

    return instruction


def _refusal(computation: Any) -> str:
    too_deep = computation.msg.depth + 1 > STACK_DEPTH_LIMIT
    return "max call depth exceeded" if too_deep else "insufficient balance for transfer"


def _tell_of_refusal(
    computation: Any, target: bytes, data: bytes, gas: int, gas_used: int, value: int | None, reason: str
) -> None:
    tracer, sender = computation.trace.tracer, computation.msg.storage_address
    tracer.enter(FrameStart(computation.msg.depth + 1, computation.opcode, sender, target, data, gas, value))
    tracer.exit(FrameEnd(b"", gas_used, reason, reverted=False))


def _as_int(word: int | bytes) -> int:
    return word if isinstance(word, int) else int.from_bytes(word, "big")
