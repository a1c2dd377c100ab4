"""What an engine tells of the messages and instructions that it runs, to whoever watches.

A block or a call is executed with a `Tracer` or without; without one nothing of this is touched. Everything here is
plain data, so that every engine can serve it: an engine calls `enter` and `exit` around each message (the
transaction's own too, a SELFDESTRUCT's transfer, and a call that fails before it begins), `step` before each
instruction, `log` for each log as it is written, and `checkpoint` every few instructions.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from phal2.node.protocol.receipts import Log

CREATE: Final = 0xF0
CALL: Final = 0xF1
CALLCODE: Final = 0xF2
DELEGATECALL: Final = 0xF4
CREATE2: Final = 0xF5
STATICCALL: Final = 0xFA
SELFDESTRUCT: Final = 0xFF

FRAME_NAMES: Final = {
    CREATE: "CREATE",
    CALL: "CALL",
    CALLCODE: "CALLCODE",
    DELEGATECALL: "DELEGATECALL",
    CREATE2: "CREATE2",
    STATICCALL: "STATICCALL",
    SELFDESTRUCT: "SELFDESTRUCT",
}
"""The kinds of frames, by the opcode that opens them; a transaction's own message is a CALL or a CREATE."""


@dataclass(frozen=True, slots=True)
class FrameStart:
    """A message that begins. `depth` is 0 for the transaction's own, `opcode` one of `FRAME_NAMES`.

    `to` is the address whose code runs (of a creation, the new contract's; of a SELFDESTRUCT, the beneficiary),
    `data` the call data or init code, `gas` what the message may use, `value` in wei and None for a STATICCALL. Of a
    DELEGATECALL, `sender` is the contract that calls and `value` the one that it was called with itself.
    """

    depth: int
    opcode: int
    sender: bytes
    to: bytes
    data: bytes
    gas: int
    value: int | None


@dataclass(frozen=True, slots=True)
class FrameEnd:
    """How the message that began last and has not ended yet ends.

    `error` is None where it succeeded, else says why not, in geth's words; `reverted` tells a REVERT from the others.
    """

    output: bytes
    gas_used: int
    error: str | None
    reverted: bool


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction that is about to run. `depth` is 1 in the transaction's own message.

    `gas` is left before it; `gas_cost` is what it takes, the gas that a call hands on included. `refund` is the
    refund counter of the transaction. `error` says why the instruction cannot run, where its stack or its gas do not
    allow it. `address` is the account whose storage the code works on. `stack` has its top last. `memory` is the
    engine's own and changes with the next instruction: copy what is kept.
    """

    program_counter: int
    opcode: int
    gas: int
    gas_cost: int
    depth: int
    refund: int
    error: str | None
    address: bytes
    stack: list[int]
    memory: bytes | bytearray
    return_data: bytes


class Tracer(Protocol):
    """One transaction or call is watched by one tracer."""

    @property
    def wants_steps(self) -> bool:
        """Whether `step` is to be called, which costs most of the time."""
        ...

    def enter(self, frame: FrameStart) -> None:
        """A message begins."""
        ...

    def exit(self, end: FrameEnd) -> None:
        """The message that began last ends."""
        ...

    def step(self, step: Step) -> None:
        """An instruction is about to run."""
        ...

    def log(self, log: Log) -> None:
        """The message that runs has written a log; it is taken back should the message fail."""
        ...

    def checkpoint(self) -> None:
        """Called every few instructions. What it raises ends the execution, whose changes are then to be dropped."""
        ...
