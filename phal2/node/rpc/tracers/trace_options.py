"""The options of traces (geth's TraceConfig and TraceCallConfig), and the recorders that they ask for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_boolean
from phal2.node.rpc.tracers.call_tracer import CallRecorder
from phal2.node.rpc.tracers.flat_call_tracer import FlatCallRecorder
from phal2.node.rpc.tracers.four_byte_tracer import FourByteRecorder
from phal2.node.rpc.tracers.mux_tracer import MuxRecorder, NoopRecorder
from phal2.node.rpc.tracers.prestate_tracer import PrestateOptions, PrestateRecorder
from phal2.node.rpc.tracers.recorder import Recorder, TraceSubject
from phal2.node.rpc.tracers.struct_logs import StructLogOptions, StructLogRecorder

DEFAULT_SECONDS: Final = 5.0
"""What the trace of one transaction may take unless the options say otherwise, as in geth."""

MAXIMUM_SECONDS: Final = 120.0
"""What it may take whatever they say."""

_MAXIMUM_LIMIT: Final = 1 << 40
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}

RecorderFactory = Callable[[TraceSubject], Recorder]


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """How to trace: what makes the recorder of a transaction, and how long each may take, in seconds."""

    recorder: RecorderFactory = field(default=lambda subject: StructLogRecorder(StructLogOptions(), subject))
    seconds: float = DEFAULT_SECONDS


DEFAULT_OPTIONS: Final = TraceOptions()


def parse_trace_options(value: Any) -> TraceOptions:
    """Read {tracer, tracerConfig, timeout} and the options of struct logs; raise `InvalidArgument` or `RpcError`."""
    content = _object(value, "options")
    tracer, timeout = content.get("tracer"), content.get("timeout")
    seconds = DEFAULT_SECONDS if timeout is None else min(parse_duration(timeout), MAXIMUM_SECONDS)
    if tracer is None or tracer == "":
        return TraceOptions(_struct_logs(content), seconds)
    return TraceOptions(_named(tracer, content.get("tracerConfig")), seconds)


TraceConfiguration = Annotated[
    TraceOptions, ParameterType(parse_trace_options, {"title": "trace options", "type": "object"})
]


def parse_duration(value: Any) -> float:
    """Read a duration as Go writes it, such as "5s", "1m30s" or "500ms"; return seconds."""
    if not isinstance(value, str):
        raise InvalidArgument(f'expected a duration such as "5s", got {type_name(value)}')
    parts = _DURATION_PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value or len(value) > 60:
        raise InvalidArgument(f'invalid duration "{value[:60]}"; expected one such as "5s", "1m30s" or "500ms"')
    return float(sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts))


def _named(name: Any, configuration: Any) -> RecorderFactory:
    if not isinstance(name, str):
        raise InvalidArgument(f"tracer: expected a name, got {type_name(name)}")
    make = _TRACERS.get(name)
    if make is None:
        known = ", ".join(_TRACERS)
        message = f"tracer {name[:60]!r} not found: tracers in JavaScript are not supported; known are {known}"
        raise RpcError(SERVER_ERROR, message)
    return make({} if configuration is None else _object(configuration, "tracerConfig"))


def _struct_logs(content: Mapping[str, Any]) -> RecorderFactory:
    limit = content.get("limit") or 0
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= _MAXIMUM_LIMIT:
        raise InvalidArgument(f"limit: expected an integer from 0 to {_MAXIMUM_LIMIT}")
    options = StructLogOptions(
        has_stack=not _flag(content, "disableStack"),
        has_memory=_flag(content, "enableMemory"),
        has_storage=not _flag(content, "disableStorage"),
        has_return_data=_flag(content, "enableReturnData"),
        limit=limit,
    )
    return lambda subject: StructLogRecorder(options, subject)


def _call(content: Mapping[str, Any]) -> RecorderFactory:
    only_top_call, with_log = _flag(content, "onlyTopCall"), _flag(content, "withLog")
    return lambda subject: CallRecorder(subject, only_top_call, with_log)


def _flat_call(content: Mapping[str, Any]) -> RecorderFactory:
    converts, includes = _flag(content, "convertParityErrors"), _flag(content, "includePrecompiles")
    return lambda subject: FlatCallRecorder(subject, converts, includes)


def _prestate(content: Mapping[str, Any]) -> RecorderFactory:
    options = PrestateOptions(
        diff_mode=_flag(content, "diffMode"),
        has_code=not _flag(content, "disableCode"),
        has_storage=not _flag(content, "disableStorage"),
        include_empty=_flag(content, "includeEmpty"),
    )
    if options.diff_mode and options.include_empty:
        raise RpcError(SERVER_ERROR, "cannot use diffMode with includeEmpty")
    return lambda subject: PrestateRecorder(options, subject)


def _four_byte(content: Mapping[str, Any]) -> RecorderFactory:  # noqa: ARG001 - it has no options
    return FourByteRecorder


def _noop(content: Mapping[str, Any]) -> RecorderFactory:  # noqa: ARG001 - it has no options
    return lambda subject: NoopRecorder()  # noqa: ARG005 - it looks at nothing


def _mux(content: Mapping[str, Any]) -> RecorderFactory:
    if "muxTracer" in content:
        raise RpcError(SERVER_ERROR, "muxTracer cannot hold another muxTracer")
    factories = {name: _named(name, configuration) for name, configuration in content.items()}
    return lambda subject: MuxRecorder({name: make(subject) for name, make in factories.items()})


_TRACERS: Final[Mapping[str, Callable[[Mapping[str, Any]], RecorderFactory]]] = {
    "callTracer": _call,
    "prestateTracer": _prestate,
    "4byteTracer": _four_byte,
    "flatCallTracer": _flat_call,
    "muxTracer": _mux,
    "noopTracer": _noop,
}


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidArgument(f"{what}: expected an object, got {type_name(value)}")
    return value


def _flag(content: Mapping[str, Any], name: str) -> bool:
    value = content.get(name)
    try:
        return value is not None and parse_boolean(value)
    except InvalidArgument as error:
        raise InvalidArgument(f"{name}: {error}") from None
