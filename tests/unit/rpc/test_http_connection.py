"""Connections: what is answered at once, what goes over to aiohttp, and how many there may be, by raw socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import orjson
import pytest

from phal2.node.rpc import http_connection
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.parameter_types import AnyValue
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer

BODY_LIMIT = 20_000
REQUEST_SECONDS = 0.2
"""What a hasty server lets its clients take."""
LONG = 12 << 20
"""Bytes of an answer that no socket's buffers hold."""


class Gate:
    """A method that waits on a worker thread until a test lets it go on."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> str:
        self.entered.set()
        self.opened.wait(60)
        return "through"


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
async def server(gate: Gate) -> AsyncIterator[RpcServer]:
    def echo(value: AnyValue) -> object:
        return value

    registry = MethodRegistry()
    registry.add("test_echo", echo)
    registry.add("test_wait", gate.wait, in_worker=True)
    running = RpcServer(registry, port=0, limits=Limits(body_size=BODY_LIMIT, connections=3))
    await running.start()
    yield running
    gate.opened.set()
    await running.stop()


class Client:
    """A connection that reads answers one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        return int(head.split()[1]), await asyncio.wait_for(self.reader.readexactly(length), 60)

    async def result(self) -> object:
        status, body = await self.answer()
        assert status == 200
        return orjson.loads(body)["result"]


@asynccontextmanager
async def connected(server: RpcServer) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=1 << 16)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def post(method: str, *params: object, extra: bytes = b"") -> bytes:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
    return head % (len(body), extra) + body


async def test_requests_that_come_together_are_answered_in_their_order(server: RpcServer):
    async with connected(server) as client:
        client.writer.write(b"".join(post("test_echo", number) for number in range(100)))
        assert [await client.result() for _ in range(100)] == list(range(100))


async def test_a_request_may_come_byte_by_byte(server: RpcServer):
    async with connected(server) as client:
        for byte in post("test_echo", "slowly"):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.result() == "slowly"


async def test_a_request_behind_a_slow_one_waits_for_it(server: RpcServer, gate: Gate):
    async with connected(server) as client:
        client.writer.write(post("test_wait") + post("test_echo", "second"))
        await asyncio.to_thread(gate.entered.wait, 60)
        async with connected(server) as other:
            other.writer.write(post("test_echo", "meanwhile"))
            assert await other.result() == "meanwhile"
        gate.opened.set()
        assert await client.result() == "through"
        assert await client.result() == "second"


async def test_any_kind_of_request_may_follow_a_plain_one(server: RpcServer):
    chunked = post("test_echo", 2).replace(b"Content-Length: ", b"X: ")
    head, _, body = chunked.partition(b"\r\n\r\n")
    chunked = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with connected(server) as client:
        client.writer.write(post("test_echo", 1) + chunked + post("test_echo", 3))
        assert [await client.result() for _ in range(3)] == [1, 2, 3]
        client.writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert await client.answer() == (200, b"alive\n")


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        (b"Host: evil.example\r\n", 400),
        (b"Content-Length: 7\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n", 400),
        (b"Bad Header: 1\r\n", 400),
        (b"X: a\x00b\r\n", 400),
        (b"Connection: close\r\n", 200),
        (b"X-Forwarded-For: 10.0.0.1\r\n", 200),
        (b"User-Agent: \xff\r\n", 200),
    ],
)
async def test_headers_that_could_be_read_in_two_ways_are_refused(server: RpcServer, extra: bytes, status: int):
    async with connected(server) as client:
        client.writer.write(post("test_echo", 1, extra=extra))
        assert (await client.answer())[0] == status


async def test_a_body_up_to_the_limit_is_read_and_a_longer_one_refused(server: RpcServer):
    frame = len(post("test_echo", "").partition(b"\r\n\r\n")[2])
    async with connected(server) as client:
        client.writer.write(post("test_echo", "x" * (BODY_LIMIT - frame)))
        assert await client.result() == "x" * (BODY_LIMIT - frame)
        client.writer.write(post("test_echo", "x" * (BODY_LIMIT - frame + 1)))
        assert (await client.answer())[0] == 413


async def test_a_connection_too_many_is_told_so_and_there_is_room_again_later(server: RpcServer):
    async with connected(server) as first, connected(server) as second, connected(server) as third:
        for client in (first, second, third):
            client.writer.write(post("test_echo", 1))
            assert await client.result() == 1
        async with connected(server) as fourth:
            status, body = await fourth.answer()
            assert (status, body) == (503, b"too many connections: try again later\n")
            assert await fourth.reader.read() == b""
    statuses = [await status_of_a_new_connection(server) for _ in range(50)]
    assert statuses[-1] == 200


async def status_of_a_new_connection(server: RpcServer) -> int:
    async with connected(server) as client:
        client.writer.write(post("test_echo", 2))
        status, _ = await client.answer()
        return status


async def test_a_server_that_stops_finishes_the_answer_at_hand(
    server: RpcServer, gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("phal2.node.rpc.server._SHUTDOWN_SECONDS", 60.0)
    async with connected(server) as client:
        client.writer.write(post("test_wait"))
        await asyncio.to_thread(gate.entered.wait, 60)
        stopping = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0)
        gate.opened.set()
        assert await client.result() == "through"
        await stopping


async def test_a_client_that_says_its_last_word_gets_all_its_answers(server: RpcServer, gate: Gate):
    async with connected(server) as client:
        client.writer.write(post("test_wait") + post("test_echo", "first") + post("test_wait") + post("test_echo"))
        client.writer.write_eof()
        await asyncio.to_thread(gate.entered.wait, 60)
        gate.opened.set()
        assert [await client.result() for _ in range(3)] == ["through", "first", "through"]
        assert (await client.answer())[0] == 200
        assert await asyncio.wait_for(client.reader.read(), 60) == b""


class PassingTime:
    """The time of connections, which passes when a test says so."""

    def __init__(self) -> None:
        self._now = 1_000.0

    def monotonic(self) -> float:
        return self._now

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and the server look after its connections."""
        self._now += seconds
        await asyncio.sleep(REQUEST_SECONDS)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    time = PassingTime()
    monkeypatch.setattr(http_connection, "time", time)
    return time


@pytest.fixture
async def hasty(gate: Gate, time: PassingTime) -> AsyncIterator[RpcServer]:  # noqa: ARG001 - for what it does
    """A server that waits for its clients for a moment only."""
    registry = MethodRegistry()
    registry.add("test_long", lambda: "x" * LONG)
    registry.add("test_short", lambda: "x")
    registry.add("test_wait", gate.wait, in_worker=True)
    limits = Limits(request_seconds=REQUEST_SECONDS)
    running = RpcServer(registry, port=0, limits=limits)
    await running.start()
    yield running
    gate.opened.set()
    await running.stop()


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - connections give no sign of what they have received
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("whole", "begin"),
    [
        pytest.param(b"", b"POST / HTTP/1.1\r\nHost: 127.0", id="head"),
        pytest.param(b"", post("test_long")[:-3], id="body"),
        pytest.param(post("test_long"), post("test_long")[:-3], id="second request"),
        pytest.param(b"", b"GET / HTTP/1.1\r\nHo", id="head for aiohttp"),
        pytest.param(b"", post("test_long", extra=b"Origin: http://localhost\r\n")[:-3], id="body for aiohttp"),
    ],
)
async def test_a_request_that_is_not_finished_in_time_ends_its_connection(
    hasty: RpcServer, time: PassingTime, whole: bytes, begin: bytes
):
    async with connected(hasty) as client:
        client.writer.write(whole + begin)
        if whole:
            assert len(str(await client.result())) == LONG
        await until(lambda: any(each.inner or each._began_at is not None for each in hasty._connections))
        await time.pass_by(5 * REQUEST_SECONDS)
        await asyncio.wait_for(client.reader.read(), 60)
    async with connected(hasty) as other:
        other.writer.write(post("test_long"))
        assert len(str(await other.result())) == LONG


async def test_a_request_that_takes_its_time_on_the_server_does_not_end_its_connection(
    hasty: RpcServer, gate: Gate, time: PassingTime
):
    async with connected(hasty) as plain, connected(hasty) as handed_over:
        plain.writer.write(post("test_wait"))
        handed_over.writer.write(post("test_wait", extra=b"Origin: http://localhost\r\n"))
        await until(lambda: hasty._workers.running == 2)
        await time.pass_by(5 * REQUEST_SECONDS)
        gate.opened.set()
        assert await plain.result() == await handed_over.result() == "through"


async def test_an_idle_connection_of_a_browser_is_kept(hasty: RpcServer, time: PassingTime):
    async with connected(hasty) as browser:
        for _ in range(3):
            browser.writer.write(post("test_short", extra=b"Origin: http://localhost\r\n"))
            assert await browser.result() == "x"
            await time.pass_by(5 * REQUEST_SECONDS)


async def test_a_client_that_takes_no_answer_loses_its_connection(hasty: RpcServer, time: PassingTime):
    async with connected(hasty) as client:
        client.writer.transport.pause_reading()
        client.writer.write(post("test_long") * 8)
        await until(lambda: any(each.unsent for each in hasty._connections))
        # As long as the system's buffers take some of it the client counts as one that reads.
        async with asyncio.timeout(60):
            while hasty._connections:
                await time.pass_by(2 * REQUEST_SECONDS)
        client.writer.transport.resume_reading()
        with suppress(ConnectionError):
            assert len(await asyncio.wait_for(client.reader.read(), 60)) < LONG
    async with connected(hasty) as other:
        other.writer.write(post("test_long"))
        assert len(str(await other.result())) == LONG


async def test_answers_that_nobody_takes_are_bounded():
    registry = MethodRegistry()
    registry.add("test_long", lambda: "x" * LONG)
    server = RpcServer(registry, port=0, limits=Limits(unsent_size=3 * LONG))
    await server.start()
    assert "clients have not taken" in await first_refusal(server)
    await server.stop()


async def first_refusal(server: RpcServer) -> str:
    """Ask from connections that take nothing until one is refused; return the error's words."""
    async with AsyncExitStack() as stack:
        for _ in range(20):
            silent = await stack.enter_async_context(connected(server))
            silent.writer.transport.pause_reading()
            silent.writer.write(post("test_long"))
            async with connected(server) as asking:
                asking.writer.write(post("test_long"))
                _, body = await asking.answer()
                if b"error" in body[:200]:
                    return str(orjson.loads(body)["error"]["message"])
    raise AssertionError("no answer was refused")
