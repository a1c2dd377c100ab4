"""Clients that leave their WebSocket in the middle of things leave nothing behind."""

import asyncio
import gc
import logging
import warnings
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest

from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.web_socket import MAXIMUM_UNSENT_SIZE

LONG = 4 << 20
OPENING = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def fail() -> str:
    raise RpcError(SERVER_ERROR, "failed after its client had left")


@pytest.fixture
async def server() -> AsyncIterator[RpcServer]:
    async def think() -> str:
        await asyncio.sleep(0)
        return "thought"

    registry = MethodRegistry()
    registry.add("test_fail", fail, in_worker=True)
    registry.add("test_think", think)
    registry.add("test_long", lambda: "x" * LONG)
    running = RpcServer(registry, port=0)
    await running.start()
    yield running
    await running.stop()


def frame(first_byte: int, content: bytes) -> bytes:
    """Return a client's frame, whose mask of zeros leaves the content as it is."""
    return bytes([first_byte, 0x80 | 126]) + len(content).to_bytes(2, "big") + bytes(4) + content


def request(method: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method}


@pytest.mark.filterwarnings("error")
async def test_what_was_begun_for_a_client_that_has_left_is_dropped_without_a_word(
    server: RpcServer, caplog: pytest.LogCaptureFixture
):
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what other tests have left
    requests = [request(method) for method in ("test_fail", "test_think", "test_think")]
    frames = b"".join(frame(0x81, orjson.dumps(each)) for each in (*requests, requests, *requests))
    for _ in range(20):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        # All at once, so that the end is there before anything is answered.
        writer.write(OPENING + frames + frame(0x88, b""))
        await asyncio.wait_for(reader.read(), 60)
        writer.close()
    async with aiohttp.ClientSession() as session, session.ws_connect(server.url) as other:
        await other.send_json(request("test_fail"))
        assert "failed" in (await other.receive_json())["error"]["message"]
    await server.stop()
    gc.collect()
    await asyncio.sleep(0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_requests_of_a_client_that_takes_nothing_are_not_read_and_it_may_leave(server: RpcServer):
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(server.url, max_msg_size=0)
        transport = socket._response.connection.transport
        transport.pause_reading()
        for _ in range(64):
            await socket.send_json(request("test_long"))
        async with session.ws_connect(server.url) as other:
            await other.send_json(request("test_think"))
            assert (await other.receive_json())["result"] == "thought"
        (waiting,) = [each.unsent_size for each in server._web_sockets]
        assert waiting <= MAXIMUM_UNSENT_SIZE + 2 * LONG
        transport.abort()
        async with session.ws_connect(server.url) as other, asyncio.timeout(60):
            while len(server._web_sockets) > 1:
                await other.send_json(request("test_think"))
                await other.receive_json()
