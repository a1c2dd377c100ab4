"""The load client: sends bodies that are made before, and watches until blocks hold all of their transactions.

It shares the cores with the node it measures, so while it sends it does nothing else: answers are read afterwards.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from benchmarks.report import MeasurementFailed

_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 60.0
"""After so long without a further transaction in a block the measurement has failed."""

_HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Target:
    """A node under load. `own_transactions` is how many of each block's transactions are not from users."""

    url: str
    own_transactions: int


@dataclass(frozen=True, slots=True)
class LoadTiming:
    """Seconds from the first request to the last answer, and to the block that holds the last transaction."""

    transactions: int
    accepted_seconds: float
    included_seconds: float
    blocks: int

    @property
    def included_rate(self) -> float:
        """Included transactions a second."""
        return self.transactions / self.included_seconds

    @property
    def accepted_rate(self) -> float:
        """Accepted transactions a second."""
        return self.transactions / self.accepted_seconds


async def run_load(target: Target, bodies: Sequence[Sequence[bytes]], transactions: int) -> LoadTiming:
    """Send the bodies, those of each connection one after the other, right after a block; raise `MeasurementFailed`."""
    async with aiohttp.ClientSession() as watching:
        head = await _next_block(watching, target)
        began = time.perf_counter()
        watcher = asyncio.create_task(_included_at(watching, target, head, transactions))
        answers = await asyncio.gather(*(_send(target, connection) for connection in bodies))
        accepted = time.perf_counter()
        try:
            _check([answer for connection in answers for answer in connection])
            included, blocks = await watcher
        finally:
            watcher.cancel()
    return LoadTiming(transactions, accepted - began, included - began, blocks)


async def check_success(target: Target, hashes: Sequence[bytes]) -> None:
    """Raise `MeasurementFailed` where one of the transactions is not in a block, or failed in it."""
    async with aiohttp.ClientSession() as session:
        for transaction_hash in hashes:
            receipt = await request(session, target.url, "eth_getTransactionReceipt", "0x" + transaction_hash.hex())
            if receipt is None or receipt["status"] != "0x1":
                raise MeasurementFailed(f"the transaction 0x{transaction_hash.hex()} did not succeed")


async def request(session: aiohttp.ClientSession, url: str, method: str, *params: object) -> Any:
    """Call one method and return its result; raise `MeasurementFailed` where the answer is an error."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    async with session.post(url, data=body, headers=_HEADERS) as response:
        answer = orjson.loads(await response.read())
    if "error" in answer:
        raise MeasurementFailed(f"{method}: {answer['error']}")
    return answer["result"]


async def _send(target: Target, bodies: Sequence[bytes]) -> list[bytes]:
    """Send over a connection of its own; return the answers."""
    answers = []
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=timeout) as session:
        for body in bodies:
            async with session.post(target.url, data=body, headers=_HEADERS) as response:
                answers.append(await response.read())
    return answers


async def _included_at(session: aiohttp.ClientSession, target: Target, head: int, expected: int) -> tuple[float, int]:
    """Return when the blocks after `head` held `expected` transactions, and how many blocks have some of them."""
    included = blocks = 0
    progress = time.perf_counter()
    while True:
        newest = int(await request(session, target.url, "eth_blockNumber"), 16)
        seen = time.perf_counter()
        while head < newest:
            head += 1
            count = await request(session, target.url, "eth_getBlockTransactionCountByNumber", hex(head))
            users = int(count, 16) - target.own_transactions
            included += users
            blocks += users > 0
            progress = seen if users else progress
        if included >= expected:
            return seen, blocks
        if seen - progress > _PATIENCE_SECONDS:
            raise MeasurementFailed(f"{included} of {expected} transactions are in blocks, and no further one comes")
        await asyncio.sleep(_POLL_SECONDS)


async def _next_block(session: aiohttp.ClientSession, target: Target) -> int:
    """Wait for a block and return its number, so that every node has the same time until its next one."""
    first = newest = await request(session, target.url, "eth_blockNumber")
    while newest == first:
        await asyncio.sleep(_POLL_SECONDS / 5)
        newest = await request(session, target.url, "eth_blockNumber")
    return int(newest, 16)


def _check(answers: Sequence[bytes]) -> None:
    for answer in answers:
        entries = orjson.loads(answer)
        for entry in entries if isinstance(entries, list) else [entries]:
            if "error" in entry:
                raise MeasurementFailed(f"eth_sendRawTransaction: {entry['error']}")
