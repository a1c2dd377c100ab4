"""Quotes from dstack's guest agent, over a Unix socket as it serves them."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from phal2.bridge.prover.dstack_enclave import DstackEnclave, open_enclave
from phal2.bridge.prover.errors import NoEnclave
from phal2.devnet.tee.simulator import simulate_quote

REPORT_DATA = bytes(range(64))
QUOTE = simulate_quote(REPORT_DATA, "prover", 0).quote

Answer = Callable[[str, dict[str, Any]], tuple[int, bytes]]


class GuestAgent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers as `answer` says."""

    daemon_threads = True
    answer: Answer

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert isinstance(self.server, GuestAgent)
            status, body = self.server.answer(self.path, content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            pass


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[GuestAgent]:
    with GuestAgent(str(tmp_path / "dstack.sock"), GuestAgent.Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def enclave(agent: GuestAgent) -> DstackEnclave:
    return DstackEnclave(Path(str(agent.server_address)))


def test_the_quote_is_over_the_report_data_and_has_its_exact_length(agent: GuestAgent) -> None:
    asked = []

    def answer(path: str, content: dict[str, Any]) -> tuple[int, bytes]:
        asked.append((path, content))
        padded = QUOTE + bytes(100)
        return 200, json.dumps({"quote": padded.hex(), "event_log": "[]", "vm_config": "{}"}).encode()

    agent.answer = answer
    assert enclave(agent).quote(REPORT_DATA) == QUOTE
    assert asked == [("/GetQuote", {"report_data": REPORT_DATA.hex()})]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"error": "no TDX"}'),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"quote": 5}'),
        (200, b'{"quote": "zz"}'),
        (200, b'{"quote": "00"}'),
        (200, b" " * ((1 << 20) + 1)),
    ],
)
def test_an_agent_that_gives_no_quote_is_named(agent: GuestAgent, status: int, body: bytes) -> None:
    agent.answer = lambda path, content: (status, body)  # noqa: ARG005 - the form of an answer
    with pytest.raises(NoEnclave, match=r"dstack\.sock"):
        enclave(agent).quote(REPORT_DATA)


def test_outside_of_dstack_it_says_so() -> None:
    assert open_enclave(b"{}").path == Path("/var/run/dstack.sock")
    with pytest.raises(NoEnclave, match="must run in a confidential virtual machine"):
        DstackEnclave(Path("/nowhere/dstack.sock")).quote(REPORT_DATA)
