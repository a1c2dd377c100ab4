"""The messages of a transaction as a tree, from which several tracers and the namespace ots make their answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from phal2.node.protocol.receipts import Log
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.tracing import CREATE, CREATE2, FrameEnd, FrameStart

_FRAME_BYTES = 400


@dataclass(frozen=True, slots=True)
class FrameLog:
    """A log, its index in the block, and how many messages its contract had sent before it."""

    log: Log
    index: int
    position: int


@dataclass(slots=True)
class Frame:
    """A message with those that it sent. `end` is None while it runs."""

    start: FrameStart
    end: FrameEnd | None = None
    calls: list["Frame"] = field(default_factory=list)
    logs: list[FrameLog] = field(default_factory=list)

    @property
    def error(self) -> str | None:
        """Why it failed, None where it succeeded."""
        return None if self.end is None else self.end.error

    @property
    def is_creation(self) -> bool:
        """Whether it creates a contract."""
        return self.start.opcode in (CREATE, CREATE2)

    def walk(self) -> Iterator["Frame"]:
        """Yield this message and all below it, in the order in which they began."""
        yield self
        for call in self.calls:
            yield from call.walk()


class FrameTree:
    """Builds the tree of one transaction; with its logs where `with_log`, with what is below the top where `nested`."""

    def __init__(self, subject: TraceSubject, with_log: bool = False, nested: bool = True) -> None:
        self.top: Frame | None = None
        self._open: list[Frame] = []
        self._depth = -1
        self._subject = subject
        self._with_log = with_log
        self._nested = nested
        self._size = subject.size

    def hooks(self) -> Hooks:
        """Look at messages, and at logs where they are wanted."""
        return Hooks(enter=self.enter, exit=self.exit, log=self._log if self._with_log else None)

    def enter(self, frame: FrameStart) -> None:
        """A message begins."""
        self._depth = frame.depth
        if frame.depth and not self._nested:
            return
        self._size.add(_FRAME_BYTES + 2 * len(frame.data))
        opened = Frame(frame)
        if self._open:
            self._open[-1].calls.append(opened)
        else:
            self.top = opened
        self._open.append(opened)

    def exit(self, end: FrameEnd) -> None:
        """The message that began last ends."""
        depth = self._depth
        self._depth -= 1
        if depth and not self._nested:
            return
        self._size.add(2 * len(end.output))
        self._open.pop().end = end

    def _log(self, log: Log) -> None:
        if self._depth and not self._nested:
            return
        self._size.add(_FRAME_BYTES + 2 * len(log.data))
        frame = self._open[-1]
        index = self._subject.logs_before + len(self._subject.world.logs()) - 1
        frame.logs.append(FrameLog(log, index, len(frame.calls)))
