"""What a tracer of the namespace debug is: hooks into an execution, and the answer that it makes of what it saw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transactions import Authorization
from phal2.node.rpc.errors import RESPONSE_TOO_LARGE, RpcError
from phal2.node.state.rules import BlockRules
from phal2.node.state.tracing import FrameEnd, FrameStart, Step
from phal2.node.state.world_state import WorldState

MAXIMUM_TRACE_BYTES: Final = 64 << 20
"""The most that the traces of one request may grow to, about as many bytes of JSON."""


class TraceTooLarge(RpcError):
    """A trace that would grow beyond what an answer may have."""

    def __init__(self) -> None:
        super().__init__(
            RESPONSE_TOO_LARGE,
            f"trace too large: more than {MAXIMUM_TRACE_BYTES} bytes; trace transactions one by one, use the options "
            "limit, disableStack or disableStorage of struct logs, onlyTopCall of callTracer, or a tracer that tells "
            "less",
        )


class TraceSize:
    """Counts what the traces of a request have grown to."""

    def __init__(self) -> None:
        self._size = 0

    def add(self, size: int) -> None:
        """Count so many bytes more; raise `TraceTooLarge` where they are too many."""
        self._size += size
        if self._size > MAXIMUM_TRACE_BYTES:
            raise TraceTooLarge


@dataclass(frozen=True, slots=True)
class TraceSubject:
    """The transaction or call that is about to run, and the state that it finds.

    `logs_before` is how many logs the block has before it; `size` counts what all traces of the request grow to. The
    last four are None for a call.
    """

    world: WorldState
    rules: BlockRules
    precompiles: frozenset[bytes]
    coinbase: bytes
    sender: bytes
    to: bytes | None
    gas_limit: int
    authorization_list: tuple[Authorization, ...] = ()
    logs_before: int = 0
    size: TraceSize = field(default_factory=TraceSize)
    block_hash: bytes | None = None
    block_number: int | None = None
    transaction_hash: bytes | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a recorder wants to be told of, as `Tracer` has it; None for what it does not care for."""

    enter: Callable[[FrameStart], None] | None = None
    exit: Callable[[FrameEnd], None] | None = None
    step: Callable[[Step], None] | None = None
    log: Callable[[Log], None] | None = None


class Recorder(Protocol):
    """It is made before the transaction runs, and asked for its answer afterwards."""

    def hooks(self) -> Hooks:
        """Return what it wants to be told of."""
        ...

    def result(self, gas_used: int) -> Any:
        """Return what orjson can write, after a transaction that was charged so much gas."""
        ...


class HookedTracer:
    """A `Tracer` that passes on to hooks; `checkpoint` ends the execution by raising."""

    def __init__(self, hooks: Iterable[Hooks], checkpoint: Callable[[], None]) -> None:
        listed = tuple(hooks)
        self._enter = tuple(each.enter for each in listed if each.enter is not None)
        self._exit = tuple(each.exit for each in listed if each.exit is not None)
        self._step = tuple(each.step for each in listed if each.step is not None)
        self._log = tuple(each.log for each in listed if each.log is not None)
        self._checkpoint = checkpoint

    @property
    def wants_steps(self) -> bool:
        """Whether any of the hooks looks at instructions."""
        return bool(self._step)

    def enter(self, frame: FrameStart) -> None:
        """Pass a message's begin on."""
        for hook in self._enter:
            hook(frame)

    def exit(self, end: FrameEnd) -> None:
        """Pass a message's end on."""
        for hook in self._exit:
            hook(end)

    def step(self, step: Step) -> None:
        """Pass an instruction on."""
        for hook in self._step:
            hook(step)

    def log(self, log: Log) -> None:
        """Pass a log on."""
        for hook in self._log:
            hook(log)

    def checkpoint(self) -> None:
        """Raise where the execution must end."""
        self._checkpoint()
