"""Strategies for programs that compute: stack, arithmetic, memory and jumps to constants, with little else between."""

from dataclasses import dataclass

from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import op, push
from hypothesis import strategies as st
from program_strategies import ENDINGS, LITERALS, SIMPLE_STATEMENTS

_PULLS_ONE = (
    op(Ops.ISZERO),
    op(Ops.NOT),
    op(Ops.CALLDATALOAD),
    op(Ops.SLOAD),
    push(63) + op(Ops.AND, Ops.MLOAD),
    push(3) + op(Ops.AND, Ops.TLOAD),
)
_PULLS_TWO = tuple(
    operation for operation in Ops if operation.value < 0x20 and operation not in (Ops.STOP, Ops.ISZERO, Ops.NOT)
)
_PULLS_THREE = (Ops.ADDMOD, Ops.MULMOD)
_PUSHES = (Ops.ADDRESS, Ops.CALLER, Ops.CALLVALUE, Ops.CALLDATASIZE, Ops.PC, Ops.MSIZE, Ops.GAS, Ops.RETURNDATASIZE)


@dataclass(frozen=True, slots=True)
class _Jump:
    """A jump to the piece `target`, or `aside` of it; where `conditional`, only if the top of the stack is not 0."""

    target: int
    conditional: bool
    aside: int


_LENGTH_OF_JUMP = 4


@st.composite
def _stack_work(draw: st.DrawFn) -> bytes:
    """Draw instructions that mostly find on the stack what they need."""
    code = b""
    height = 0
    for choice in draw(st.lists(st.integers(0, 12), min_size=3, max_size=25)):
        if choice <= 3 or height == 0:
            code += push(draw(LITERALS))
            height += 1
        elif choice == 4:
            code += op(draw(st.sampled_from(_PUSHES)))
            height += 1
        elif choice == 5:
            code += bytes([Ops.DUP1.value + draw(st.integers(0, min(height, 16) - 1))])
            height += 1
        elif choice == 6 and height >= 2:
            code += bytes([Ops.SWAP1.value + draw(st.integers(0, min(height - 1, 16) - 1))])
        elif choice == 7:
            code += draw(st.sampled_from(_PULLS_ONE))
        elif choice in (8, 9) and height >= 2:
            code += op(draw(st.sampled_from(_PULLS_TWO)))
            height -= 1
        elif choice == 10 and height >= 3:
            code += op(draw(st.sampled_from(_PULLS_THREE)))
            height -= 2
        elif choice == 11:
            code += push(draw(st.sampled_from([0, 1, 31, 32, 64, 1_000])))
            code += op(draw(st.sampled_from([Ops.MSTORE, Ops.MSTORE8])))
            height -= 1
        else:
            code += op(Ops.POP)
            height -= 1
    return code if height else code + push(draw(LITERALS))


_KEEP = st.sampled_from(
    [
        push(0) + op(Ops.SSTORE),
        push(1) + op(Ops.SSTORE),
        push(0) + op(Ops.SLOAD, Ops.ADD, Ops.PUSH0, Ops.SSTORE),
        op(Ops.PUSH0, Ops.PUSH0, Ops.LOG1),
        push(64) + op(Ops.PUSH0, Ops.KECCAK, Ops.PUSH0, Ops.SSTORE),
        push(64) + op(Ops.PUSH0, Ops.LOG0),
        op(Ops.GAS, Ops.PUSH0, Ops.PUSH0, Ops.LOG1),
    ]
    * 6
    # What ends in failure shows nothing but that it fails, so faults are rare.
    + [op(Ops.DUP16), push(2**255) + op(Ops.MSTORE)]
)


@st.composite
def computing_programs(draw: st.DrawFn) -> bytes:
    """Draw pieces of computation, each behind a JUMPDEST, with jumps to one another between them."""
    count = draw(st.integers(1, 5))
    pieces: list[tuple[bytes, _Jump | None]] = []
    for index in range(count):
        work = draw(_stack_work()) + draw(_KEEP)
        if draw(st.integers(0, 3)) == 0:
            work += draw(SIMPLE_STATEMENTS)
        jump = None
        if draw(st.booleans()):
            backward = draw(st.integers(0, 4)) == 0
            jump = _Jump(
                target=draw(st.integers(0, index) if backward else st.integers(min(index + 1, count - 1), count - 1)),
                conditional=backward or draw(st.booleans()),
                aside=draw(st.sampled_from([0] * 19 + [1])),
            )
        pieces.append((op(Ops.JUMPDEST) + work, jump))
    starts = []
    position = 0
    for work, jump in pieces:
        starts.append(position)
        position += len(work) + (_LENGTH_OF_JUMP if jump else 0)
    code = b""
    for work, jump in pieces:
        code += work
        if jump:
            operation = Ops.JUMPI if jump.conditional else Ops.JUMP
            code += push(starts[jump.target] + jump.aside, 2) + op(operation)
    return code + draw(ENDINGS)
