"""The Python source of a segment: a straight run of EVM instructions as one function (see `py_evm_segments`).

The function charges for and checks a whole stretch before it does it. A stretch ends where a conditional jump may leave
the segment, and behind a read of the storage: a witness has what was read, so nothing that fails later may prevent it.
Words are local variables: `s3` is the third from the top when the segment began, `v7` the result of an instruction. The
real stack changes once, where the segment is left.
"""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

LONGEST_SEGMENT: Final = 96
"""Instructions at most, so that compiling a segment stays cheap beside the visits that lead to it."""

_LEAST_USEFUL: Final = 2
_STACK_LIMIT: Final = 1024
_MASK: Final = hex((1 << 256) - 1)
_SIGN: Final = hex(1 << 255)

_Operand: TypeAlias = int | str

_JUMP, _JUMPI, _PC, _JUMPDEST, _POP = 0x56, 0x57, 0x58, 0x5B, 0x50
_MLOAD, _MSTORE, _MSTORE8, _SLOAD, _PUSH0 = 0x51, 0x52, 0x53, 0x54, 0x5F
_JUMPDEST_GAS: Final = 1

EXPRESSIONS: Final[dict[int, tuple[int, int, str]]] = {
    0x01: (3, 2, f"({{0}} + {{1}}) & {_MASK}"),
    0x02: (5, 2, f"({{0}} * {{1}}) & {_MASK}"),
    0x03: (3, 2, f"({{0}} - {{1}}) & {_MASK}"),
    0x04: (5, 2, "{0} // {1} if {1} else 0"),
    0x05: (5, 2, "signed_divide({0}, {1})"),
    0x06: (5, 2, "{0} % {1} if {1} else 0"),
    0x07: (5, 2, "signed_modulo({0}, {1})"),
    0x08: (8, 3, "({0} + {1}) % {2} if {2} else 0"),
    0x09: (8, 3, "({0} * {1}) % {2} if {2} else 0"),
    0x0B: (5, 2, "sign_extend({0}, {1})"),
    0x10: (3, 2, "1 if {0} < {1} else 0"),
    0x11: (3, 2, "1 if {0} > {1} else 0"),
    0x12: (3, 2, f"1 if {{0}} ^ {_SIGN} < {{1}} ^ {_SIGN} else 0"),
    0x13: (3, 2, f"1 if {{0}} ^ {_SIGN} > {{1}} ^ {_SIGN} else 0"),
    0x14: (3, 2, "1 if {0} == {1} else 0"),
    0x15: (3, 1, "0 if {0} else 1"),
    0x16: (3, 2, "{0} & {1}"),
    0x17: (3, 2, "{0} | {1}"),
    0x18: (3, 2, "{0} ^ {1}"),
    0x19: (3, 1, f"{{0}} ^ {_MASK}"),
    0x1A: (3, 2, "{1} >> (8 * (31 - {0})) & 0xff if {0} < 32 else 0"),
    0x1B: (3, 2, f"({{1}} << {{0}}) & {_MASK} if {{0}} < 256 else 0"),
    0x1C: (3, 2, "{1} >> {0} if {0} < 256 else 0"),
    0x1D: (3, 2, "shift_arithmetically({0}, {1})"),
    0x20: (30, 2, "keccak(computation, {0}, {1})"),
    0x30: (2, 0, 'from_bytes(computation.msg.storage_address, "big")'),
    0x33: (2, 0, 'from_bytes(computation.msg.sender, "big")'),
    0x34: (2, 0, "computation.msg.value"),
    0x35: (3, 1, "call_data_word(computation, {0})"),
    0x36: (2, 0, "len(computation.msg.data)"),
    0x3D: (2, 0, "len(computation.return_data)"),
    0x54: (0, 1, "load_storage(computation, {0})"),
}
"""Gas, number of operands, and the expression over them ({0} is the top of the stack) by opcode."""


def segment_source(
    padded_code: bytes, position: int, destinations: frozenset[int], has_push_zero: bool = True
) -> str | None:
    """Return the source of the function `segment` that runs the code from `position` on; None where it is too short."""
    writer = _Writer(padded_code, destinations, _PUSH0 if has_push_zero else _PUSH0 + 1)
    count = writer.write(position)
    return None if count < _LEAST_USEFUL else "\n".join(writer.finished())


@dataclass(slots=True)
class _Stretch:
    """What is charged and checked before a run of instructions; `place` is where in the source that goes."""

    place: int
    gas: int = 0


@dataclass(slots=True)
class _Writer:
    padded_code: bytes
    destinations: frozenset[int]
    first_push: int
    lines: list[str] = field(default_factory=list)
    checks: dict[int, list[str]] = field(default_factory=dict)
    """The lines that are known only at the end of a stretch, by where they go."""
    entries: list[_Operand] = field(default_factory=list)
    """The part of the stack that the segment knows, the top last; below it lies what it has not looked at."""
    pulled: int = 0
    """How many words of the stack that the segment began on are among, or were taken from, the known part."""
    highest: int = 0
    checked: tuple[int, int] = (0, 0)
    loaded: set[str] = field(default_factory=set)
    variables: int = 0

    def write(self, position: int) -> int:
        """Write the instructions from `position` on; return how many there are."""
        stretch = _Stretch(0)
        count = 0
        while count < LONGEST_SEGMENT:
            opcode = self.padded_code[position]
            after = position + 1
            if opcode in EXPRESSIONS:
                gas, operands, expression = EXPRESSIONS[opcode]
                stretch.gas += gas
                self._assign(expression.format(*[self._pop() for _ in range(operands)]))
                if opcode == _SLOAD:
                    self._close(stretch)
                    stretch = _Stretch(len(self.lines))
            elif self.first_push <= opcode < 0x80:
                after += opcode - _PUSH0
                stretch.gas += 3 if opcode > _PUSH0 else 2
                self._push(int.from_bytes(self.padded_code[position + 1 : after], "big"))
            elif 0x80 <= opcode < 0xA0:
                stretch.gas += 3
                self._rearrange(opcode)
            elif opcode == _POP:
                stretch.gas += 2
                self._drop()
            elif opcode == _PC:
                stretch.gas += 2
                self._push(position)
            elif opcode == _JUMPDEST:
                stretch.gas += _JUMPDEST_GAS
            elif opcode in (_MLOAD, _MSTORE, _MSTORE8):
                stretch.gas += 3
                self._use_memory(opcode)
            elif opcode == _JUMP:
                stretch.gas += 8 + _JUMPDEST_GAS
                destination = self._pop()
                if destination not in self.destinations:
                    self._close(stretch)
                    self._leave(self._jump(destination), "    ")
                    return count + 1
                after = int(destination) + 1
            elif opcode == _JUMPI:
                stretch.gas += 10
                stretch = self._jump_if(stretch)
            else:
                break
            count += 1
            position = after
        self._close(stretch)
        self._leave(str(position), "    ")
        return count

    def finished(self) -> list[str]:
        """Return the lines of the whole function."""
        head = ["def segment(computation):", "    meter = computation._gas_meter", "    words = computation.words"]
        head.append("    height = len(words)")
        body: list[str] = []
        for place, line in enumerate([*self.lines, ""]):
            body += self.checks.get(place, [])
            body.append(line)
        return head + body

    # The stack as it is known.

    def _push(self, operand: _Operand) -> None:
        self.entries.append(operand)
        self.highest = max(self.highest, len(self.entries) - self.pulled)

    def _assign(self, expression: str) -> None:
        self.variables += 1
        self.lines.append(f"    v{self.variables} = {expression}")
        self._push(f"v{self.variables}")

    def _pull(self, count: int) -> None:
        """Make at least `count` words known."""
        while len(self.entries) < count:
            self.pulled += 1
            self.entries.insert(0, f"s{self.pulled}")

    def _pop(self) -> _Operand:
        self._pull(1)
        operand = self.entries.pop()
        self._load([operand], "    ", self.loaded)
        return operand

    def _drop(self) -> None:
        self._pull(1)
        self.entries.pop()

    def _rearrange(self, opcode: int) -> None:
        if opcode < 0x90:
            position = opcode - 0x7F
            self._pull(position)
            self._push(self.entries[-position])
        else:
            position = opcode - 0x8E
            self._pull(position)
            self.entries[-1], self.entries[-position] = self.entries[-position], self.entries[-1]

    def _load(self, operands: list[_Operand], indent: str, loaded: set[str]) -> None:
        """Read those words of the stack that the operands stand for and that have no variable yet."""
        for operand in operands:
            if isinstance(operand, str) and operand[0] == "s" and operand not in loaded:
                loaded.add(operand)
                self.lines.append(f"{indent}{operand} = words[-{operand[1:]}]")
                self.lines.append(f"{indent}if type({operand}) is bytes: {operand} = from_bytes({operand}, 'big')")

    # Memory and jumps.

    def _use_memory(self, opcode: int) -> None:
        offset = self._pop()
        size = 1 if opcode == _MSTORE8 else 32
        present = "len(computation._memory._bytes)"
        grow = f"    if {offset} + {size} > {present}: computation.extend_memory({offset}, {size})"
        if opcode == _MLOAD:
            self.lines.append(grow)
            self._assign(f"from_bytes(computation._memory._bytes[{offset}:{offset} + 32], 'big')")
            return
        value = self._pop()
        self.lines.append(grow)
        if opcode == _MSTORE:
            value_bytes = f"({value}).to_bytes(32, 'big')"
            self.lines.append(f"    computation._memory._bytes[{offset}:{offset} + 32] = {value_bytes}")
        else:
            self.lines.append(f"    computation._memory._bytes[{offset}] = {value} & 0xff")

    def _jump(self, destination: _Operand) -> str:
        if isinstance(destination, int):
            return str(destination + 1) if destination in self.destinations else "invalid_jump()"
        return f"jump_to(computation, {destination})"

    def _jump_if(self, stretch: _Stretch) -> _Stretch:
        """Leave the segment where the condition holds; return the stretch that goes on where it does not."""
        destination, condition = self._pop(), self._pop()
        self._close(stretch)
        self.lines.append(f"    if {condition}:")
        self.lines.append(f"        left = meter.gas_remaining - {_JUMPDEST_GAS}")
        self.lines.append("        if left < 0: out_of_gas(left)")
        self.lines.append("        meter.gas_remaining = left")
        self._leave(self._jump(destination), "        ")
        return _Stretch(len(self.lines))

    def _close(self, stretch: _Stretch) -> None:
        """Write the charge and the checks that come before a stretch."""
        checks = []
        if stretch.gas:
            checks.append(f"    left = meter.gas_remaining - {stretch.gas}")
            checks.append("    if left < 0: out_of_gas(left)")
            checks.append("    meter.gas_remaining = left")
        needed, growth = self.pulled, self.highest
        if (needed, growth) != self.checked:
            limit = _STACK_LIMIT - growth
            condition = f"height < {needed} or height > {limit}" if needed else f"height > {limit}"
            checks.append(f"    if {condition}: stack_fault(height, {needed})")
            self.checked = needed, growth
        self.checks[stretch.place] = checks

    def _leave(self, next_position: str, indent: str) -> None:
        """Bring the real stack up to date, and go on elsewhere."""
        before: list[_Operand] = [f"s{depth}" for depth in range(self.pulled, 0, -1)]
        shared = 0
        while shared < min(len(before), len(self.entries)) and before[shared] == self.entries[shared]:
            shared += 1
        removed, added = len(before) - shared, self.entries[shared:]
        self._load(added, indent, set(self.loaded))
        if removed:
            self.lines.append(f"{indent}del words[-{removed}:]")
        if len(added) == 1:
            self.lines.append(f"{indent}words.append({added[0]})")
        elif added:
            self.lines.append(f"{indent}words += ({', '.join(map(str, added))})")
        self.lines.append(f"{indent}computation.code.program_counter = {next_position}")
        self.lines.append(f"{indent}return")
