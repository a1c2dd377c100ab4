"""flatCallTracer: the messages of a transaction in a row, as Parity gave them (geth, native/call_flat.go)."""

from typing import Any, Final

from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.tracers.frames import Frame, FrameTree
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.tracing import CALL, FRAME_NAMES, SELFDESTRUCT, STATICCALL

_REVERTED: Final = "execution reverted"

_PARITY_ERRORS: Final = {
    "contract creation code storage out of gas": "Out of gas",
    "out of gas": "Out of gas",
    "gas uint64 overflow": "Out of gas",
    "max code size exceeded": "Out of gas",
    "invalid jump destination": "Bad jump destination",
    _REVERTED: "Reverted",
    "return data out of bounds": "Out of bounds",
    "stack limit reached 1024 (1023)": "Out of stack",
    "precompiled contract failed": "Built-in failed",
}
_PARITY_ERRORS_BY_BEGIN: Final = {
    "out of gas:": "Out of gas",
    "invalid opcode:": "Bad instruction",
    "stack underflow": "Stack underflow",
}


class FlatCallRecorder:
    """The messages of one transaction, without calls of precompiled contracts unless they are wanted."""

    def __init__(self, subject: TraceSubject, convert_parity_errors: bool, include_precompiles: bool) -> None:
        self._subject = subject
        self._converts_errors = convert_parity_errors
        self._hidden = frozenset() if include_precompiles else subject.precompiles
        self._tree = FrameTree(subject)

    def hooks(self) -> Hooks:
        """Look at messages."""
        return self._tree.hooks()

    def result(self, gas_used: int) -> list[dict[str, Any]]:
        """Return the messages in the order in which they began."""
        top = self._tree.top
        if top is None:
            raise RpcError(SERVER_ERROR, "invalid number of calls")
        entries: list[dict[str, Any]] = []
        self._flatten(top, [], self._subject.gas_limit, gas_used, entries)
        return entries

    def _flatten(
        self, frame: Frame, address: list[int], gas: int, gas_used: int, entries: list[dict[str, Any]]
    ) -> None:
        calls = [call for call in frame.calls if not self._is_hidden(call)]
        entries.append(self._entry(frame, address, gas, gas_used, len(calls)))
        for position, call in enumerate(calls):
            used = 0 if call.end is None else call.end.gas_used
            self._flatten(call, [*address, position], call.start.gas, used, entries)

    def _is_hidden(self, frame: Frame) -> bool:
        return frame.start.opcode in (CALL, STATICCALL) and frame.start.to in self._hidden

    def _entry(self, frame: Frame, address: list[int], gas: int, gas_used: int, subtraces: int) -> dict[str, Any]:
        subject, error = self._subject, frame.error
        fields: dict[str, Any] = {
            "action": _action(frame, gas),
            "blockHash": None if subject.block_hash is None else data(subject.block_hash),
            "blockNumber": subject.block_number or 0,
        }
        if error is not None:
            fields["error"] = _parity_error(error) if self._converts_errors else error
        if frame.start.opcode != SELFDESTRUCT and error in (None, _REVERTED):
            fields["result"] = _result(frame, gas_used)
        fields["subtraces"] = subtraces
        fields["traceAddress"] = address
        fields["transactionHash"] = None if subject.transaction_hash is None else data(subject.transaction_hash)
        fields["transactionPosition"] = subject.index or 0
        fields["type"] = "suicide" if frame.start.opcode == SELFDESTRUCT else "create" if frame.is_creation else "call"
        return fields


def _action(frame: Frame, gas: int) -> dict[str, Any]:
    start = frame.start
    value = quantity(start.value or 0)
    if start.opcode == SELFDESTRUCT:
        return {"address": data(start.sender), "balance": value, "refundAddress": data(start.to)}
    kind = FRAME_NAMES[start.opcode].lower()
    fields: dict[str, Any] = {"from": data(start.sender), "gas": quantity(gas), "value": value}
    if frame.is_creation:
        return {"creationMethod": kind, **fields, "init": data(start.data)}
    return {"callType": kind, **fields, "input": data(start.data), "to": data(start.to)}


def _result(frame: Frame, gas_used: int) -> dict[str, Any]:
    output = b"" if frame.end is None else frame.end.output
    if not frame.is_creation:
        return {"gasUsed": quantity(gas_used), "output": data(output)}
    fields = {"code": data(output), "gasUsed": quantity(gas_used)}
    return fields if frame.error is not None else {"address": data(frame.start.to), **fields}


def _parity_error(error: str) -> str:
    exact = _PARITY_ERRORS.get(error)
    if exact is not None:
        return exact
    return next((text for begin, text in _PARITY_ERRORS_BY_BEGIN.items() if error.startswith(begin)), error)
