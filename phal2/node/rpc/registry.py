"""The methods that a server offers: name, function, and how parameters become arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_type_hints

from phal2.node.rpc.errors import INVALID_PARAMS, InvalidArgument, RpcError
from phal2.node.rpc.parameter_types import ParameterType, Schema

_REQUIRED: Final = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method; `default` stands in where it is left out or null, unless it is required."""

    name: str
    type: ParameterType
    is_required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Method:
    """A method by its name. `in_worker` runs it on a worker thread.

    `result` is the JSON schema of what it returns, where one is given.

    `concurrent` says that calls of one batch may be made beside one another.
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    in_worker: bool
    result: Schema | None = None
    concurrent: bool = False

    def arguments(self, params: Any) -> list[Any]:
        """Read the parameters of a request (None where it has none); raise `RpcError` with code -32602."""
        if params is None:
            params = []
        if not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args")
        return parse_arguments(self.parameters, params)


class MethodRegistry:
    """Methods by name, and subscriptions by name for connections that can push."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}
        self._subscriptions: dict[str, Method] = {}
        self._prepared: dict[str, Callable[[Sequence[Any]], None]] = {}

    def add(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        in_worker: bool = False,
        prepare: Callable[[Sequence[Any]], None] | None = None,
        result: Schema | None = None,
        concurrent: bool = False,
    ) -> None:
        """Offer `function` as the method `name`; a later function under the same name replaces the earlier.

        Each parameter is annotated with a type of `parameter_types` (or one like them), and is optional where it has a
        default. The function returns what orjson can write, or a coroutine of that; with `in_worker` it runs on a
        worker thread. `RpcError` and every other `Phal2Error` it raises go to the client. `prepare(calls)` runs on a
        worker thread before a batch with several calls of the method is answered; it gets each call's parameters as
        they came, and raises nothing. `result` is the JSON schema of what the function returns. `concurrent` is for
        methods that only read and take long: calls that follow one another in a batch are made beside one another.
        """
        if in_worker and inspect.iscoroutinefunction(function):
            raise TypeError(f"{name} is a coroutine function and cannot run on a worker thread")
        parameters = _parameters(name, function)
        self._methods[name] = Method(name, function, parameters, in_worker, result, concurrent)
        self._prepared.pop(name, None)
        if prepare is not None:
            self._prepared[name] = prepare

    def add_subscription(self, name: str, function: Callable[..., Callable[[], None]]) -> None:
        """Offer `function(push, *parameters) -> end` as the subscription `name` of `eth_subscribe`."""
        parameters = _parameters(name, function)[1:]
        self._subscriptions[name] = Method(name, function, parameters, in_worker=False)

    def find(self, name: str) -> Method | None:
        """Return the method `name`."""
        return self._methods.get(name)

    async def call(self, name: str, *arguments: Any) -> Any:
        """Call a method as it is registered now, with arguments that are parsed already; await what it gives."""
        found = self.find(name)
        if found is None:
            raise LookupError(f"{name} is not registered")
        return await found.function(*arguments)

    def prepared(self) -> Mapping[str, Callable[[Sequence[Any]], None]]:
        """Return what gets the parameters of all of a method's calls of a batch before the first, by method."""
        return self._prepared

    def find_subscription(self, name: str) -> Method | None:
        """Return the subscription `name`."""
        return self._subscriptions.get(name)

    def methods(self) -> tuple[Method, ...]:
        """Return all methods by name."""
        return tuple(self._methods[name] for name in sorted(self._methods))

    def subscriptions(self) -> tuple[Method, ...]:
        """Return all subscriptions by name."""
        return tuple(self._subscriptions[name] for name in sorted(self._subscriptions))

    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces of all methods."""
        return tuple(sorted({name.partition("_")[0] for name in self._methods if "_" in name}))


def parse_arguments(parameters: Sequence[Parameter], params: Sequence[Any]) -> list[Any]:
    """Read positional parameters, with the messages that geth gives."""
    if len(params) > len(parameters):
        raise RpcError(INVALID_PARAMS, f"too many arguments, want at most {len(parameters)}")
    arguments = []
    for position, parameter in enumerate(parameters):
        value = params[position] if position < len(params) else None
        if value is None:
            if parameter.is_required:
                raise RpcError(INVALID_PARAMS, f"missing value for required argument {position}")
            arguments.append(parameter.default)
            continue
        try:
            arguments.append(parameter.type.parse(value))
        except InvalidArgument as error:
            raise RpcError(INVALID_PARAMS, f"invalid argument {position}: {error}") from None
    return arguments


def _parameters(name: str, function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = get_type_hints(function, include_extras=True)
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        parameter_type = _parameter_type(hints.get(parameter.name))
        if parameter_type is None and parameter.name != "push":
            raise TypeError(f"parameter {parameter.name} of {name} is not annotated with a parameter type")
        is_required = parameter.default is _REQUIRED
        default = None if is_required else parameter.default
        parameters.append(Parameter(parameter.name, parameter_type or ParameterType(_never), is_required, default))
    return tuple(parameters)


def _parameter_type(hint: Any) -> ParameterType | None:
    # An optional parameter is annotated `Type | None`, so the type may be within a union.
    for candidate in (hint, *get_args(hint)):
        for metadata in getattr(candidate, "__metadata__", ()):
            if isinstance(metadata, ParameterType):
                return metadata
    return None


def _never(value: Any) -> Any:
    raise InvalidArgument(f"no value is taken here, got {value!r}")
