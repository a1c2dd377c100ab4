"""Struct logs, the default trace: one entry for each instruction, as geth writes them (eth/tracers/logger)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.tracing import FrameEnd, FrameStart, Step
from phal2.node.state.tracing_instructions import instructions

_SLOAD: Final = 0x54
_SSTORE: Final = 0x55


@dataclass(frozen=True, slots=True)
class StructLogOptions:
    """What entries have. No further entry is added once they have more bytes of JSON than `limit`; 0 means no limit."""

    has_stack: bool = True
    has_memory: bool = False
    has_storage: bool = True
    has_return_data: bool = False
    limit: int = 0


class StructLogRecorder:
    """The struct logs of one transaction, each serialised at once, as there can be very many."""

    def __init__(self, options: StructLogOptions, subject: TraceSubject) -> None:
        self._options = options
        self._world = subject.world
        self._names = tuple(instruction.name for instruction in instructions(subject.rules.revision))
        # One object rather than one for each entry, which would take several times the memory.
        self._entries = bytearray()
        self._written = 0
        self._size = subject.size
        self._depth = 0
        self._end: FrameEnd | None = None
        self._storage: dict[bytes, dict[int, int]] = {}

    def hooks(self) -> Hooks:
        """Look at every instruction."""
        return Hooks(enter=self._enter, exit=self._exit, step=self._step)

    def result(self, gas_used: int) -> dict[str, Any]:
        """Return {gas, failed, returnValue, structLogs}."""
        end = self._end
        failed = end is None or end.error is not None
        output = b"" if end is None or (failed and not end.reverted) else end.output
        entries = orjson.Fragment(b"[" + self._entries + b"]")
        return {"gas": gas_used, "failed": failed, "returnValue": data(output), "structLogs": entries}

    def _enter(self, frame: FrameStart) -> None:
        self._depth = frame.depth

    def _exit(self, end: FrameEnd) -> None:
        if self._depth == 0:
            self._end = end
        self._depth -= 1

    def _step(self, step: Step) -> None:
        options = self._options
        if options.limit and self._written > options.limit:
            return
        entry: dict[str, Any] = {
            "pc": step.program_counter,
            "op": self._names[step.opcode],
            "gas": step.gas,
            "gasCost": step.gas_cost,
            "depth": step.depth,
        }
        if step.error is not None:
            entry["error"] = step.error
        if options.has_stack:
            entry["stack"] = [hex(word) for word in step.stack]
        if options.has_return_data and step.return_data:
            entry["returnData"] = data(step.return_data)
        if options.has_memory and step.memory:
            entry["memory"] = _memory_words(step.memory)
        if options.has_storage and step.opcode in (_SLOAD, _SSTORE):
            storage = self._storage_after(step)
            if storage:
                entry["storage"] = {_word(slot): _word(storage[slot]) for slot in sorted(storage)}
        if step.refund:
            entry["refund"] = step.refund
        serialised = orjson.dumps(entry)
        self._written += len(serialised)
        self._size.add(len(serialised))
        if self._entries:
            self._entries += b","
        self._entries += serialised

    def _storage_after(self, step: Step) -> Mapping[int, int] | None:
        """Return all words that the contract has read or written so far, the one at hand included."""
        stack = step.stack
        if len(stack) < (1 if step.opcode == _SLOAD else 2):
            return None
        words = self._storage.setdefault(step.address, {})
        slot = stack[-1]
        words[slot] = self._world.storage(step.address, slot) if step.opcode == _SLOAD else stack[-2]
        return words


def _memory_words(memory: bytes | bytearray) -> list[str]:
    return [data(bytes(memory[start : start + 32]).ljust(32, b"\0")) for start in range(0, len(memory), 32)]


def _word(value: int) -> str:
    return f"0x{value:064x}"
