"""The instructions that nearly every contract spends its time on, without py-evm's layers of calls.

Arithmetic, comparison, bits, stack, memory words and jumps: one plain function an opcode, made by a few factories.
They take `Computation` as py-evm's do, and share its stack, on which words are integers or big-endian bytes.
"""

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas

if TYPE_CHECKING:
    from phal2.node.state.py_evm_computation import Computation

OpcodeFunction: TypeAlias = "Callable[[Computation], None]"

_MASK: Final = (1 << 256) - 1
_SIGN: Final = 1 << 255
_MODULUS: Final = 1 << 256
_STACK_LIMIT: Final = 1024

_JUMPDEST: Final = 0x5B
_PUSHES_AND_DESTINATIONS: Final = re.compile(
    b"|".join([rb"\x5b", *(re.escape(bytes([0x5F + size])) + b".{0,%d}" % size for size in range(1, 33))]), re.DOTALL
)


def fast_instructions() -> dict[int, OpcodeFunction]:
    """Return the functions by opcode."""
    table: dict[int, OpcodeFunction] = {
        0x01: _binary(3, lambda a, b: (a + b) & _MASK),
        0x02: _binary(5, lambda a, b: (a * b) & _MASK),
        0x03: _binary(3, lambda a, b: (a - b) & _MASK),
        0x04: _binary(5, lambda a, b: a // b if b else 0),
        0x05: _binary(5, signed_divide),
        0x06: _binary(5, lambda a, b: a % b if b else 0),
        0x07: _binary(5, signed_modulo),
        0x0B: _binary(5, sign_extend),
        0x10: _binary(3, lambda a, b: 1 if a < b else 0),
        0x11: _binary(3, lambda a, b: 1 if a > b else 0),
        0x12: _binary(3, lambda a, b: 1 if a ^ _SIGN < b ^ _SIGN else 0),
        0x13: _binary(3, lambda a, b: 1 if a ^ _SIGN > b ^ _SIGN else 0),
        0x14: _binary(3, lambda a, b: 1 if a == b else 0),
        0x15: _unary(lambda a: 0 if a else 1),
        0x16: _binary(3, operator.and_),
        0x17: _binary(3, operator.or_),
        0x18: _binary(3, operator.xor),
        0x19: _unary(lambda a: a ^ _MASK),
        0x1A: _binary(3, lambda a, b: b >> (8 * (31 - a)) & 0xFF if a < 32 else 0),
        0x1B: _binary(3, lambda a, b: (b << a) & _MASK if a < 256 else 0),
        0x1C: _binary(3, lambda a, b: b >> a if a < 256 else 0),
        0x1D: _binary(3, shift_arithmetically),
        0x35: _unary_on_computation(call_data_word),
        0x50: _pop,
        0x51: _memory_load,
        0x52: _memory_store,
        0x56: _jump,
        0x57: _jump_if,
        0x58: _program_counter,
        _JUMPDEST: _jump_destination,
    }
    for size in range(1, 33):
        table[0x5F + size] = _push(size)
    for position in range(1, 17):
        table[0x7F + position] = _duplicate(position)
        table[0x8F + position] = _swap(position)
    return table


def jump_destinations(code: bytes) -> frozenset[int]:
    """Return the positions of the JUMPDESTs of `code` that are not data of a PUSH."""
    return _cached_jump_destinations(code)


@lru_cache(maxsize=512)
def _cached_jump_destinations(code: bytes) -> frozenset[int]:
    return frozenset(
        position
        for position in (match.start() for match in _PUSHES_AND_DESTINATIONS.finditer(code))
        if code[position] == _JUMPDEST
    )


def charge(computation: "Computation", gas: int) -> None:
    """Take gas; raise `OutOfGas` where less is left."""
    meter = computation._gas_meter
    remaining = meter.gas_remaining - gas
    if remaining < 0:
        raise OutOfGas(f"Out of gas: Needed {gas} - Remaining {meter.gas_remaining}")
    meter.gas_remaining = remaining


def as_int(word: int | bytes) -> int:
    """Return a word of the stack as an integer."""
    return int.from_bytes(word, "big") if isinstance(word, bytes) else word


def _binary(gas: int, operation: Callable[[int, int], int]) -> OpcodeFunction:
    def instruction(computation: "Computation") -> None:
        meter = computation._gas_meter
        remaining = meter.gas_remaining - gas
        if remaining < 0:
            raise OutOfGas(f"Out of gas: Needed {gas} - Remaining {meter.gas_remaining}")
        meter.gas_remaining = remaining
        words = computation.words
        if len(words) < 2:
            raise InsufficientStack(f"Wanted 2 stack items, had {len(words)}")
        a = words.pop()
        b = words[-1]
        if type(a) is bytes:
            a = int.from_bytes(a, "big")
        if type(b) is bytes:
            b = int.from_bytes(b, "big")
        words[-1] = operation(a, b)

    return instruction


def _unary(operation: Callable[[int], int]) -> OpcodeFunction:
    return _unary_on_computation(lambda _, word: operation(word))


def _unary_on_computation(operation: "Callable[[Computation, int], int]") -> OpcodeFunction:
    def instruction(computation: "Computation") -> None:
        charge(computation, 3)
        words = computation.words
        if not words:
            raise InsufficientStack("Wanted 1 stack item, had none")
        words[-1] = operation(computation, as_int(words[-1]))

    return instruction


def _push(size: int) -> OpcodeFunction:
    def instruction(computation: "Computation") -> None:
        meter = computation._gas_meter
        remaining = meter.gas_remaining - 3
        if remaining < 0:
            raise OutOfGas(f"Out of gas: Needed 3 - Remaining {meter.gas_remaining}")
        meter.gas_remaining = remaining
        words = computation.words
        if len(words) >= _STACK_LIMIT:
            raise FullStack("Stack limit reached")
        code = computation.code
        position = code.program_counter
        code.program_counter = position + size
        words.append(int.from_bytes(computation.padded_code[position : position + size], "big"))

    return instruction


def push_zero(computation: "Computation") -> None:
    """Run PUSH0 (EIP-3855)."""
    charge(computation, 2)
    words = computation.words
    if len(words) >= _STACK_LIMIT:
        raise FullStack("Stack limit reached")
    words.append(0)


def _duplicate(position: int) -> OpcodeFunction:
    def instruction(computation: "Computation") -> None:
        meter = computation._gas_meter
        remaining = meter.gas_remaining - 3
        if remaining < 0:
            raise OutOfGas(f"Out of gas: Needed 3 - Remaining {meter.gas_remaining}")
        meter.gas_remaining = remaining
        words = computation.words
        depth = len(words)
        if depth < position:
            raise InsufficientStack(f"Insufficient stack items for DUP{position}")
        if depth >= _STACK_LIMIT:
            raise FullStack("Stack limit reached")
        words.append(words[-position])

    return instruction


def _swap(position: int) -> OpcodeFunction:
    other = -position - 1

    def instruction(computation: "Computation") -> None:
        meter = computation._gas_meter
        remaining = meter.gas_remaining - 3
        if remaining < 0:
            raise OutOfGas(f"Out of gas: Needed 3 - Remaining {meter.gas_remaining}")
        meter.gas_remaining = remaining
        words = computation.words
        if len(words) <= position:
            raise InsufficientStack(f"Insufficient stack items for SWAP{position}")
        words[-1], words[other] = words[other], words[-1]

    return instruction


def _pop_word(words: list[Any]) -> int:
    if not words:
        raise InsufficientStack("Wanted 1 stack item, had none")
    return as_int(words.pop())


def _pop(computation: "Computation") -> None:
    meter = computation._gas_meter
    remaining = meter.gas_remaining - 2
    if remaining < 0:
        raise OutOfGas(f"Out of gas: Needed 2 - Remaining {meter.gas_remaining}")
    meter.gas_remaining = remaining
    if not computation.words:
        raise InsufficientStack("Wanted 1 stack item, had none")
    computation.words.pop()


def _memory_load(computation: "Computation") -> None:
    charge(computation, 3)
    words = computation.words
    offset = _pop_word(words)
    memory = computation._memory
    if offset + 32 > len(memory._bytes):
        computation.extend_memory(offset, 32)
    words.append(int.from_bytes(memory._bytes[offset : offset + 32], "big"))


def _memory_store(computation: "Computation") -> None:
    charge(computation, 3)
    words = computation.words
    offset = _pop_word(words)
    value = _pop_word(words)
    memory = computation._memory
    if offset + 32 > len(memory._bytes):
        computation.extend_memory(offset, 32)
    memory._bytes[offset : offset + 32] = value.to_bytes(32, "big")


def _jump(computation: "Computation") -> None:
    words = computation.words
    if not words:
        raise InsufficientStack("Wanted 1 stack item, had none")
    _jump_to(computation, words.pop(), 8)


def _jump_if(computation: "Computation") -> None:
    words = computation.words
    if len(words) < 2:
        raise InsufficientStack(f"Wanted 2 stack items, had {len(words)}")
    destination = words.pop()
    condition = words.pop()
    if condition if type(condition) is int else any(condition):
        _jump_to(computation, destination, 10)
    else:
        charge(computation, 10)


def _jump_to(computation: "Computation", destination: int | bytes, gas: int) -> None:
    destinations = computation.destinations
    if destinations is None:
        destinations = computation.destinations = jump_destinations(computation.msg.code)
    if type(destination) is bytes:
        destination = int.from_bytes(destination, "big")
    if destination not in destinations:
        raise InvalidJumpDestination("Invalid Jump Destination")
    meter = computation._gas_meter
    # The JUMPDEST itself does nothing but cost its gas, so it runs here.
    remaining = meter.gas_remaining - gas - 1
    if remaining < 0:
        raise OutOfGas(f"Out of gas: Needed {gas + 1} - Remaining {meter.gas_remaining}")
    meter.gas_remaining = remaining
    computation.code.program_counter = destination + 1


def _jump_destination(computation: "Computation") -> None:
    charge(computation, 1)


def _program_counter(computation: "Computation") -> None:
    charge(computation, 2)
    words = computation.words
    if len(words) >= _STACK_LIMIT:
        raise FullStack("Stack limit reached")
    words.append(computation.code.program_counter - 1)


def call_data_word(computation: "Computation", offset: int) -> int:
    """Return the word of the call data at `offset`, zeros where it has ended."""
    return int.from_bytes(computation.msg.data[offset : offset + 32].ljust(32, b"\0"), "big")


def _to_signed(word: int) -> int:
    return word - _MODULUS if word & _SIGN else word


def signed_divide(a: int, b: int) -> int:
    """Return SDIV."""
    if not b:
        return 0
    left, right = _to_signed(a), _to_signed(b)
    quotient = abs(left) // abs(right)
    return (-quotient if (left < 0) != (right < 0) else quotient) & _MASK


def signed_modulo(a: int, b: int) -> int:
    """Return SMOD."""
    if not b:
        return 0
    left = _to_signed(a)
    remainder = abs(left) % abs(_to_signed(b))
    return (-remainder if left < 0 else remainder) & _MASK


def sign_extend(a: int, b: int) -> int:
    """Return SIGNEXTEND of `b`, whose sign bit is that of byte `a` from the right."""
    if a >= 31:
        return b
    sign = 1 << (8 * a + 7)
    return (b | (_MODULUS - sign)) if b & sign else b & (sign - 1)


def shift_arithmetically(a: int, b: int) -> int:
    """Return SAR: `b` shifted by `a` bits."""
    return (_to_signed(b) >> min(a, 256)) & _MASK
