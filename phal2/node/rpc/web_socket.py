"""One WebSocket connection: requests as on HTTP, and subscriptions whose events are pushed."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from phal2.node.rpc.dispatcher import Dispatcher, PendingAnswer
from phal2.node.rpc.errors import INVALID_PARAMS, METHOD_NOT_FOUND, SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import type_name
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.parameter_types import ParameterType
from phal2.node.rpc.registry import MethodRegistry, Parameter, parse_arguments

log = logging.getLogger("phal2.rpc")

MAXIMUM_CONCURRENT: Final = 64
"""Requests of one connection that are answered at a time; further ones are not read yet."""

MAXIMUM_UNSENT: Final = 10_000
"""Events that may wait for a slow client; beyond them it is disconnected, so that it never misses one unknowingly."""

MAXIMUM_UNSENT_SIZE: Final = 16 << 20
"""Bytes that may wait for a slow client before its requests are not read, nor events taken, any more."""

_ROOM_IS_ASKED_FOR_AFTER: Final = 1 << 20
"""Whenever so many bytes more wait for a slow client, there must be room for them beside those of all others."""

_LONGEST_TURN: Final = 0.002
"""So many seconds one client is sent what waits before others have their turn."""

_HEARTBEAT_SECONDS: Final = 30.0


def _parse_subscription_id(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"expected a subscription id, got {type_name(value)}")
    return value


_SUBSCRIPTION_ID: Final = Parameter("subscription_id", ParameterType(_parse_subscription_id), True, None)


class WebSocketConnection:
    """Serves one client."""

    def __init__(self, dispatcher: Dispatcher, registry: MethodRegistry, limits: Limits) -> None:
        self._dispatcher = dispatcher
        self._registry = registry
        self._maximum_subscriptions = limits.subscriptions
        self._socket = web.WebSocketResponse(max_msg_size=limits.body_size, heartbeat=_HEARTBEAT_SECONDS)
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue(MAXIMUM_UNSENT)
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[Any] | None = None
        self._has_sent = asyncio.Event()
        self._is_broken = False
        self._has_room = True
        self.unsent_size = 0
        """Bytes of answers and events that wait for the client."""

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Open the WebSocket and answer until either side closes it."""
        await self._socket.prepare(request)
        sender = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._begin_answer(message.data)
        finally:
            for task in (sender, *self._answering):
                task.cancel()
            for end in self._subscriptions.values():
                end()
            self._subscriptions.clear()
        return self._socket

    async def close(self) -> None:
        """Tell the client that the server goes away."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops")

    def subscribe(self, params: Any) -> str:
        """Begin a subscription (eth_subscribe); return its id."""
        if not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args")
        name = params[0] if params else None
        if not isinstance(name, str):
            raise RpcError(INVALID_PARAMS, "expected subscription name as first argument")
        subscription = self._registry.find_subscription(name)
        if subscription is None:
            raise RpcError(METHOD_NOT_FOUND, f'no "{name[:100]}" subscription in eth namespace')
        if len(self._subscriptions) >= self._maximum_subscriptions:
            raise RpcError(SERVER_ERROR, f"too many subscriptions: at most {self._maximum_subscriptions} a connection")
        arguments = parse_arguments(subscription.parameters, params[1:])
        subscription_id = "0x" + secrets.token_hex(16)
        self._subscriptions[subscription_id] = subscription.function(
            lambda event: self._push(subscription_id, event), *arguments
        )
        return subscription_id

    def unsubscribe(self, params: Any) -> bool:
        """End a subscription (eth_unsubscribe)."""
        if not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args")
        (subscription_id,) = parse_arguments((_SUBSCRIPTION_ID,), params)
        end = self._subscriptions.pop(subscription_id, None)
        if end is None:
            raise RpcError(SERVER_ERROR, "subscription not found")
        end()
        return True

    def _push(self, subscription_id: str, event: Any) -> None:
        message = {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": subscription_id, "result": event},
        }
        if self._is_broken:
            return
        if self._unsent.full() or self.unsent_size > MAXIMUM_UNSENT_SIZE or not self._has_room:
            if self._closing is None:
                too_slow = b"the client reads too slowly"
                self._closing = asyncio.create_task(
                    self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=too_slow)
                )
            return
        event_message = orjson.dumps(message)
        before = self.unsent_size // _ROOM_IS_ASKED_FOR_AFTER
        self.unsent_size += len(event_message)
        if self.unsent_size // _ROOM_IS_ASKED_FOR_AFTER > before:
            self._has_room = self._dispatcher.has_room(_ROOM_IS_ASKED_FOR_AFTER)
        self._unsent.put_nowait(event_message)

    async def _begin_answer(self, message: bytes | str) -> None:
        # Requests are answered beside each other, so that a slow one does not hold up the rest.
        while len(self._answering) >= MAXIMUM_CONCURRENT:
            await asyncio.wait(self._answering, return_when=asyncio.FIRST_COMPLETED)
        while self.unsent_size > MAXIMUM_UNSENT_SIZE and not self._is_broken:
            self._has_sent.clear()
            await self._has_sent.wait()
        answer = self._dispatcher.begin(message, self)
        if isinstance(answer, bytes):
            await self._put(answer)
            return
        task = asyncio.create_task(self._answer(answer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        # A task that is cancelled before it begins has awaited nothing.
        task.add_done_callback(lambda _: answer.drop())

    async def _answer(self, answer: PendingAnswer) -> None:
        await self._put(await answer)

    async def _put(self, answer: bytes) -> None:
        if answer and not self._is_broken:
            self.unsent_size += len(answer)
            await self._unsent.put(answer)

    async def _send(self) -> None:
        turn_end = time.monotonic() + _LONGEST_TURN
        try:
            while True:
                message = await self._unsent.get()
                await self._socket.send_str(message.decode())
                self.unsent_size -= len(message)
                self._has_sent.set()
                if time.monotonic() >= turn_end:
                    await asyncio.sleep(0)
                    turn_end = time.monotonic() + _LONGEST_TURN
        except ConnectionError:
            log.debug("a client has left its WebSocket before its answers")
        finally:
            # Whoever waits for room is let go.
            self._is_broken = True
            self.unsent_size = 0
            self._has_sent.set()
            while not self._unsent.empty():
                self._unsent.get_nowait()
