"""The server: JSON-RPC over HTTP POST and WebSocket on one port."""

import asyncio
import errno
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from phal2 import __version__
from phal2.node.rpc.access import AccessRules
from phal2.node.rpc.dispatcher import Dispatcher, Limits
from phal2.node.rpc.errors import CannotListen, PortTaken
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.web_socket import WebSocketConnection
from phal2.node.rpc.workers import Workers

_JSON_TYPES: Final = frozenset({"application/json", "application/json-rpc", "application/jsonrequest"})
_GREETING: Final = f"phal2 v{__version__}: JSON-RPC 2.0 by HTTP POST or WebSocket\n"
_KEEPALIVE_SECONDS: Final = 120.0
_SHUTDOWN_SECONDS: Final = 2.0


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
    ) -> None:
        """`port` 0 takes a free one. Without `workers` the server has threads of its own."""
        self.host = host
        self.port = port
        self._registry = registry
        self._workers = Workers() if workers is None else workers
        self._owns_workers = workers is None
        self._access = AccessRules() if access is None else access
        self._limits = Limits() if limits is None else limits
        self._dispatcher = Dispatcher(registry, self._workers, self._limits)
        self._connections: set[WebSocketConnection] = set()
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where to POST requests; with the scheme `ws` also where to open WebSockets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen; from then on `port` is the port taken. Raises `PortTaken` or `CannotListen`."""
        server = web.Server(
            self._handle,
            request_factory=self._make_request,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        # Without reuse of addresses a port stays taken for a minute after its last connection.
        site = web.TCPSite(runner, self.host, self.port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(self.host, self.port) from None
            raise CannotListen(f"cannot listen on {self.host}:{self.port}: {error.strerror or error}") from error
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Close all connections and the port. Stopping twice does nothing."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for connection in list(self._connections):
            await connection.close()
        await runner.cleanup()
        if self._owns_workers:
            self._workers.close()

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        # Decompressed bodies count, too, so the limit holds while the body is read.
        limit, loop = self._limits.body_size, asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._access.admits_host(request.headers.get("Host")):
            return _text(403, "invalid host specified: add it to the allowed virtual hosts")
        if request.path != "/":
            return _text(404, "not found: JSON-RPC is served at /")
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
        length = request.content_length
        if length is not None and length > self._limits.body_size:
            return self._body_too_large(headers)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # The interim response is no part of the answer whose size the writer counts.
            request.writer.output_size = 0
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._body_too_large(headers)
        answer = await self._dispatcher.answer(body)
        return web.Response(body=answer or b"", content_type="application/json", headers=headers)

    async def _handle_web_socket(self, request: web.BaseRequest, origin: str | None) -> web.StreamResponse:
        if not self._access.admits_web_socket(origin):
            return _text(403, "origin not allowed")
        connection = WebSocketConnection(self._dispatcher, self._registry, self._limits.body_size)
        self._connections.add(connection)
        try:
            return await connection.serve(request)
        finally:
            self._connections.discard(connection)

    def _body_too_large(self, headers: Mapping[str, str]) -> web.Response:
        response = _text(413, f"request body too large: at most {self._limits.body_size} bytes are allowed", headers)
        response.force_close()
        return response


def _text(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text, headers=headers)
