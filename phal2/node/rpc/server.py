"""The server: JSON-RPC over HTTP POST and WebSocket on one port, and what a supervisor asks: health and metrics."""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from phal2 import __version__
from phal2.node.driver.lasting_tasks import begin_task
from phal2.node.rpc.access import AccessRules
from phal2.node.rpc.cancellation import client_has_left
from phal2.node.rpc.dispatcher import Dispatcher
from phal2.node.rpc.errors import CannotListen, PortTaken
from phal2.node.rpc.http_connection import HeadReader, HttpConnection
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.monitoring import EXPOSITION_TYPE, Monitoring
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.web_socket import WebSocketConnection
from phal2.node.rpc.workers import Workers

PathHandler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers the requests for the paths with a prefix."""

_JSON_TYPES: Final = frozenset({"application/json", "application/json-rpc", "application/jsonrequest"})
_GREETING: Final = f"phal2 v{__version__}: JSON-RPC 2.0 by HTTP POST or WebSocket\n"
_SWEEP_SECONDS: Final = 5.0
_SWEEPS_OF_A_REQUEST: Final = 4
_LONG_ANSWER: Final = 1 << 20
_SHUTDOWN_SECONDS: Final = 2.0
_LINGERING_SECONDS: Final = 1.0
"""For so long the rest of a body is read that nobody wants, so that its client sees the answer."""

_BACKLOG: Final = 1_024


class RpcServer:
    """Serves the methods of a registry. Start and stop it on the event loop that it is to run on."""

    def __init__(
        self,
        registry: MethodRegistry,
        host: str = "127.0.0.1",
        port: int = 8545,
        *,
        workers: Workers | None = None,
        access: AccessRules | None = None,
        limits: Limits | None = None,
        monitoring: Monitoring | None = None,
        paths: Mapping[str, PathHandler] | None = None,
    ) -> None:
        """`port` 0 takes a free one. Without `workers` the server has threads of its own.

        `paths` serves what is no JSON-RPC, by prefix of the path.
        """
        self.host = host
        self.port = port
        self._registry = registry
        self._workers = Workers() if workers is None else workers
        self._owns_workers = workers is None
        self._access = AccessRules() if access is None else access
        self._limits = Limits() if limits is None else limits
        self._monitoring = Monitoring() if monitoring is None else monitoring
        self._dispatcher = Dispatcher(
            registry, self._workers, self._limits, self._monitoring.calls.observe, self._has_room
        )
        self._paths = dict(paths or {})
        self._web_sockets: set[WebSocketConnection] = set()
        self._connections: set[HttpConnection] = set()
        self._handed_over: dict[object, HttpConnection] = {}
        self._handling: set[object] = set()
        self._web: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where to POST requests; with the scheme `ws` also where to open WebSockets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; from then on `port` is the port taken. Raises `PortTaken` or `CannotListen`."""
        loop = asyncio.get_running_loop()
        self._web = web.Server(
            self._handle,
            request_factory=self._make_request,
            access_log=None,
            logger=_http_log(),
            keepalive_timeout=self._limits.idle_seconds,
            lingering_time=_LINGERING_SECONDS,
            # No client compresses what it asks, and a megabyte can stand for a thousand.
            auto_decompress=False,
        )
        heads = HeadReader(self, self._limits, {})
        try:
            # Without reuse of addresses a port stays taken for a minute after its last connection.
            self._listening = await loop.create_server(
                lambda: HttpConnection(self, heads), self.host, self.port, reuse_address=True, backlog=_BACKLOG
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(self.host, self.port) from None
            raise CannotListen(f"cannot listen on {self.host}:{self.port}: {error.strerror or error}") from error
        self.port = self._listening.sockets[0].getsockname()[1]
        self._monitoring.gauge("phal2_rpc_connections", "Open connections.", lambda: len(self._connections))
        self._monitoring.gauge("phal2_rpc_web_sockets", "Open WebSockets.", lambda: len(self._web_sockets))
        self._monitoring.gauge(
            "phal2_rpc_waiting_calls",
            "Calls that wait for a worker thread or run on one.",
            lambda: self._workers.waiting,
        )
        self._sweeping = begin_task(f"the sweep of the connections at {self.url}", self._sweep())

    async def stop(self) -> None:
        """Close all connections and the port. Stopping twice does nothing."""
        if self._listening is None or self._web is None:
            return
        listening, self._listening = self._listening, None
        listening.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for web_socket in list(self._web_sockets):
            await web_socket.close()
        self._web.pre_shutdown()
        answering = [asyncio.ensure_future(connection.finished()) for connection in self._connections]
        if answering:
            await asyncio.wait(answering, timeout=_SHUTDOWN_SECONDS)
        await self._web.shutdown(_SHUTDOWN_SECONDS)
        for connection in list(self._connections):
            connection.close()
        if self._owns_workers:
            self._workers.close()

    # What connections ask.

    def admits_host(self, host: str) -> bool:
        """Tell whether requests may be addressed to a host."""
        return self._access.admits_host(host)

    def is_json(self, content_type: str) -> bool:
        """Tell whether a content type is one of JSON-RPC's, without parameters."""
        return content_type in _JSON_TYPES

    def begin(self, body: bytes) -> bytes | Awaitable[bytes]:
        """Begin to answer a body; return the answer where it is there at once."""
        return self._dispatcher.begin(body)

    def admit(self, connection: HttpConnection) -> bool:
        """Count a new connection; tell whether there is room for it."""
        self._connections.add(connection)
        return len(self._connections) <= self._limits.connections

    def discard(self, connection: HttpConnection) -> None:
        """Count a connection no more."""
        self._connections.discard(connection)
        self._handed_over.pop(connection.inner, None)

    def web_handler(self, connection: HttpConnection) -> asyncio.Protocol:
        """Return what handles a connection that is not plain."""
        if self._web is None:
            raise RuntimeError("the server was not started")
        handler = self._web()
        self._handed_over[handler] = connection
        return handler

    async def _sweep(self) -> None:
        """Close connections on which nothing happens, and those of clients that send or read far too slowly."""
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, self._limits.request_seconds / _SWEEPS_OF_A_REQUEST))
            for connection in list(self._connections):
                if connection.inner in self._handling:
                    connection.note_work()
                connection.close_if_stuck()

    def _has_room(self, size: int) -> bool:
        """Tell whether an answer may be added to those that clients have not taken yet."""
        if size < _LONG_ANSWER:
            return True
        unsent = sum(connection.unsent for connection in self._connections)
        unsent += sum(web_socket.unsent_size for web_socket in self._web_sockets)
        return unsent + size <= self._limits.unsent_size

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        limit, loop = self._limits.body_size, asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        self._handling.add(protocol)
        try:
            return await self._route(request)
        finally:
            self._handling.discard(protocol)
            connection = self._handed_over.get(protocol)
            if connection is not None:
                connection.note_work()

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._access.admits_host(request.headers.get("Host")):
            return _text(403, "invalid host specified: add it to the allowed virtual hosts")
        if request.path != "/":
            for prefix, handler in self._paths.items():
                if request.path.startswith(prefix):
                    return await handler(request)
            return self._handle_monitoring(request)
        origin = request.headers.get("Origin")
        if request.method == "POST":
            return await self._handle_post(request, self._access.cors_headers(origin))
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=self._access.cors_headers(origin, preflight=True))
        if request.method != "GET":
            return _text(
                405, "method not allowed: use POST, or GET to open a WebSocket", {"Allow": "GET, OPTIONS, POST"}
            )
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._handle_web_socket(request, origin)
        return _text(200, _GREETING)

    async def _handle_post(self, request: web.BaseRequest, headers: Mapping[str, str]) -> web.Response:
        if request.content_type not in _JSON_TYPES:
            return _text(415, "invalid content type, only application/json is supported", headers)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return _text(415, "content encodings are not supported: send the body as it is", headers)
        length = request.content_length
        if length is not None and length > self._limits.body_size:
            return self._body_too_large(headers)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # The interim response is no part of the answer whose size the writer counts.
            request.writer.output_size = 0
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._body_too_large(headers)
        except web.RequestPayloadError as error:
            response = _text(400, f"the request's body is malformed: {error}", headers)
            response.force_close()
            return response
        except TimeoutError:
            response = _text(408, f"the request's body did not come within {self._limits.request_seconds:g} s", headers)
            response.force_close()
            return response
        protocol = request.protocol
        # A connection that is lost takes its transport from the protocol.
        client_has_left.set(lambda: protocol.transport is None)
        answer = await self._dispatcher.answer(body)
        return web.Response(body=answer, content_type="application/json", headers=headers)

    def _handle_monitoring(self, request: web.BaseRequest) -> web.Response:
        known = request.path in ("/health", "/ready", "/metrics")
        if known and request.method not in ("GET", "HEAD"):
            return _text(405, "method not allowed: use GET", {"Allow": "GET, HEAD"})
        if request.path == "/health":
            return _text(200, "alive\n")
        if request.path == "/ready":
            reason = self._monitoring.not_ready_because()
            return _text(200, "ready\n") if reason is None else _text(503, f"not ready: {reason}\n")
        if request.path == "/metrics":
            return web.Response(body=self._monitoring.exposition(), headers={"Content-Type": EXPOSITION_TYPE})
        return _text(404, "not found: JSON-RPC is served at /, beside it /health, /ready and /metrics")

    async def _handle_web_socket(self, request: web.BaseRequest, origin: str | None) -> web.StreamResponse:
        if not self._access.admits_web_socket(origin):
            return _text(403, "origin not allowed")
        connection = WebSocketConnection(self._dispatcher, self._registry, self._limits)
        self._web_sockets.add(connection)
        try:
            return await connection.serve(request)
        finally:
            self._web_sockets.discard(connection)

    def _body_too_large(self, headers: Mapping[str, str]) -> web.Response:
        response = _text(413, f"request body too large: at most {self._limits.body_size} bytes are allowed", headers)
        response.force_close()
        return response


def _is_defect(record: logging.LogRecord) -> bool:
    """Tell whether a record is about more than a client that sends what is no HTTP, or that has left."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


def _http_log() -> logging.Logger:
    """Return a logger for aiohttp that leaves out what clients do wrong: they are told so themselves."""
    log = logging.getLogger("phal2.rpc.http")
    log.filters = [_is_defect]
    return log


def _text(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text, headers=headers)
