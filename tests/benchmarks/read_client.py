"""A load client for reads, light enough to share the cores with what it measures: run as a process of its own.

It reads one job from stdin, a JSON object {host, port, connections, seconds, bodies}, posts the bodies in turn over
that many connections, each as soon as the answer before it has come, and prints {answers, seconds, latencies}:
the seconds of every answer, sorted. It fails where an answer is not HTTP 200 with a body.
"""

import asyncio
import sys
import time
from itertools import cycle
from typing import Any

import orjson
import uvloop


class WrongAnswer(Exception):
    """What came back is no good answer."""


class _Connection(asyncio.Protocol):
    """Posts one body after the other."""

    def __init__(self, requests: Any, latencies: list[float], done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._latencies = latencies
        self._done = done
        self._transport: Any = None
        self._received = bytearray()
        self._missing = 0
        self._is_chunked = False
        self._sent_at = 0.0
        self.is_stopping = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received
        if received:
            received += data
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = bytes(received) if self._is_chunked or self._missing == -1 else b""
        if data and not self._is_complete(data):
            return
        received.clear()
        self._latencies.append(time.perf_counter() - self._sent_at)
        if self.is_stopping:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            if self.is_stopping and error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error or WrongAnswer("the node has closed the connection"))

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _is_complete(self, data: bytes) -> bool:
        """Tell whether a whole answer is there; else remember what is, and how much is still to come."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._received[:], self._missing = data, 1
            self._is_chunked = True
            return False
        if not data.startswith(b"HTTP/1.1 200"):
            raise WrongAnswer(data[:200].decode("latin-1"))
        head = data[:end].lower()
        position = head.find(b"content-length: ")
        if position < 0:
            self._is_chunked = True
            self._received[:], self._missing = data, 1
            return data.endswith(b"0\r\n\r\n")
        length = int(head[position + 16 :].split(b"\r\n", 1)[0])
        if length < 20:
            raise WrongAnswer("the answer is empty")
        self._missing = end + 4 + length - len(data)
        if self._missing == 0:
            if length < 500 and b'"error"' in data:
                raise WrongAnswer(data[end + 4 :].decode())
            return True
        self._is_chunked = False
        self._received[:] = data
        return False


async def _run(job: dict[str, Any]) -> dict[str, Any]:
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    bodies = [body.encode() for body in job["bodies"]]
    requests = cycle([head % len(body) + body for body in bodies])
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    protocols, ends = [], []
    began = time.perf_counter()
    for _ in range(job["connections"]):
        done = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda done=done: _Connection(requests, latencies, done), job["host"], job["port"]
        )
        protocols.append(protocol)
        ends.append(done)
    await asyncio.wait(ends, timeout=job["seconds"], return_when=asyncio.FIRST_EXCEPTION)
    for protocol in protocols:
        protocol.is_stopping = True
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - began
    return {"answers": len(latencies), "seconds": seconds, "latencies": sorted(latencies)}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(orjson.dumps(runner.run(_run(orjson.loads(sys.stdin.buffer.read())))))
