"""callTracer: the messages of a transaction as a tree (geth, eth/tracers/native/call.go)."""

from typing import Any

import orjson

from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.revert_reason import revert_reason
from phal2.node.rpc.tracers.frames import Frame, FrameLog, FrameTree
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.tracing import FRAME_NAMES


class CallRecorder:
    """The tree of one transaction; with logs where `with_log`, without what is below the top where `only_top_call`."""

    def __init__(self, subject: TraceSubject, only_top_call: bool, with_log: bool) -> None:
        self._gas_limit = subject.gas_limit
        self._tree = FrameTree(subject, with_log, nested=not only_top_call)

    def hooks(self) -> Hooks:
        """Look at messages and logs."""
        return self._tree.hooks()

    def result(self, gas_used: int) -> orjson.Fragment:
        """Return the transaction's message with those below it. Its gas is the transaction's, all charges included."""
        top = self._tree.top
        if top is None:
            raise RpcError(SERVER_ERROR, "incorrect number of top-level calls")
        return orjson.Fragment(_serialise(top, self._gas_limit, gas_used, is_reverted=False))


def _serialise(frame: Frame, gas: int, gas_used: int, is_reverted: bool) -> bytes:
    """Serialise from the innermost message on: orjson nests no deeper than 254, messages do."""
    start = frame.start
    is_reverted = is_reverted or frame.error is not None
    fields: dict[str, Any] = {"from": data(start.sender), "gas": quantity(gas), "gasUsed": quantity(gas_used)}
    if not (frame.is_creation and frame.error is not None):
        fields["to"] = data(start.to)
    fields["input"] = data(start.data)
    fields.update(_end_fields(frame))
    if frame.calls:
        calls = [
            _serialise(call, call.start.gas, 0 if call.end is None else call.end.gas_used, is_reverted)
            for call in frame.calls
        ]
        fields["calls"] = orjson.Fragment(b"[" + b",".join(calls) + b"]")
    if frame.logs and not is_reverted:
        fields["logs"] = [_log(log) for log in frame.logs]
    if start.value is not None:
        fields["value"] = quantity(start.value)
    fields["type"] = FRAME_NAMES[start.opcode]
    return orjson.dumps(fields)


def _end_fields(frame: Frame) -> dict[str, Any]:
    end = frame.end
    if end is None:
        return {}
    fields: dict[str, Any] = {}
    if end.output and (end.error is None or end.reverted):
        fields["output"] = data(end.output)
    if end.error is not None:
        fields["error"] = end.error
        reason = revert_reason(end.output) if end.reverted else None
        if reason:
            fields["revertReason"] = reason
    return fields


def _log(found: FrameLog) -> dict[str, Any]:
    return {
        "address": data(found.log.address),
        "topics": [data(topic) for topic in found.log.topics],
        "data": data(found.log.data),
        "index": quantity(found.index),
        "position": quantity(found.position),
    }
