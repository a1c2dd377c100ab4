"""What those who watch over a node ask: /metrics, /health and /ready."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from phal2.node.rpc.monitoring import LATENCY_BUCKETS, Histogram, Monitoring
from phal2.node.rpc.parameter_types import AnyValue
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.server import RpcServer


class Watched:
    """A server whose node says what it waits for, and a client."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.waits_for: str | None = None
        self.monitoring = Monitoring(lambda: self.waits_for)
        registry = MethodRegistry()

        def echo(value: AnyValue) -> object:
            return value

        registry.add("test_echo", echo)
        self.server = RpcServer(registry, port=0, monitoring=self.monitoring)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.server.url + path) as response:
            return response.status, await response.text()

    async def call(self, method: str, *params: object) -> None:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self.session.post(self.server.url, json=body) as response:
            await response.read()

    async def samples(self) -> dict[str, float]:
        """Return the values of /metrics by name and labels."""
        _, text = await self.get("/metrics")
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    async with aiohttp.ClientSession() as session:
        watched = Watched(session)
        await watched.server.start()
        yield watched
        await watched.server.stop()


async def test_a_server_that_answers_is_alive(watched: Watched):
    assert await watched.get("/health") == (200, "alive\n")


async def test_readiness_is_what_the_node_says(watched: Watched):
    assert await watched.get("/ready") == (200, "ready\n")
    watched.waits_for = "derivation is at L1 block 3 of 90"
    assert await watched.get("/ready") == (503, "not ready: derivation is at L1 block 3 of 90\n")


async def test_calls_are_counted_by_method_and_outcome(watched: Watched):
    await watched.call("test_echo", 1)
    await watched.call("test_echo", 2)
    await watched.call("test_echo")
    samples = await watched.samples()
    name = "phal2_rpc_request_seconds"
    assert samples[f'{name}_count{{method="test_echo",outcome="success"}}'] == 2
    assert samples[f'{name}_count{{method="test_echo",outcome="error"}}'] == 1
    assert samples[f'{name}_bucket{{method="test_echo",outcome="success",le="+Inf"}}'] == 2
    assert samples["phal2_rpc_connections"] == 1


async def test_clients_cannot_make_series_by_inventing_methods(watched: Watched):
    for number in range(20):
        await watched.call(f'invented"{number}')
    samples = await watched.samples()
    assert samples['phal2_rpc_request_seconds_count{method="unknown",outcome="error"}'] == 20
    assert not any("invented" in name for name in samples)


async def test_every_metric_has_its_type_once(watched: Watched):
    watched.monitoring.gauge("test_head", "A head.", lambda: 1, 'head="safe"')
    watched.monitoring.gauge("test_head", "A head.", lambda: 2, 'head="unsafe"')
    _, text = await watched.get("/metrics")
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert 'test_head{head="safe"} 1\ntest_head{head="unsafe"} 2\n' in text


async def test_monitoring_is_read_only(watched: Watched):
    async with watched.session.post(watched.server.url + "/metrics", json={}) as response:
        assert response.status == 405


def test_a_histogram_counts_up_to_each_end():
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        histogram.observe(value)
    assert list(histogram.lines("h", "")) == [
        'h_bucket{le="1.0"} 2',
        'h_bucket{le="2.0"} 3',
        'h_bucket{le="+Inf"} 4',
        "h_sum 10.0",
        "h_count 4",
    ]


def test_the_ends_of_latencies_ascend():
    assert list(LATENCY_BUCKETS) == sorted(LATENCY_BUCKETS)
