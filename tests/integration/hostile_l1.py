"""A server between a node and its L1 that is faulty or lies, as public endpoints are and enemies would."""

import asyncio
import json
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web

HEX: Final = "0123456789abcdef"
ABSURD_TIP: Final = 10**18
ACCOUNT_METHODS: Final = ("eth_getTransactionCount", "eth_getTransactionReceipt", "eth_sendRawTransaction")


class HungUp(Exception):
    """Ends a connection without an answer."""


class HostileL1:
    """Hands requests on to `target`, or with a fault of `faults` as often as `share` says; all chance is the seed's.

    `other` is an L1 of another chain, for the faults that need one. The beacon API goes the same way.
    """

    def __init__(self, target: str, other: str, seed: int) -> None:
        self.target = target
        self.other = other
        self.share = 0.0
        self.faults: tuple[str, ...] = tuple(FAULTS)
        self.spares_accounts = False
        self.done: dict[str, int] = {}
        self.url = ""
        self.random = random.Random(seed)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        self._runner = web.ServerRunner(web.Server(self._handle), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def forward(self, request: web.BaseRequest, body: bytes, target: str | None = None) -> bytes:
        url, headers = (target or self.target) + request.path_qs, {"Content-Type": "application/json"}
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            return await answer.read()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        fault = self.random.choice(self.faults) if self.random.random() < self.share else None
        if fault is None or (self.spares_accounts and any(name.encode() in body for name in ACCOUNT_METHODS)):
            return _json(await self.forward(request, body))
        self.done[fault] = self.done.get(fault, 0) + 1
        try:
            return await FAULTS[fault](self, request, body)
        except HungUp:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _error(body: bytes, code: int, message: str) -> web.Response:
    asked = json.loads(body) if body else {}
    calls = asked if isinstance(asked, list) else [asked]
    answers = [{"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": code, "message": message}} for call in calls]
    return web.json_response(answers if isinstance(asked, list) else answers[0])


Fault = Callable[[HostileL1, web.BaseRequest, bytes], Awaitable[web.StreamResponse]]


async def _unavailable(*_: object) -> web.StreamResponse:
    return web.Response(status=503, text="no upstream")


async def _too_many_requests(*_: object) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "0.1"})


async def _rate_limited(_proxy: HostileL1, _request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    return _error(body, -32005, "rate limit exceeded")


async def _internal_error(_proxy: HostileL1, _request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    return _error(body, -32603, "internal error")


async def _hung_up(*_: object) -> web.StreamResponse:
    raise HungUp


async def _slow(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    await asyncio.sleep(proxy.random.uniform(0.1, 0.6))
    return _json(await proxy.forward(request, body))


async def _garbage(proxy: HostileL1, *_: object) -> web.StreamResponse:
    return _json(proxy.random.randbytes(proxy.random.randrange(200)))


async def _truncated(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    answer = await proxy.forward(request, body)
    response = web.StreamResponse(headers={"Content-Length": str(len(answer))})
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    raise HungUp


async def _cut_short(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    answer = await proxy.forward(request, body)
    return _json(answer[: len(answer) // 2])


async def _nothing(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Null, or of the beacon API an empty list."""
    answer = json.loads(await proxy.forward(request, body))
    if isinstance(answer, dict):
        answer |= {"data": []} if "data" in answer else {"result": None}
    return web.json_response(answer)


async def _altered(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """One hexadecimal digit somewhere in the answer is another."""
    answer = json.loads(await proxy.forward(request, body))
    places = [place for place in _places(_content(answer)) if isinstance(place[0][place[1]], str)]
    if places:
        container, key = proxy.random.choice(places)
        text = container[key]
        if len(text) > 2:
            position = proxy.random.randrange(2, len(text))
            container[key] = text[:position] + proxy.random.choice(HEX) + text[position + 1 :]
    elif isinstance(answer, dict) and isinstance(answer.get("result"), str) and len(answer["result"]) > 2:
        answer["result"] = answer["result"][:-1] + proxy.random.choice(HEX)
    return web.json_response(answer)


async def _left_out(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """A field, a transaction, a receipt, a log or a blob is missing."""
    answer = json.loads(await proxy.forward(request, body))
    places = list(_places(_content(answer)))
    if places:
        container, key = proxy.random.choice(places)
        del container[key]
    return web.json_response(answer)


async def _stale(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """The head of some blocks ago; blocks that are newer are not there."""
    asked = json.loads(body) if body else None
    if not isinstance(asked, dict) or asked.get("method") != "eth_getBlockByNumber":
        return _json(await proxy.forward(request, body))
    head = json.loads(await proxy.forward(request, json.dumps(asked | {"params": ["latest", False]}).encode()))
    number = max(0, int(head["result"]["number"], 16) - proxy.random.randrange(1, 8))
    first = asked["params"][0]
    wanted = number if first == "latest" else int(first, 16) if first.startswith("0x") else None
    if wanted is None:
        return _json(await proxy.forward(request, body))
    if wanted > number:
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": None})
    asked["params"][0] = hex(wanted)
    return _json(await proxy.forward(request, json.dumps(asked).encode()))


async def _another_block(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """The neighbour of the block that was asked for."""
    asked = json.loads(body) if body else None
    if isinstance(asked, dict) and asked.get("method") == "eth_getBlockByNumber" and asked["params"][0][:2] == "0x":
        asked["params"][0] = hex(max(0, int(asked["params"][0], 16) - 1))
    return _json(await proxy.forward(request, json.dumps(asked).encode() if asked else body))


async def _another_chain(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    return _json(await proxy.forward(request, body, proxy.other))


async def _absurd_tip(proxy: HostileL1, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    if b"eth_maxPriorityFeePerGas" not in body:
        return _json(await proxy.forward(request, body))
    return web.json_response({"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": hex(ABSURD_TIP)})


FAULTS: Final[dict[str, Fault]] = {
    "unavailable": _unavailable,
    "too many requests": _too_many_requests,
    "rate limited": _rate_limited,
    "internal error": _internal_error,
    "hung up": _hung_up,
    "slow": _slow,
    "garbage": _garbage,
    "truncated": _truncated,
    "cut short": _cut_short,
    "nothing": _nothing,
    "altered": _altered,
    "left out": _left_out,
    "stale": _stale,
    "another block": _another_block,
    "another chain": _another_chain,
    "absurd tip": _absurd_tip,
}


def _content(answer: Any) -> Any:
    return (answer.get("result") or answer.get("data")) if isinstance(answer, dict) else None


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


@contextmanager
def hostile_l1(target: str, other: str, seed: int) -> Iterator[HostileL1]:
    """A server on a thread of its own; what it does is set from outside while it runs."""
    proxy, loop = HostileL1(target, other, seed), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(60)
        yield proxy
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
