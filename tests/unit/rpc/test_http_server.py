"""The server at its port: HTTP by raw socket, hosts, origins, limits, and ports that are taken."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest

from phal2.node.rpc.access import AccessRules
from phal2.node.rpc.errors import CannotListen, PortTaken
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.parameter_types import AnyValue
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer

CALL = b'{"jsonrpc":"2.0","id":1,"method":"test_echo","params":["hello"]}'
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": "hello"}
BODY_LIMIT = 10_000


def make_registry() -> MethodRegistry:
    def echo(value: AnyValue) -> object:
        return value

    registry = MethodRegistry()
    registry.add("test_echo", echo)
    return registry


@pytest.fixture
async def server() -> AsyncIterator[RpcServer]:
    access = AccessRules(virtual_hosts=("localhost", "node.example"), cors_origins=("https://wallet.example",))
    running = RpcServer(make_registry(), port=0, access=access, limits=Limits(body_size=BODY_LIMIT))
    await running.start()
    yield running
    await running.stop()


async def exchange(server: RpcServer, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, and return status, headers and body of the answer, reading until the server closes."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), timeout=60)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return int(status_line.split()[1]), headers, body


def post(body: bytes = CALL, **headers: str) -> bytes:
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


async def test_a_post_is_answered(server: RpcServer):
    status, headers, body = await exchange(server, post())
    assert status == 200
    assert headers["content-type"].startswith("application/json")
    assert orjson.loads(body) == ANSWER


async def test_a_notification_has_an_empty_answer(server: RpcServer):
    status, _, body = await exchange(server, post(b'{"jsonrpc":"2.0","method":"test_echo","params":[1]}'))
    assert (status, body) == (200, b"")


async def test_get_says_what_is_served(server: RpcServer):
    status, _, body = await exchange(server, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert status == 200
    assert body.startswith(b"phal2 v")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(Content_Type="text/plain"), 415),
        (post(Content_Type=""), 415),
        (post(Host="evil.example"), 403),
        (post().replace(b"POST / ", b"POST /other "), 404),
        (post().replace(b"POST / ", b"PUT / "), 405),
        (post().replace(b"POST / ", b"BREW / "), 400),
        (post(bytes(BODY_LIMIT + 1)), 413),
        (post(Content_Length="99999999999999999999"), 400),
        (post(gzip.compress(bytes(10 * BODY_LIMIT), mtime=0), Content_Encoding="gzip"), 415),
        (post(Content_Encoding="br"), 415),
        (post(Content_Length="-1"), 400),
        (post(Content_Length="5, 6"), 400),
        (post().replace(b"HTTP/1.1", b"HTTP/9.9"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
async def test_what_is_not_a_request_is_refused_and_the_server_goes_on(
    server: RpcServer, request_bytes: bytes, status: int
):
    found, _, body = await exchange(server, request_bytes)
    assert found == status
    assert b"Traceback" not in body
    assert orjson.loads((await exchange(server, post()))[2]) == ANSWER


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8545", "127.0.0.1:1", "[::1]:8545", "192.0.2.7", "node.example"]
)
async def test_addresses_and_known_hosts_are_admitted(server: RpcServer, host: str):
    assert (await exchange(server, post(Host=host)))[0] == 200


async def test_a_body_in_chunks_is_read(server: RpcServer):
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (CALL[:5], CALL[5:])) + b"0\r\n\r\n"
    _, _, body = await exchange(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert orjson.loads(body) == ANSWER


async def test_a_client_that_asks_to_continue_is_told_so(server: RpcServer):
    _, _, body = await exchange(server, post(Expect="100-continue"))
    assert body.startswith(b"HTTP/1.1 200")


async def test_a_preflight_is_answered_for_admitted_origins_alone(server: RpcServer):
    def preflight(origin: str) -> bytes:
        lines = f"Host: 127.0.0.1\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\nConnection: close"
        return f"OPTIONS / HTTP/1.1\r\n{lines}\r\n\r\n".encode()

    status, headers, _ = await exchange(server, preflight("https://wallet.example"))
    assert status == 204
    assert headers["access-control-allow-origin"] == "https://wallet.example"
    assert headers["access-control-allow-headers"] == "content-type"
    status, headers, _ = await exchange(server, preflight("https://evil.example"))
    assert "access-control-allow-origin" not in headers


async def test_answers_tell_browsers_who_may_read_them(server: RpcServer):
    _, headers, _ = await exchange(server, post(Origin="https://wallet.example"))
    assert headers["access-control-allow-origin"] == "https://wallet.example"
    _, headers, _ = await exchange(server, post(Origin="https://evil.example"))
    assert "access-control-allow-origin" not in headers


async def test_a_web_socket_of_a_foreign_page_is_refused(server: RpcServer):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(server.url, origin="https://evil.example")
        for origin in (None, "http://localhost:3000", "https://wallet.example"):
            async with session.ws_connect(server.url, origin=origin) as socket:
                await socket.send_bytes(CALL)
                assert await socket.receive_json() == ANSWER


async def test_many_requests_on_one_connection(server: RpcServer):
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post(Connection="keep-alive") * 20)
    for _ in range(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert orjson.loads(await reader.readexactly(length)) == ANSWER
    writer.close()


async def test_a_taken_port_is_one_clear_error(server: RpcServer):
    second = RpcServer(make_registry(), port=server.port)
    with pytest.raises(PortTaken, match=f"port {server.port} on 127.0.0.1 is in use; stop what uses it"):
        await second.start()
    await second.stop()


async def test_an_address_of_another_machine_is_one_clear_error():
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1"):
        await RpcServer(make_registry(), host="192.0.2.1", port=0).start()


async def test_a_stopped_server_gives_its_port_free():
    # Another program may take one of them meanwhile.
    assert any([await can_be_listened_at_again() for _ in range(3)])


async def can_be_listened_at_again() -> bool:
    """Tell whether a server can take the port of one that was stopped, twice."""
    server = RpcServer(make_registry(), port=0)
    await server.start()
    await server.stop()
    await server.stop()
    again = RpcServer(make_registry(), port=server.port)
    try:
        await again.start()
    except PortTaken:
        return False
    finally:
        await again.stop()
    assert again.port == server.port
    return True
