"""JSON-RPC 2.0: from the bytes of a request to the bytes of the answer, alone or in batches."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from types import CoroutineType
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
    TIMED_OUT,
    RpcError,
)
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.request_ids import id_of, with_exact_ids
from phal2.node.rpc.workers import Workers
from phal2.node.state.database import MissingNode

log = logging.getLogger("phal2.rpc")

_SUBSCRIBE: Final = "eth_subscribe"
_UNSUBSCRIBE: Final = "eth_unsubscribe"
_LONGEST_TURN: Final = 0.002
"""So many seconds a batch is answered before others have their turn."""

_CALLS_BESIDE_ONE_ANOTHER: Final = 32
_PRUNED_MEANWHILE: Final = "the state was pruned while it was read; ask for a newer block"

_UNSENT: Final = "the server is busy: its clients have not taken the answers before this one; try again later"

_AWAITABLE: Final = (CoroutineType, asyncio.Future)

SUCCESS: Final = "success"
ERROR: Final = "error"
UNKNOWN_METHOD: Final = "unknown"
"""Under this name the calls of methods that do not exist are observed."""


class Subscriber(Protocol):
    """A connection to which the server can push."""

    def subscribe(self, params: Any) -> Any:
        """Begin the subscription that the parameters name and return its id."""
        ...

    def unsubscribe(self, params: Any) -> Any:
        """End the subscription that the parameters name; tell whether there was one."""
        ...


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A call whose result is still to come."""

    name: str
    request: dict[str, Any]
    began: float
    pending: "CoroutineType[Any, Any, Any] | asyncio.Future[Any]"
    is_concurrent: bool

    def drop(self) -> None:
        """Have nobody wait for it."""
        if not isinstance(self.pending, asyncio.Future):
            self.pending.close()
        elif not self.pending.cancel() and not self.pending.cancelled():
            # An error that nobody is told of is no mistake here.
            self.pending.exception()


class PendingAnswer:
    """An answer that is still to come: await it once, and drop it where it may have been left before its end."""

    def __init__(self, answering: Coroutine[Any, Any, bytes], unfinished: _Unfinished | None = None) -> None:
        self._answering = answering
        self._unfinished = unfinished

    def __await__(self) -> Generator[Any, Any, bytes]:
        return self._answering.__await__()

    def drop(self) -> None:
        """Have nobody wait for it; nothing happens where it has ended."""
        self._answering.close()
        if self._unfinished is not None:
            self._unfinished.drop()


class _Batch:
    """A batch that is being answered: its answers so far, in the order of its requests, and its calls that go on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._answers: list[bytes] = []
        self._size = 0
        now = time.monotonic()
        self._end = now + limits.batch_seconds
        self._turn_end = now + _LONGEST_TURN
        self.unfinished: deque[tuple[int, _Unfinished]] = deque()
        """Calls of one method that go on beside one another, each with the position of its answer."""

    def is_turn_over(self) -> bool:
        """Tell whether the batch has kept the event loop for a while, and others are to go on."""
        return time.monotonic() >= self._turn_end

    def begin_turn(self) -> None:
        """Go on."""
        self._turn_end = time.monotonic() + _LONGEST_TURN

    def refusal(self) -> RpcError | None:
        """Return why no further request is answered, None where they are."""
        if self._size > self._limits.batch_response_size:
            return _too_large(self._limits.batch_response_size)
        return RpcError(TIMED_OUT, "request timed out") if time.monotonic() > self._end else None

    def waits_for(self, request: Any) -> bool:
        """Tell whether a request may begin only after what goes on: where it is no call of the same method."""
        return not isinstance(request, dict) or request.get("method") != self.unfinished[0][1].name

    def add(self, answer: bytes | _Unfinished) -> None:
        """Take the answer to the next request, or what will become it."""
        if isinstance(answer, bytes):
            self._size += len(answer)
            self._answers.append(answer)
        else:
            self.unfinished.append((len(self._answers), answer))
            self._answers.append(b"")

    def finish(self, position: int, answer: bytes) -> None:
        """Take the answer to the first call that went on; what came beyond the limit meanwhile is refused."""
        _, unfinished = self.unfinished.popleft()
        if answer and self._size > self._limits.batch_response_size:
            answer = _refused(unfinished.request, _too_large(self._limits.batch_response_size))
        self._size += len(answer)
        self._answers[position] = answer

    def drop(self) -> None:
        """Have nobody wait for what goes on."""
        for _, unfinished in self.unfinished:
            unfinished.drop()

    def content(self) -> bytes:
        """Return the answer to the whole batch; notifications have none."""
        answers = [answer for answer in self._answers if answer]
        return b"[" + b",".join(answers) + b"]" if answers else b""


class Dispatcher:
    """Answers requests with the methods of a registry. `observe(method, outcome, seconds)` is told of every call."""

    def __init__(
        self,
        registry: MethodRegistry,
        workers: Workers,
        limits: Limits,
        observe: Callable[[str, str, float], None] | None = None,
        has_room: Callable[[int], bool] | None = None,
    ) -> None:
        """`has_room(size)` tells whether an answer of so many bytes may go out."""
        self._registry = registry
        self._workers = workers
        self._limits = limits
        self._observe = _ignore if observe is None else observe
        self.has_room = _always if has_room is None else has_room
        """Tells whether there is room for so many bytes beside those that clients have yet to take."""

    async def answer(self, body: bytes | str, subscriber: Subscriber | None = None) -> bytes:
        """Return the answer to a request or batch; empty where none is due, because it holds notifications alone."""
        answer = self.begin(body, subscriber)
        return answer if isinstance(answer, bytes) else await answer

    def begin(self, body: bytes | str, subscriber: Subscriber | None = None) -> bytes | PendingAnswer:
        """Return the answer as `answer` does, at once where no method has to be waited for."""
        try:
            request = orjson.loads(body)
        except ValueError:  # orjson.JSONDecodeError, and lone surrogates
            return error_answer(None, RpcError(PARSE_ERROR, "parse error"))
        request = with_exact_ids(request, body)
        if isinstance(request, list):
            return PendingAnswer(self._answer_batch(request, subscriber))
        answer = self._begin_one(request, subscriber)
        if isinstance(answer, bytes):
            return self._within_limit(request, answer)
        return PendingAnswer(self._later_within_limit(answer), answer)

    def _within_limit(self, request: Any, answer: bytes) -> bytes:
        if len(answer) > self._limits.response_size:
            return error_answer(id_of(request), _too_large(self._limits.response_size))
        if not self.has_room(len(answer)):
            return error_answer(id_of(request), RpcError(SERVER_ERROR, _UNSENT))
        return answer

    async def _later_within_limit(self, unfinished: _Unfinished) -> bytes:
        return self._within_limit(unfinished.request, await self._finish(unfinished))

    async def _answer_batch(self, requests: list[Any], subscriber: Subscriber | None) -> bytes:
        if not requests:
            return error_answer(None, RpcError(INVALID_REQUEST, "empty batch"))
        if len(requests) > self._limits.batch_length:
            message = f"batch too large: {len(requests)} requests, at most {self._limits.batch_length} are allowed"
            # As geth does: one answer within an array, with the first id that there is.
            ids = (id_of(request) for request in requests)
            first_id = next((request_id for request_id in ids if request_id is not None), None)
            return b"[" + error_answer(first_id, RpcError(INVALID_REQUEST, message)) + b"]"
        await self._prepare(requests)
        batch = _Batch(self._limits)
        try:
            for request in requests:
                if batch.is_turn_over():
                    await asyncio.sleep(0)
                    batch.begin_turn()
                refusal = batch.refusal()
                if refusal is not None:
                    batch.add(_refused(request, refusal))
                    continue
                if batch.unfinished and (
                    len(batch.unfinished) >= _CALLS_BESIDE_ONE_ANOTHER or batch.waits_for(request)
                ):
                    await self._finish_all(batch)
                answer = self._begin_one(request, subscriber)
                batch.add(answer)
                if not isinstance(answer, bytes) and not answer.is_concurrent:
                    await self._finish_all(batch)
            await self._finish_all(batch)
        finally:
            # Where the client has left, nobody waits for the rest.
            batch.drop()
        answer = batch.content()
        return answer if self.has_room(len(answer)) else error_answer(None, RpcError(SERVER_ERROR, _UNSENT))

    async def _finish_all(self, batch: "_Batch") -> None:
        while batch.unfinished:
            position, unfinished = batch.unfinished[0]
            batch.finish(position, await self._finish(unfinished))

    async def _prepare(self, requests: list[Any]) -> None:
        """Let methods that gain by it look at all their calls of a batch at once."""
        prepared = self._registry.prepared()
        calls: dict[str, list[Any]] = {}
        for request in requests:
            name = request.get("method") if isinstance(request, dict) else None
            if isinstance(name, str) and name in prepared:
                calls.setdefault(name, []).append(request.get("params"))
        for name, params in calls.items():
            if len(params) > 1:
                await self._workers.run(prepared[name], params)

    def _begin_one(self, request: Any, subscriber: Subscriber | None) -> bytes | _Unfinished:
        if not isinstance(request, dict):
            return error_answer(None, RpcError(INVALID_REQUEST, "invalid request"))
        name, request_id = request.get("method"), id_of(request)
        is_valid_id = request_id is not None or request.get("id") is None
        if request.get("jsonrpc") != "2.0" or not isinstance(name, str) or not is_valid_id:
            return error_answer(request_id, RpcError(INVALID_REQUEST, "invalid request"))
        began = time.perf_counter()
        method = self._registry.find(name)
        try:
            if method is None:
                result = _push_method(name, subscriber)(request.get("params"))
            else:
                arguments = method.arguments(request.get("params"))
                if method.in_worker:
                    result = self._workers.submit(method.function, *arguments)
                else:
                    result = method.function(*arguments)
            if type(result) in _AWAITABLE:
                return _Unfinished(name, request, began, result, method is not None and method.concurrent)
            answer, outcome = _result_answer(request_id, result), SUCCESS
        except Exception as error:  # whatever a method does, the client gets an answer and the server goes on
            answer, outcome = error_answer(request_id, _refusal(name, error)), ERROR
        self._observe(name if method is not None else UNKNOWN_METHOD, outcome, time.perf_counter() - began)
        return answer if "id" in request else b""

    async def _finish(self, unfinished: _Unfinished) -> bytes:
        name, request = unfinished.name, unfinished.request
        try:
            answer, outcome = _result_answer(id_of(request), await unfinished.pending), SUCCESS
        except Exception as error:  # as above
            answer, outcome = error_answer(id_of(request), _refusal(name, error)), ERROR
        self._observe(name, outcome, time.perf_counter() - unfinished.began)
        return answer if "id" in request else b""


def _ignore(name: str, outcome: str, seconds: float) -> None:
    """Nobody observes."""


def _always(size: int) -> bool:  # noqa: ARG001 - any will do
    """There is room for everything."""
    return True


def _result_answer(request_id: Any, result: Any) -> bytes:
    shown_id = b"%d" % request_id if type(request_id) is int else orjson.dumps(request_id)
    return b'{"jsonrpc":"2.0","id":' + shown_id + b',"result":' + orjson.dumps(result) + b"}"


def _refusal(name: str, error: Exception) -> RpcError:
    if isinstance(error, RpcError):
        return error
    if isinstance(error, MissingNode):
        return RpcError(SERVER_ERROR, _PRUNED_MEANWHILE)
    if isinstance(error, Phal2Error):
        return RpcError(SERVER_ERROR, str(error))
    if isinstance(error, RecursionError):
        return RpcError(SERVER_ERROR, "execution nests too deep")
    log.error("the method %s failed", name, exc_info=error)
    return RpcError(INTERNAL_ERROR, "internal error")


def error_answer(request_id: Any, error: RpcError) -> bytes:
    """Return the answer that carries an error."""
    fields: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        fields["data"] = error.data
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": fields})


def _push_method(name: str, subscriber: Subscriber | None) -> Callable[[Any], Any]:
    if name in (_SUBSCRIBE, _UNSUBSCRIBE):
        if subscriber is None:
            raise RpcError(METHOD_NOT_FOUND, "notifications not supported: use a WebSocket connection")
        return subscriber.subscribe if name == _SUBSCRIBE else subscriber.unsubscribe
    raise RpcError(METHOD_NOT_FOUND, f"the method {name[:100]} does not exist/is not available")


def _refused(request: Any, error: RpcError) -> bytes:
    return error_answer(id_of(request), error) if not isinstance(request, dict) or "id" in request else b""


def _too_large(limit: int) -> RpcError:
    return RpcError(RESPONSE_TOO_LARGE, f"response too large: more than {limit} bytes; ask for less at once")
