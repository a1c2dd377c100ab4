"""One HTTP connection: plain JSON-RPC posts are answered here, all else by aiohttp.

Nearly all of a node's traffic is one kind of request, `POST / HTTP/1.1` with a JSON body of known length from a
program. It is read strictly and answered without a task or an object of its own where its method answers at once. The
first request on a connection that is anything else (a browser's, an upgrade to WebSocket, a body in chunks, a wrong
one) hands the connection over to aiohttp for good, with what has been received and not been answered.
"""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from phal2.node.rpc.cancellation import client_has_left
from phal2.node.rpc.limits import Limits

_LONGEST_HEAD: Final = 8_190
_REMEMBERED_HEADS: Final = 1_024
_LONGEST_TURN: Final = 0.002
"""So many seconds one connection's requests are answered before others have their turn."""

_HALF_CLOSED_SECONDS: Final = 1.0
"""So long after its last word a client is taken to wait for answers; it may as well have left."""

_HEAD_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = b"POST / HTTP/1.1\r\n"
_FIELD: Final = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\x20-\x7e]*)")
_LENGTH: Final = re.compile(rb"[0-9]{1,10}")
_UNUSUAL_FIELDS: Final = frozenset(
    {b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"origin", b"trailer", b"te", b"http2-settings"}
)
_SINGLE_FIELDS: Final = frozenset({b"host", b"content-length", b"content-type", b"connection"})
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 38\r\n"
    b"Retry-After: 1\r\nConnection: close\r\n\r\ntoo many connections: try again later\n"
)


class Service(Protocol):
    """What a connection asks its server."""

    def admits_host(self, host: str) -> bool:
        """Tell whether requests may be addressed to a host."""
        ...

    def is_json(self, content_type: str) -> bool:
        """Tell whether a content type is one of JSON-RPC's."""
        ...

    def begin(self, body: bytes) -> bytes | Awaitable[bytes]:
        """Begin to answer a body; return the answer where it is there at once."""
        ...

    def admit(self, connection: "HttpConnection") -> bool:
        """Count a new connection; tell whether there is room for it."""
        ...

    def discard(self, connection: "HttpConnection") -> None:
        """Count a connection no more."""
        ...

    def web_handler(self, connection: "HttpConnection") -> asyncio.Protocol:
        """Return what handles a connection that is not plain."""
        ...


@dataclass(slots=True)
class HeadReader:
    """Reads the heads of plain posts, and remembers them: programs repeat theirs."""

    service: Service
    limits: Limits
    known: dict[bytes, int]

    def body_length(self, head: bytes) -> int:
        """Return the length of the body that follows a head; -1 where the request is not plain."""
        length = self.known.get(head)
        if length is None:
            length = self._read(head)
            if len(self.known) >= _REMEMBERED_HEADS:
                self.known.clear()
            self.known[head] = length
        return length

    def _read(self, head: bytes) -> int:
        if not head.startswith(_REQUEST_LINE):
            return -1
        fields: dict[bytes, bytes] = {}
        for line in head[len(_REQUEST_LINE) :].split(b"\r\n"):
            match = _FIELD.fullmatch(line)
            if match is None:
                return -1
            name = match[1].lower()
            if name in _UNUSUAL_FIELDS or (name in _SINGLE_FIELDS and name in fields):
                return -1
            fields[name] = match[2].strip()
        length = fields.get(b"content-length", b"")
        is_plain = (
            b"host" in fields
            and self.service.admits_host(fields[b"host"].decode())
            and self.service.is_json(fields.get(b"content-type", b"").decode())
            and fields.get(b"connection", b"keep-alive").lower() == b"keep-alive"
            and _LENGTH.fullmatch(length) is not None
            and int(length) <= self.limits.body_size
        )
        return int(length) if is_plain else -1


class HttpConnection(asyncio.Protocol):
    """Answers the requests of one connection, one after the other."""

    def __init__(self, service: Service, heads: HeadReader) -> None:
        self._service = service
        self._heads = heads
        self._limits = heads.limits
        self._transport: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._is_paused = False
        self._is_holding = False
        self._ended_at: float | None = None
        self._resuming: asyncio.Handle | None = None
        self._heard_at = time.monotonic()
        self._began_at: float | None = None
        self._unsent = 0
        self._unsent_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._service.admit(self):
            self._transport.write(_TOO_MANY)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End. What is being answered goes on unless it asks whether its client has left."""
        self._transport = None
        self._service.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Answer what has come, as far as it is whole."""
        self._heard_at = time.monotonic()
        if self._inner is not None:
            if self._began_at is None:
                self._began_at = self._heard_at
            self._inner.data_received(data)
            return
        if not self._received:
            self._began_at = self._heard_at
        self._received += data
        if not self._is_at_work and not self._is_paused:
            self._proceed()
        if self._transport is not None and len(self._received) > self._limits.body_size + _LONGEST_HEAD:
            self._is_holding = True
            self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        """Close once the requests that came whole are answered: whoever says no more may still wait for them."""
        if self._inner is not None:
            return self._inner.eof_received()
        self._ended_at = time.monotonic()
        return self._is_at_work or self._is_paused

    def pause_writing(self) -> None:
        """The client reads slowly: answer no further request."""
        self._is_paused = True
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has read."""
        self._is_paused = False
        if self._inner is not None:
            self._inner.resume_writing()
        elif not self._is_at_work:
            self._proceed()

    @property
    def inner(self) -> asyncio.Protocol | None:
        """What handles the connection where it is not plain."""
        return self._inner

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def note_work(self) -> None:
        """Something is being answered elsewhere, so that the client rightly says nothing."""
        self._heard_at = time.monotonic()
        self._began_at = None

    def close_if_stuck(self) -> None:
        """Close the connection where nothing happens on it, or a client neither finishes a request nor takes answers.

        Called every few seconds.
        """
        now, unsent = time.monotonic(), self.unsent
        if not self._unsent or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        latest = now - self._limits.request_seconds
        is_silent = self._answering is None and self._heard_at < now - self._limits.idle_seconds
        is_unfinished = self._began_at is not None and self._began_at < latest
        if unsent and self._unsent_since < latest and self._transport is not None:
            # Closing would wait for the client to take the rest.
            self._transport.abort()
        elif is_silent or (is_unfinished and self._answering is None):
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    async def finished(self) -> None:
        """Wait until what is being answered is answered."""
        if self._answering is not None:
            await asyncio.wait((self._answering,))

    def _proceed(self) -> None:
        """Answer whole requests until there is none, or one takes long."""
        self._resuming = None
        token = client_has_left.set(self._has_left)
        try:
            self._answer_requests()
        finally:
            client_has_left.reset(token)
        if self._is_holding and self._transport is not None and len(self._received) <= self._limits.body_size:
            self._is_holding = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        if self._ended_at is not None and not self._is_at_work and not self._is_paused:
            self.close()

    @property
    def _is_at_work(self) -> bool:
        return self._answering is not None or self._resuming is not None

    def _has_left(self) -> bool:
        ended_at = self._ended_at
        return self._transport is None or (ended_at is not None and ended_at + _HALF_CLOSED_SECONDS < time.monotonic())

    def _answer_requests(self) -> None:
        end = time.monotonic() + _LONGEST_TURN
        while self._received and not self._is_paused and self._transport is not None:
            body = self._take()
            if body is None:
                break
            answer = self._service.begin(body)
            if isinstance(answer, bytes):
                self._write(answer)
            else:
                self._answering = asyncio.get_running_loop().create_task(self._answer(answer))
                break
            if self._received and time.monotonic() >= end:
                self._resuming = asyncio.get_running_loop().call_soon(self._proceed)
                break

    def _take(self) -> bytes | None:
        """Take the body of a whole request; None where it is not whole, or the connection was handed over."""
        received = self._received
        end = received.find(_HEAD_END, 0, _LONGEST_HEAD)
        if end < 0:
            # What does not begin as a plain post will not become one.
            if len(received) >= _LONGEST_HEAD or not received.startswith(_REQUEST_LINE[: len(received)]):
                self._hand_over()
            return None
        length = self._heads.body_length(bytes(received[:end]))
        if length < 0:
            self._hand_over()
            return None
        begin = end + len(_HEAD_END)
        if len(received) < begin + length:
            return None
        body = bytes(received[begin : begin + length])
        del received[: begin + length]
        self._began_at = time.monotonic() if received else None
        return body

    async def _answer(self, answer: Awaitable[bytes]) -> None:
        try:
            content = await answer
        finally:
            self._answering = None
        self._write(content)
        self._proceed()

    def _write(self, answer: bytes) -> None:
        self._heard_at = time.monotonic()
        if self._transport is not None:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
            self._transport.write(head + answer)

    def _hand_over(self) -> None:
        self._inner = self._service.web_handler(self)
        # From now on a request is under way until its handler says that it is being answered.
        self._began_at = self._heard_at
        if self._transport is not None:
            self._inner.connection_made(self._transport)
        received = bytes(self._received)
        self._received.clear()
        self._inner.data_received(received)
