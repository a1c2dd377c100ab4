"""JSON-RPC 2.0: from the bytes of a request to the bytes of the answer, alone or in batches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from phal2.node.protocol.errors import Phal2Error
from phal2.node.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RESPONSE_TOO_LARGE,
    SERVER_ERROR,
    RpcError,
)
from phal2.node.rpc.registry import Method, MethodRegistry
from phal2.node.rpc.workers import Workers

log = logging.getLogger("phal2.rpc")

_SUBSCRIBE: Final = "eth_subscribe"
_UNSUBSCRIBE: Final = "eth_unsubscribe"
_ENTRIES_BETWEEN_PAUSES: Final = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request and its answer may take. Sizes are in bytes."""

    body_size: int = 5 << 20
    batch_length: int = 1_000
    response_size: int = 128 << 20
    batch_response_size: int = 25 << 20


class Subscriber(Protocol):
    """A connection to which the server can push."""

    def subscribe(self, params: Any) -> Any:
        """Begin the subscription that the parameters name and return its id."""
        ...

    def unsubscribe(self, params: Any) -> Any:
        """End the subscription that the parameters name; tell whether there was one."""
        ...


class Dispatcher:
    """Answers requests with the methods of a registry."""

    def __init__(self, registry: MethodRegistry, workers: Workers, limits: Limits) -> None:
        self._registry = registry
        self._workers = workers
        self._limits = limits

    async def answer(self, body: bytes | str, subscriber: Subscriber | None = None) -> bytes | None:
        """Return the answer to a request or batch; None where none is due, because it holds notifications alone."""
        try:
            request = orjson.loads(body)
        except ValueError:  # orjson.JSONDecodeError, and lone surrogates
            return error_answer(None, RpcError(PARSE_ERROR, "parse error"))
        if isinstance(request, list):
            return await self._answer_batch(request, subscriber)
        answer = await self._answer_one(request, subscriber)
        if answer is not None and len(answer) > self._limits.response_size:
            return error_answer(_id_of(request), _too_large(self._limits.response_size))
        return answer

    async def _answer_batch(self, requests: list[Any], subscriber: Subscriber | None) -> bytes | None:
        if not requests:
            return error_answer(None, RpcError(INVALID_REQUEST, "empty batch"))
        if len(requests) > self._limits.batch_length:
            message = f"batch too large: {len(requests)} requests, at most {self._limits.batch_length} are allowed"
            return error_answer(None, RpcError(INVALID_REQUEST, message))
        await self._prepare(requests)
        answers: list[bytes] = []
        size = 0
        for position, request in enumerate(requests):
            if position % _ENTRIES_BETWEEN_PAUSES == _ENTRIES_BETWEEN_PAUSES - 1:
                await asyncio.sleep(0)
            if size > self._limits.batch_response_size:
                answer: bytes | None = _refused(request, _too_large(self._limits.batch_response_size))
            else:
                answer = await self._answer_one(request, subscriber)
            if answer is not None:
                answers.append(answer)
                size += len(answer)
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _prepare(self, requests: list[Any]) -> None:
        """Let methods that gain by it look at all their calls of a batch at once."""
        calls: dict[str, list[Any]] = {}
        for request in requests:
            name = request.get("method") if isinstance(request, dict) else None
            if isinstance(name, str):
                calls.setdefault(name, []).append(request.get("params"))
        for name, params in calls.items():
            method = self._registry.find(name)
            if method is not None and method.prepare is not None and len(params) > 1:
                await self._workers.run(method.prepare, params)

    async def _answer_one(self, request: Any, subscriber: Subscriber | None) -> bytes | None:
        if not isinstance(request, dict):
            return error_answer(None, RpcError(INVALID_REQUEST, "invalid request"))
        name, request_id = request.get("method"), _id_of(request)
        if request.get("jsonrpc") != "2.0" or not isinstance(name, str) or not _is_valid_id(request):
            return error_answer(request_id, RpcError(INVALID_REQUEST, "invalid request"))
        try:
            result = await self._call(name, request.get("params"), subscriber)
            if "id" not in request:
                return None
            return b'{"jsonrpc":"2.0","id":' + orjson.dumps(request_id) + b',"result":' + _dump(result) + b"}"
        except RpcError as error:
            answer = error
        except Phal2Error as error:
            answer = RpcError(SERVER_ERROR, str(error))
        except RecursionError:
            answer = RpcError(SERVER_ERROR, "execution nests too deep")
        except Exception:  # whatever a method does, the client gets an answer and the server goes on
            log.exception("the method %s failed", name)
            answer = RpcError(INTERNAL_ERROR, "internal error")
        return error_answer(request_id, answer) if "id" in request else None

    async def _call(self, name: str, params: Any, subscriber: Subscriber | None) -> Any:
        method = self._registry.find(name)
        if method is None:
            return _push_method(name, subscriber)(params)
        arguments = method.arguments(params)
        if method.in_worker:
            return await self._workers.run(method.function, *arguments)
        result = method.function(*arguments)
        return await _awaited(method, result)


def error_answer(request_id: Any, error: RpcError) -> bytes:
    """Return the answer that carries an error."""
    fields: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        fields["data"] = error.data
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": fields})


async def _awaited(method: Method, result: Awaitable[Any] | Any) -> Any:
    return await result if method.is_async else result


def _push_method(name: str, subscriber: Subscriber | None) -> Callable[[Any], Any]:
    if name in (_SUBSCRIBE, _UNSUBSCRIBE):
        if subscriber is None:
            raise RpcError(METHOD_NOT_FOUND, "notifications not supported: use a WebSocket connection")
        return subscriber.subscribe if name == _SUBSCRIBE else subscriber.unsubscribe
    raise RpcError(METHOD_NOT_FOUND, f"the method {name[:100]} does not exist/is not available")


def _refused(request: Any, error: RpcError) -> bytes | None:
    return error_answer(_id_of(request), error) if not isinstance(request, dict) or "id" in request else None


def _too_large(limit: int) -> RpcError:
    return RpcError(RESPONSE_TOO_LARGE, f"response too large: more than {limit} bytes; ask for less at once")


def _id_of(request: Any) -> Any:
    request_id = request.get("id") if isinstance(request, dict) else None
    return request_id if isinstance(request_id, str | int | float) and not isinstance(request_id, bool) else None


def _is_valid_id(request: dict[str, Any]) -> bool:
    return request.get("id") is None or _id_of(request) is not None


def _dump(result: Any) -> bytes:
    return orjson.dumps(result)
