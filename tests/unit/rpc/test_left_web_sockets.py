"""Clients that leave their WebSocket in the middle of things leave nothing behind."""

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator

import aiohttp
import pytest

from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.web_socket import MAXIMUM_UNSENT_SIZE

LONG = 4 << 20


class Failing:
    """A method that fails on a worker thread once a test lets it."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def fail(self) -> str:
        self.opened.wait(10)
        raise RpcError(SERVER_ERROR, "failed after its client had left")


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
async def server(failing: Failing) -> AsyncIterator[RpcServer]:
    async def think() -> str:
        await asyncio.sleep(0)
        return "thought"

    registry = MethodRegistry()
    registry.add("test_fail", failing.fail, in_worker=True)
    registry.add("test_think", think)
    registry.add("test_long", lambda: "x" * LONG)
    running = RpcServer(registry, port=0)
    await running.start()
    yield running
    failing.opened.set()
    await running.stop()


def request(method: str) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method}


@pytest.mark.filterwarnings("error")
async def test_what_was_begun_for_a_client_that_has_left_is_dropped_without_a_word(
    server: RpcServer, failing: Failing, caplog: pytest.LogCaptureFixture
):
    async with aiohttp.ClientSession() as session:
        for _ in range(20):
            socket = await session.ws_connect(server.url)
            for method in ("test_fail", "test_think", "test_think"):
                await socket.send_json(request(method))
                await socket.send_json([request(method)] * 3)
            transport = socket._response.connection.transport  # type: ignore[union-attr]
            transport.abort()  # type: ignore[union-attr]
        failing.opened.set()
        async with session.ws_connect(server.url) as other:
            await other.send_json(request("test_think"))
            assert (await other.receive_json())["result"] == "thought"
    await server.stop()
    gc.collect()
    await asyncio.sleep(0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_requests_of_a_client_that_takes_nothing_are_not_read_and_it_may_leave(server: RpcServer):
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(server.url, max_msg_size=0)
        transport = socket._response.connection.transport  # type: ignore[union-attr]
        transport.pause_reading()  # type: ignore[union-attr]
        for _ in range(64):
            await socket.send_json(request("test_long"))
        async with session.ws_connect(server.url) as other:
            await other.send_json(request("test_think"))
            assert (await other.receive_json())["result"] == "thought"
        (waiting,) = [each.unsent_size for each in server._web_sockets]
        assert waiting <= MAXIMUM_UNSENT_SIZE + 2 * LONG
        transport.abort()  # type: ignore[union-attr]
        async with session.ws_connect(server.url) as other, asyncio.timeout(10):
            while len(server._web_sockets) > 1:
                await other.send_json(request("test_think"))
                await other.receive_json()
