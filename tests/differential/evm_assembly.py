"""Pieces of EVM code that can be put one after the other, and a disassembler for what failed.

Every piece runs wherever it stands: jumps are relative to the program counter.
"""

from ethereum.forks.prague.vm.instructions import Ops

WORD_MASK = (1 << 256) - 1

_MOST_INSTRUCTIONS = 400
_FIRST_PUSH, _LAST_PUSH = Ops.PUSH1.value, Ops.PUSH32.value
_NAMES = {operation.value: operation.name for operation in Ops}


def op(*operations: Ops) -> bytes:
    """Return the code of instructions without data."""
    return bytes(operation.value for operation in operations)


def push(value: int | bytes, width: int | None = None) -> bytes:
    """Return the shortest PUSH of a word, or one of `width` bytes."""
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else value & WORD_MASK
    size = (number.bit_length() + 7) // 8 if width is None else width
    return bytes([Ops.PUSH0.value + size]) + number.to_bytes(size, "big")


def store_in_memory(data: bytes, offset: int = 0) -> bytes:
    """Return code that writes `data` to memory, word by word; zeros follow up to the end of the last word."""
    return b"".join(
        push(data[start : start + 32].ljust(32, b"\0")) + push(offset + start) + op(Ops.MSTORE)
        for start in range(0, len(data), 32)
    )


def when(condition: bytes, body: bytes) -> bytes:
    """Return code that runs `body` where the word that `condition` leaves is not 0."""
    skip = op(Ops.PC) + push(6 + len(body), 2) + op(Ops.ADD, Ops.JUMPI)
    return condition + op(Ops.ISZERO) + skip + body + op(Ops.JUMPDEST)


def repeat(times: int, body: bytes) -> bytes:
    """Return code that runs `body`, which must leave the stack as it was, `times` times."""
    count_down = push(1) + op(Ops.SWAP1, Ops.SUB, Ops.DUP1)
    distance = 1 + len(body) + len(count_down)
    back = op(Ops.PC) + push(distance, 2) + op(Ops.SWAP1, Ops.SUB, Ops.JUMPI)
    return push(times) + op(Ops.JUMPDEST) + body + count_down + back + op(Ops.POP)


def deployment(runtime: bytes, prelude: bytes = b"") -> bytes:
    """Return init code that runs `prelude` and then makes `runtime` the code of the contract."""
    size = push(len(runtime), 2)
    copy_and_return = op(Ops.PUSH0, Ops.CODECOPY) + size + op(Ops.PUSH0, Ops.RETURN)
    start = len(prelude) + len(size) + 3 + len(copy_and_return)
    return prelude + size + push(start, 2) + copy_and_return + runtime


def disassemble(code: bytes) -> str:
    """Return code as text: one line, instructions with their data."""
    words = []
    position = 0
    while position < len(code):
        value = code[position]
        position += 1
        name = _NAMES.get(value, f"0x{value:02x}?")
        if _FIRST_PUSH <= value <= _LAST_PUSH:
            size = value - _FIRST_PUSH + 1
            name += " 0x" + code[position : position + size].hex()
            position += size
        words.append(name)
        if len(words) > _MOST_INSTRUCTIONS:
            return "; ".join(words) + f"; ... ({len(code)} bytes)"
    return "; ".join(words) or "(nothing)"
