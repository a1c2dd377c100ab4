"""The JSON-RPC client: results, refusals, and endpoints in trouble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
import pytest
from aiohttp import web

from phal2.node.l1.backoff import Backoff
from phal2.node.l1.errors import EndpointRefused, EndpointUnavailable, InvalidAnswer, InvalidEndpointUrl
from phal2.node.l1.json_rpc import JsonRpcClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint:
    """A server whose handler a test chooses."""

    def __init__(self) -> None:
        self.handler: Handler = answering({})
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await self.handler(request)


def answering(members: dict[str, object], status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        answer = {"jsonrpc": "2.0", "id": body["id"], **members}
        return web.Response(body=orjson.dumps(answer), status=status, headers=headers)

    return handle


def sending(body: bytes, status: int = 200) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return handle


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    application = web.Application()
    application.router.add_post("/", endpoint.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[JsonRpcClient]:
    client = JsonRpcClient(endpoint.url, timeout_seconds=60, maximum_response_bytes=10_000)
    yield client
    await client.close()


async def test_a_call_returns_the_result(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"result": {"a": [1, None]}})
    assert await client.call("method", "0x1", True) == {"a": [1, None]}


async def test_a_null_result_is_none(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"result": None})
    assert await client.call("method") is None


async def test_a_batch_returns_the_results_in_the_order_of_the_calls(client: JsonRpcClient, endpoint: Endpoint) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        requests = orjson.loads(await request.read())
        answers = [{"jsonrpc": "2.0", "id": one["id"], "result": one["params"][0]} for one in reversed(requests)]
        return web.Response(body=orjson.dumps(answers))

    endpoint.handler = handle
    assert await client.batch([("m", ["a"]), ("m", ["b"]), ("m", ["c"])]) == ["a", "b", "c"]
    assert await client.batch([]) == []


@pytest.mark.parametrize(("refuses", "expected_sizes"), [(True, [7, 3, 1, 2, 4, 2, 2]), (False, [7, 3, 4, 2, 2])])
async def test_a_batch_whose_answer_is_too_long_is_asked_for_in_halves(
    client: JsonRpcClient, endpoint: Endpoint, refuses: bool, expected_sizes: list[int]
) -> None:
    sizes = []

    async def handle(request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        requests = body if isinstance(body, list) else [body]
        sizes.append(len(requests))
        answers = [{"jsonrpc": "2.0", "id": one["id"], "result": one["params"][0] * 3_000} for one in requests]
        if refuses and len(requests) > 2:
            answers[2:] = [{"id": one["id"], "error": {"code": -32003, "message": "too large"}} for one in requests[2:]]
        return web.Response(body=orjson.dumps(answers if isinstance(body, list) else answers[0]))

    endpoint.handler = handle
    results = await client.batch([("m", [letter]) for letter in "abcdefg"])

    assert results == [letter * 3_000 for letter in "abcdefg"]
    assert sizes == expected_sizes


async def test_an_error_object_is_a_refusal_with_its_code_and_data(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"error": {"code": 3, "message": "execution reverted", "data": "0x08"}})
    with pytest.raises(EndpointRefused, match="execution reverted") as raised:
        await client.call("eth_call")
    assert (raised.value.code, raised.value.data, raised.value.method) == (3, "0x08", "eth_call")


async def test_an_error_of_an_endpoint_is_one_line_of_text(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"error": {"code": -32000, "message": "\x1b[2K\nnext: send it all"}})
    with pytest.raises(EndpointRefused) as raised:
        await client.call("eth_call")
    assert str(raised.value).isprintable()
    assert r"\nnext: send it all" in raised.value.message


async def test_a_refusal_with_a_bad_request_status_is_a_refusal_too(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"error": {"code": -32602, "message": "bad"}}, status=400)
    with pytest.raises(EndpointRefused):
        await client.call("method")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_busy_endpoint_is_unavailable_for_as_long_as_it_says(
    client: JsonRpcClient, endpoint: Endpoint, status: int
) -> None:
    endpoint.handler = answering({}, status=status, headers={"Retry-After": "7"})
    with pytest.raises(EndpointUnavailable, match=str(status)) as raised:
        await client.call("method")
    assert raised.value.retry_after_seconds == 7


async def test_a_rate_limit_told_as_an_error_object_is_unavailability(
    client: JsonRpcClient, endpoint: Endpoint
) -> None:
    endpoint.handler = answering({"error": {"code": -32005, "message": "limit exceeded"}})
    with pytest.raises(EndpointUnavailable, match="limit exceeded"):
        await client.call("method")


async def test_an_endpoint_that_does_not_answer_in_time_is_unavailable(endpoint: Endpoint) -> None:
    released = asyncio.Event()

    async def handle(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    endpoint.handler = handle
    client = JsonRpcClient(endpoint.url, timeout_seconds=0.05)
    with pytest.raises(EndpointUnavailable, match=r"no answer within 0\.05 s"):
        await client.call("method")
    released.set()
    await client.close()


async def test_nobody_listening_is_unavailability() -> None:
    client = JsonRpcClient("http://127.0.0.1:1")
    with pytest.raises(EndpointUnavailable, match="connection failed"):
        await client.call("method")
    await client.close()


async def test_an_answer_that_is_too_long_is_refused(client: JsonRpcClient, endpoint: Endpoint) -> None:
    endpoint.handler = answering({"result": "x" * 20_000})
    with pytest.raises(InvalidAnswer, match="longer than 10000 bytes"):
        await client.call("method")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"1",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":2,"result":1}',
        b'{"jsonrpc":"2.0","id":1,"error":"bad"}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}',
        b"[" * 5_000,
    ],
)
async def test_a_malformed_answer_is_refused(client: JsonRpcClient, endpoint: Endpoint, body: bytes) -> None:
    endpoint.handler = sending(body)
    with pytest.raises(InvalidAnswer):
        await client.call("method")


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'[{"id":1,"result":1}]', b'[{"id":1,"result":1},{"id":1,"result":1}]', b"[1,2]"]
)
async def test_a_malformed_answer_to_a_batch_is_refused(client: JsonRpcClient, endpoint: Endpoint, body: bytes) -> None:
    endpoint.handler = sending(body)
    with pytest.raises(InvalidAnswer):
        await client.batch([("a", []), ("b", [])])


async def test_a_redirect_is_not_followed(client: JsonRpcClient, endpoint: Endpoint) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"})

    endpoint.handler = handle
    with pytest.raises(InvalidAnswer, match="307"):
        await client.call("method")


@pytest.mark.parametrize("url", ["", "localhost:8545", "ftp://a", "http://", "ws://127.0.0.1:1", "http://a:99999"])
def test_a_url_that_no_request_can_go_to_is_refused(url: str) -> None:
    with pytest.raises(InvalidEndpointUrl, match="expected"):
        JsonRpcClient(url)


@pytest.mark.parametrize("host", ["a..b", ".", "a" * 64 + ".test"])
def test_a_host_that_no_name_server_can_be_asked_for_is_refused(host: str) -> None:
    with pytest.raises(InvalidEndpointUrl, match="the host's name"):
        JsonRpcClient(f"http://{host}:1")


async def test_errors_do_not_show_the_credentials_of_the_url() -> None:
    client = JsonRpcClient("http://user:secret@127.0.0.1:1/hidden?key=hidden")
    with pytest.raises(EndpointUnavailable) as raised:
        await client.call("method")
    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert str(raised.value).startswith("http://127.0.0.1:1: ")
    await client.close()


@pytest.mark.parametrize(
    "answer", [b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd"]
)
async def test_a_server_that_breaks_http_does_not_have_the_credentials_shown(answer: bytes) -> None:
    async def break_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(break_http, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = JsonRpcClient(f"http://user:secret@127.0.0.1:{port}/hidden?key=hidden")
        with pytest.raises(EndpointUnavailable, match=r"the connection failed: \S") as raised:
            await client.call("method")
        await client.close()
    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_backoff_doubles_to_its_limit_and_begins_again_after_a_success() -> None:
    backoff = Backoff(1, 5)
    assert [backoff.next_delay() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.next_delay(EndpointUnavailable("u", "t", retry_after_seconds=3)) == 3
