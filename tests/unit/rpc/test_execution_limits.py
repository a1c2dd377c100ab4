"""Calls end at their time limit, and when nobody waits for them any more; the worker is then free for others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from served_chain import ServedChain

from phal2.node.rpc.dispatcher import Dispatcher
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.namespaces.eth_calls import CallMethods
from phal2.node.rpc.namespaces.eth_chain import ChainMethods
from phal2.node.rpc.namespaces.eth_simulation import SimulationMethods
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer
from phal2.node.rpc.workers import Workers

ENDLESS = "0x" + "e1" * 20
ENDLESS_CALL_LOOP = "0x" + "e2" * 20
OVERRIDES = {
    ENDLESS: {"code": "0x5b600056"},
    # Calls the identity contract again and again.
    ENDLESS_CALL_LOOP: {"code": "0x5b5f5f5f5f5f60045af150600056"},
}
NO_LIMIT = {"gas_cap": 10**15, "seconds": 10**6}


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[ServedChain]:
    chain = ServedChain(tmp_path / "l2")
    yield chain
    chain.store.close()


def methods_of(chain: ServedChain, workers: Workers, **options: Any) -> MethodRegistry:
    registry = MethodRegistry()
    CallMethods(chain, workers, **options).register(registry)
    SimulationMethods(chain, workers, **options).register(registry)
    return registry


def request(method: str, *params: Any) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})


def endless_call(target: str = ENDLESS) -> bytes:
    return request("eth_call", {"to": target}, "latest", OVERRIDES)


def simulation(**options: Any) -> dict[str, Any]:
    return {"blockStateCalls": [{"stateOverrides": OVERRIDES, "calls": [{"to": ENDLESS}]}], **options}


@pytest.mark.parametrize(
    "body",
    [
        endless_call(),
        endless_call(ENDLESS_CALL_LOOP),
        request("eth_estimateGas", {"to": ENDLESS}, "latest", OVERRIDES),
        request("eth_createAccessList", {"to": ENDLESS}, "latest", OVERRIDES),
        request("eth_simulateV1", simulation()),
        request("eth_simulateV1", simulation(traceTransfers=True)),
    ],
)
async def test_an_execution_ends_at_its_time_limit(chain: ServedChain, body: bytes):
    workers = Workers(1, maximum_stopped=0)
    registry = methods_of(chain, workers, gas_cap=25_000_000, seconds=0.1)
    answer = orjson.loads(await Dispatcher(registry, workers, Limits()).answer(body) or b"")
    workers.close()
    assert answer["error"] == {"code": -32000, "message": "execution aborted (timeout = 0.1s)"}


async def test_a_fee_history_with_tips_ends_at_its_time_limit(chain: ServedChain):
    workers, registry = Workers(1), MethodRegistry()
    ChainMethods(chain, workers, history_seconds=0.0).register(registry)
    chain.seal()
    body = request("eth_feeHistory", "0x400", "latest", [50])
    answer = orjson.loads(await Dispatcher(registry, workers, Limits()).answer(body) or b"")
    workers.close()
    assert answer["error"] == {"code": -32000, "message": "execution aborted (timeout = 0s)"}


async def test_an_execution_ends_when_its_http_client_leaves(chain: ServedChain):
    workers = Workers(1, maximum_stopped=0)
    server = RpcServer(methods_of(chain, workers, **NO_LIMIT), port=0, workers=workers)
    await server.start()
    async with aiohttp.ClientSession() as impatient, aiohttp.ClientSession() as patient:
        asked = asyncio.create_task(post(impatient, server, endless_call()))
        await until_busy(workers)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert (await post(patient, server, request("eth_call", {})))["result"] == "0x"
    await server.stop()
    workers.close()


async def test_an_execution_ends_when_its_web_socket_closes(chain: ServedChain):
    workers = Workers(1, maximum_stopped=0)
    server = RpcServer(methods_of(chain, workers, **NO_LIMIT), port=0, workers=workers)
    await server.start()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(server.url) as socket:
            await socket.send_bytes(endless_call())
            await until_busy(workers)
        assert (await post(session, server, request("eth_call", {})))["result"] == "0x"
    await server.stop()
    workers.close()


async def post(session: aiohttp.ClientSession, server: RpcServer, body: bytes) -> Any:
    async with session.post(server.url, data=body, headers={"Content-Type": "application/json"}) as response:
        return orjson.loads(await response.read())


async def until_busy(workers: Workers) -> None:
    """Wait until a worker has begun what there is to do."""
    while not workers.running:  # noqa: ASYNC110 - a worker thread tells of itself by no event
        await asyncio.sleep(0)
