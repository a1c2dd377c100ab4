"""Nothing that comes over a socket breaks the server: malformed HTTP, JSON, JSON-RPC, parameters of every method."""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_chain import ServedChain, serve

from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer

CHAIN_ID_CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'

# Values that are nearly right get further than such as are wholly wrong.
WORDS = st.sampled_from(
    [
        "0x",
        "0x0",
        "0x1",
        "0x00",
        "-0x1",
        "latest",
        "pending",
        "earliest",
        "0x" + "ab" * 20,
        "0x" + "00" * 32,
        "newHeads",
        "0x" + "f" * 16,
        "0x" + "f" * 64,
        "0x" + "f" * 65,
        "callTracer",
        "prestateTracer",
        "",
        "0x\ud7ff",
        "\x00",
    ]
)
FIELDS = st.sampled_from(
    [
        "to",
        "from",
        "data",
        "input",
        "gas",
        "gasPrice",
        "value",
        "nonce",
        "address",
        "topics",
        "fromBlock",
        "toBlock",
        "blockHash",
        "blockNumber",
        "tracer",
        "tracerConfig",
        "accessList",
        "authorizationList",
        "blockStateCalls",
        "attestation",
        "stateOverrides",
        "0x" + "ab" * 20,
        "balance",
        "state",
        "stateDiff",
        "code",
        "timeout",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | WORDS | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=5), max_leaves=12
)


class RunningServer:
    """A served chain with some blocks on an event loop of its own, as every example needs it for a moment only."""

    def __init__(self, directory: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._chain = ServedChain(directory)
        for _ in range(3):
            self._chain.seal()
        self.server, self._workers = self.run(serve(self._chain))
        self.methods = [method.name for method in registry_of(self.server).methods()]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def exchange(self, request: bytes) -> bytes:
        """Send bytes and the end of them; return all that comes back."""
        return bytes(self.run(exchange(self.server, request)))

    def stop(self) -> None:
        self.run(self.server.stop())
        self._workers.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._chain.store.close()


def registry_of(server: RpcServer) -> MethodRegistry:
    return server._registry


async def exchange(server: RpcServer, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(request)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def posted(server: RpcServer, body: bytes) -> Any:
    """Post a body and return the decoded answer, None where it is empty."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    try:
        writer.write(head % len(body) + body)
        answer_head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert answer_head.startswith(b"HTTP/1.1 200")
        length = int(answer_head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await asyncio.wait_for(reader.readexactly(length), 30)
    finally:
        writer.close()
    return orjson.loads(answer) if answer else None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("fuzzed"))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A method that fails by a defect is answered with "internal error", and logged."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def assert_alive(running: RunningServer) -> None:
    answer = running.run(posted(running.server, CHAIN_ID_CALL))
    assert answer["result"] == "0x4f7e"


def assert_good_answer(answer: Any) -> None:
    for one in answer if isinstance(answer, list) else [answer]:
        assert one["jsonrpc"] == "2.0"
        assert ("result" in one) != ("error" in one)
        if "error" in one:
            assert isinstance(one["error"]["code"], int)
            assert one["error"]["message"] != "internal error"
            assert "Traceback" not in one["error"]["message"]


@settings(max_examples=60)
@given(junk=st.binary(max_size=300))
def test_bytes_that_are_no_http(running: RunningServer, junk: bytes):
    answer = running.exchange(junk)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    assert b"Traceback" not in answer
    assert_alive(running)


HEADER_LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 5",
            b"Content-Length: -1",
            b"Content-Length: 9e9",
            b"Transfer-Encoding: chunked",
            b"Host:",
            b"Transfer-Encoding: gzip, chunked",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
            b"Expect: 100-continue",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Key: x",
            b"Sec-WebSocket-Version: 13",
            b": x",
            b"Content-Type: application/json",
            b"Content-Type: text/plain",
            b"Origin: null",
            b"Host: a.example",
            b" fold",
            b"X: " + b"y" * 9000,
            b"Content-Length:\t47",
            b"Connection: close",
            b"Connection: keep-alive, x",
            b"Te: x",
        ]
    ),
    max_size=6,
)
REQUEST_LINES = st.sampled_from(
    [
        b"POST / HTTP/1.1",
        b"POST / HTTP/1.0",
        b"GET / HTTP/1.1",
        b"POST /x HTTP/1.1",
        b"POST  / HTTP/1.1",
        b"PUT / HTTP/1.1",
        b"OPTIONS / HTTP/1.1",
        b"POST / HTTP/2.0",
        b"GET /metrics HTTP/1.1",
        b"POST http://[ HTTP/1.1",
        b"POST * HTTP/1.1",
    ]
)


@settings(max_examples=120)
@given(
    line=REQUEST_LINES, headers=HEADER_LINES, body=st.binary(max_size=60) | st.just(CHAIN_ID_CALL), end=st.booleans()
)
def test_requests_that_are_nearly_http(
    running: RunningServer, line: bytes, headers: list[bytes], body: bytes, end: bool
):
    head = b"\r\n".join((line, b"Host: 127.0.0.1", *headers))
    answer = running.exchange(head + (b"\r\n\r\n" if end else b"\r\n") + body)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500"))
    assert_alive(running)


@settings(max_examples=80)
@given(body=st.binary(max_size=200) | VALUES.map(orjson.dumps) | st.text(max_size=100).map(str.encode))
def test_bodies_that_are_no_requests(running: RunningServer, body: bytes):
    answer = running.run(posted(running.server, body))
    if answer is not None:
        assert_good_answer(answer)
    assert_alive(running)


@settings(max_examples=80)
@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.just("2.0") | SCALARS,
            "id": SCALARS | VALUES,
            "method": st.just("eth_chainId") | SCALARS,
            "params": VALUES,
        },
    )
)
def test_requests_with_wrong_members(running: RunningServer, fields: dict[str, Any]):
    answer = running.run(posted(running.server, orjson.dumps(fields)))
    if answer is not None:
        assert_good_answer(answer)


@pytest.mark.parametrize(
    "params",
    [
        [],
        [None],
        [{}],
        [[]],
        [True],
        [-1],
        [1.5],
        ["0x"],
        ["latest"],
        ["0x" + "f" * 300],
        [{"from": 5}, "0x"],
        [[], {}],
    ],
    ids=str,
)
def test_wrong_parameters_of_every_method(running: RunningServer, params: list[Any]):
    for method in running.methods:
        call(running, method, params)


@settings(max_examples=250)
@given(number=st.integers(0, 10_000), params=st.lists(VALUES, max_size=4))
def test_parameters_of_any_method(running: RunningServer, number: int, params: list[Any]):
    call(running, running.methods[number % len(running.methods)], params)


def call(running: RunningServer, method: str, params: list[Any]) -> None:
    request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
    answer = running.run(posted(running.server, orjson.dumps(request)))
    assert answer["id"] == method
    assert_good_answer(answer)
