"""Straight runs of instructions, compiled to Python functions once a contract has proven busy.

Most instructions of a contract only move words about and compute: run one by one, each costs a call, a charge of gas
and two checks of the stack. A *segment* is a run of such instructions from one entry point on, through jumps whose
destination is a constant, up to an instruction that needs the engine (calls, storage writes, logs, GAS). It becomes
one function that charges and checks once a stretch and keeps words in local variables.

This is exact where it matters: a message that runs out of gas or stack within a segment loses all its gas and all its
changes, so that nobody can tell at which of its instructions it was, but by what it has read of the state: up to each
read it is exact. Whatever looks at the gas that is left, or acts beyond the message, is not part of a segment.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas

from phal2.node.protocol.keccak import keccak256
from phal2.node.state.py_evm_effects import load_storage
from phal2.node.state.py_evm_instructions import (
    OpcodeFunction,
    call_data_word,
    jump_destinations,
    push_zero,
    shift_arithmetically,
    sign_extend,
    signed_divide,
    signed_modulo,
)
from phal2.node.state.py_evm_segment_source import segment_source

if TYPE_CHECKING:
    from phal2.node.state.py_evm_computation import Computation

BUSY_AFTER_RUNS: Final = 16
"""A code runs so often before its entry points are counted."""

COMPILED_AFTER_VISITS: Final = 128
"""An entry point is come by so often before its segment is compiled, which pays then, and cannot be forced cheaply."""

_PUSH0: Final = 0x5F
_MOST_SEGMENTS: Final = 16_384
_MOST_CODES: Final = 1_024


class SegmentTable(dict[int, OpcodeFunction]):
    """The segments of a code by entry point. Where there is none, the function of the single instruction stands in."""

    __slots__ = ("_compile", "_functions", "_padded_code", "_visits")

    def __init__(
        self,
        padded_code: bytes,
        functions: tuple[OpcodeFunction, ...],
        compile_segment: "Callable[[int], OpcodeFunction]",
    ) -> None:
        self._padded_code = padded_code
        self._functions = functions
        self._compile = compile_segment
        self._visits: dict[int, int] = {}

    def __missing__(self, position: int) -> OpcodeFunction:
        visits = self._visits.get(position, 0) + 1
        self._visits[position] = visits
        if visits < COMPILED_AFTER_VISITS:
            return self._functions[self._padded_code[position]]
        segment = self[position] = self._compile(position)
        return segment


class BusyCodes:
    """The codes that one set of opcodes has run, and the segments of those that are busy.

    What is kept is bounded: where there is too much of it, all of it is dropped, and what is busy comes back.
    """

    __slots__ = ("_functions", "_runs", "_segment_count", "_tables")

    def __init__(self, functions: tuple[OpcodeFunction, ...]) -> None:
        self._functions = functions
        self._runs: dict[bytes, int] = {}
        self._tables: dict[bytes, SegmentTable] = {}
        self._segment_count = 0

    def segments(self, code: bytes, padded_code: bytes) -> SegmentTable | None:
        """Return the segments of a code, None as long as it is not busy; each call counts as a run."""
        table = self._tables.get(code)
        if table is not None:
            return table
        runs = self._runs.get(code, 0) + 1
        if runs < BUSY_AFTER_RUNS:
            if len(self._runs) >= _MOST_CODES:
                self._runs.clear()
            self._runs[code] = runs
            return None
        self._runs.pop(code, None)
        if len(self._tables) >= _MOST_CODES:
            self._tables.clear()
        table = SegmentTable(padded_code, self._functions, lambda position: self._compile(code, padded_code, position))
        self._tables[code] = table
        return table

    def _compile(self, code: bytes, padded_code: bytes, position: int) -> OpcodeFunction:
        if self._segment_count >= _MOST_SEGMENTS:
            self._tables.clear()
            self._segment_count = 0
        self._segment_count += 1
        has_push_zero = self._functions[_PUSH0] is push_zero
        function = compile_segment(code, padded_code, position, has_push_zero)
        return self._functions[padded_code[position]] if function is None else function


def compile_segment(code: bytes, padded_code: bytes, position: int, has_push_zero: bool) -> "OpcodeFunction | None":
    """Return the segment of `code` from `position` on; None where too few instructions can be part of one.

    Before Shanghai there is no PUSH0: `has_push_zero` is then false.
    """
    source = segment_source(padded_code, position, jump_destinations(code), has_push_zero)
    if source is None:
        return None
    namespace: dict[str, Any] = dict(_NAMESPACE)
    exec(compile(source, f"<segment at {position}>", "exec"), namespace)  # noqa: S102 - of this project's own making
    function: OpcodeFunction = namespace["segment"]
    return function


def _stack_fault(height: int, needed: int) -> None:
    if height < needed:
        raise InsufficientStack(f"Wanted {needed} stack items, had {height}")
    raise FullStack("Stack limit reached")


def _out_of_gas(remaining: int) -> None:
    raise OutOfGas(f"Out of gas: {-remaining} more needed")


def _jump_to(computation: "Computation", destination: int) -> int:
    """Return the position to go on at, behind the JUMPDEST, whose gas the segment has charged with its jump."""
    destinations = computation.destinations
    if destinations is None:
        destinations = computation.destinations = jump_destinations(computation.msg.code)
    if destination not in destinations:
        raise InvalidJumpDestination("Invalid Jump Destination")
    return destination + 1


def _invalid_jump() -> None:
    raise InvalidJumpDestination("Invalid Jump Destination")


def _keccak(computation: "Computation", offset: int, size: int) -> int:
    computation.extend_memory(offset, size)
    computation.consume_gas(_HASHED_WORD_GAS * ((size + 31) // 32), "KECCAK256")
    return int.from_bytes(keccak256(computation._memory._bytes[offset : offset + size]), "big")


_HASHED_WORD_GAS: Final = 6

_NAMESPACE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "call_data_word": call_data_word,
        "from_bytes": int.from_bytes,
        "invalid_jump": _invalid_jump,
        "jump_to": _jump_to,
        "keccak": _keccak,
        "load_storage": load_storage,
        "out_of_gas": _out_of_gas,
        "shift_arithmetically": shift_arithmetically,
        "sign_extend": sign_extend,
        "signed_divide": signed_divide,
        "signed_modulo": signed_modulo,
        "stack_fault": _stack_fault,
    }
)
"""What the source of a segment calls."""
