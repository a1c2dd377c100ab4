"""4byteTracer: which functions a transaction calls, by selector and length of the arguments (geth, native/4byte.go)."""

from collections import Counter
from typing import Final

from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.tracing import CALL, CALLCODE, DELEGATECALL, STATICCALL, FrameStart

_CALLS: Final = frozenset({CALL, CALLCODE, DELEGATECALL, STATICCALL})
_SELECTOR_LENGTH: Final = 4


class FourByteRecorder:
    """The calls of one transaction, those of precompiled contracts left out."""

    def __init__(self, subject: TraceSubject) -> None:
        self._precompiles = subject.precompiles
        self._counts: Counter[str] = Counter()

    def hooks(self) -> Hooks:
        """Look at messages that begin."""
        return Hooks(enter=self._enter)

    def result(self, gas_used: int) -> dict[str, int]:  # noqa: ARG002 - the protocol's signature
        """Return how often each `selector-length` was called."""
        return dict(sorted(self._counts.items()))

    def _enter(self, frame: FrameStart) -> None:
        if len(frame.data) < _SELECTOR_LENGTH or frame.opcode not in _CALLS or frame.to in self._precompiles:
            return
        selector, arguments = frame.data[:_SELECTOR_LENGTH], len(frame.data) - _SELECTOR_LENGTH
        self._counts[f"{data(selector)}-{arguments}"] += 1
