"""A devnet's servers as its operators see them: blocks keep their pace under reads, monitoring, and admin."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from phal2.devnet.process import DevnetProcess, Endpoint

Until = Callable[[Callable[[], Any]], Any]

READERS = 8
BLOCKS = 4
LATE_BLOCKS = 3
"""So many blocks the head may be behind the wall clock under load: one is being built, and this machine is shared."""


@pytest.fixture(scope="module")
def administered() -> Iterator[DevnetProcess]:
    """A devnet of its own, whose sequencer can be stopped."""
    with DevnetProcess.start("--rpc.enable-admin") as devnet:
        yield devnet


def get(endpoint: Endpoint, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(endpoint.url + path) as response:
        return response.status, response.read().decode()


@contextmanager
def flood(endpoint: Endpoint) -> Iterator[list[int]]:
    """Read without a pause over several connections; gives how many requests each has had answered."""
    counts, stop = [0] * READERS, threading.Event()
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        for method, params in (
            ("eth_getBlockByNumber", ["latest", True]),
            ("eth_call", [{"to": "0x" + "42" * 20, "data": "0x"}, "latest"]),
            ("eth_getLogs", [{"fromBlock": "0x0"}]),
            ("eth_getBalance", ["0x" + "ab" * 20, "latest"]),
            ("eth_feeHistory", ["0x10", "latest", [50]]),
            ("debug_traceBlockByNumber", ["latest", {"tracer": "callTracer"}]),
        )
    ]

    def read(number: int) -> None:
        body = json.dumps(requests).encode()
        while not stop.is_set():
            request = urllib.request.Request(endpoint.url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as response:
                answers = json.load(response)
            assert not [answer for answer in answers if "result" not in answer]
            counts[number] += len(answers)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        yield counts
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def late_blocks(endpoint: Endpoint) -> int:
    """By how many seconds, as many as blocks, the head is behind L1."""
    status = endpoint.request("optimism_syncStatus")
    return int(status["head_l1"]["timestamp"] - status["unsafe_l2"]["timestamp"])


def test_blocks_keep_their_pace_under_a_flood_of_reads(administered: DevnetProcess, until: Until) -> None:
    endpoint = administered.l2
    with flood(endpoint) as counts:
        # A devnet that has just begun may have blocks to make up for, several at once.
        until(lambda: all(counts))
        first = endpoint.block_number()
        until(lambda: endpoint.block_number() >= first + BLOCKS)
        # One that cannot keep the pace falls behind more and more; one that stood still for a moment makes up for it.
        until(lambda: late_blocks(endpoint) <= LATE_BLOCKS)


def test_metrics_show_heads_blocks_and_calls(administered: DevnetProcess, until: Until) -> None:
    administered.l2.request("eth_chainId")
    until(lambda: get(administered.l2, "/metrics")[1].count("phal2_block_building_seconds_count 0") == 0)
    _, text = get(administered.l2, "/metrics")
    assert 'phal2_head_number{head="unsafe"} ' in text
    assert 'phal2_rpc_request_seconds_count{method="eth_chainId",outcome="success"} ' in text
    assert "phal2_sequencer_active 1" in text
    assert "phal2_pool_transactions 0" in text


def test_all_servers_are_alive_and_ready(administered: DevnetProcess, until: Until) -> None:
    for endpoint in (administered.l1, administered.l2, administered.follower):
        assert get(endpoint, "/health") == (200, "alive\n")
        assert until(lambda endpoint=endpoint: get(endpoint, "/ready")) == (200, "ready\n")


def test_an_operator_stops_the_sequencer_and_starts_it_on_its_head(administered: DevnetProcess, until: Until) -> None:
    endpoint = administered.l2
    assert endpoint.request("admin_sequencerActive") is True
    last = endpoint.request("admin_stopSequencer")
    assert endpoint.request("admin_sequencerActive") is False
    head = endpoint.request("eth_getBlockByNumber", "latest", False)
    assert head["hash"] == last

    wrong = "0x" + "11" * 32
    error = refusal(endpoint, "admin_startSequencer", wrong)
    assert error == f"block hash does not match: head {last}:{int(head['number'], 16)}, received {wrong}"
    assert refusal(endpoint, "admin_stopSequencer") == "sequencer not running"

    assert endpoint.request("admin_startSequencer", last) is None
    assert refusal(endpoint, "admin_startSequencer", last) == "sequencer already running"
    until(lambda: endpoint.block_number() > int(head["number"], 16))


def test_a_follower_has_no_sequencer(administered: DevnetProcess) -> None:
    assert administered.follower.request("admin_sequencerActive") is False
    assert refusal(administered.follower, "admin_stopSequencer") == "sequencer is not enabled"


def test_admin_is_off_unless_enabled(l2: Endpoint) -> None:
    assert refusal(l2, "admin_sequencerActive") == "the method admin_sequencerActive does not exist/is not available"


def refusal(endpoint: Endpoint, method: str, *params: Any) -> str:
    """Return the message of the error that a call is answered with."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(endpoint.url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        message: str = json.load(response)["error"]["message"]
    return message
