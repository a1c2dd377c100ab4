"""Load on a devnet that ends in the middle of it, and all that the devnet had told its users until then."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from mixed_load import batch, call, send_until_taken

from phal2.devnet.process import DevnetProcess, Endpoint

MOST_WAITING = 300
"""Transactions that have no receipt yet; beyond that they are sent more slowly."""
SENDERS = 3
BATCH = 200


@dataclass(slots=True)
class Told:
    """Receipts by transaction hash, and block hashes by number for each chain (l1, l2, follower).

    None of it may be otherwise after a restart: a devnet's L1 takes no block back.
    """

    receipts: dict[bytes, Any] = field(default_factory=dict)
    blocks: dict[str, dict[int, str]] = field(default_factory=lambda: {"l1": {}, "l2": {}, "follower": {}})

    def assert_still_true(self, devnet: DevnetProcess) -> None:
        """Ask for all of it again."""
        names = [f"0x{name.hex()}" for name in self.receipts]
        assert _answers(devnet.l2, "eth_getTransactionReceipt", [[name] for name in names]) == [*self.receipts.values()]
        for chain, blocks in self.blocks.items():
            found = _answers(
                getattr(devnet, chain), "eth_getBlockByNumber", [[hex(number), False] for number in blocks]
            )
            hashes = [block and block["hash"] for block in found]
            assert dict(zip(blocks, hashes, strict=True)) == blocks, f"blocks of {chain}"


def _answers(endpoint: Endpoint, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
    """Return the results of many calls of a method, in batches."""

    async def ask() -> list[Any]:
        async with aiohttp.ClientSession() as session:
            parts = [calls[start : start + BATCH] for start in range(0, len(calls), BATCH)]
            return [result for part in parts for result in await batch(session, endpoint.url, method, part)]

    return asyncio.run(ask())


@dataclass(slots=True)
class LoadUntilEnd:
    """Sends transactions to L2 and deposits to L1, and notes what it is told.

    Once `new_receipts` have come, `end` is called `delay` seconds later, which is to end the devnet.
    """

    devnet: DevnetProcess
    told: Told
    end: Callable[[], object]
    new_receipts: int
    delay: float
    _waiting: list[bytes] = field(default_factory=list)
    _received: int = 0
    _has_ended: bool = False

    def run(self, envelopes: Iterable[bytes], deposits: Sequence[bytes]) -> int:
        """Send until the devnet is dead; return how many receipts came."""
        asyncio.run(self._run(envelopes, deposits))
        if not self._has_ended:
            self.devnet.require_running()
        assert self._has_ended, "the devnet answers no more, but its process runs"
        return self._received

    async def _run(self, envelopes: Iterable[bytes], deposits: Sequence[bytes]) -> None:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            shared = iter(envelopes)
            for _ in range(SENDERS):
                tasks.create_task(self._send(session, self.devnet.l2.url, shared, self._waiting))
            tasks.create_task(self._send(session, self.devnet.l1.url, iter(deposits), []))
            tasks.create_task(self._watch_receipts(session))
            for chain in self.told.blocks:
                tasks.create_task(self._watch_blocks(session, chain))

    async def _send(self, session: aiohttp.ClientSession, url: str, envelopes: Any, sent: list[bytes]) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            for raw in envelopes:
                sent.append(await send_until_taken(session, url, raw))
                # A pool that is never empty is load enough.
                await asyncio.sleep(0 if len(sent) < MOST_WAITING else 0.1)

    async def _watch_receipts(self, session: aiohttp.ClientSession) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                await call(session, self.devnet.l2.url, "eth_blockNumber")
                for name in self._waiting[:20]:
                    answer = await call(session, self.devnet.l2.url, "eth_getTransactionReceipt", f"0x{name.hex()}")
                    if answer["result"] is not None:
                        self._note_receipt(name, answer["result"])
                await asyncio.sleep(0.01)

    def _note_receipt(self, name: bytes, receipt: Any) -> None:
        self.told.receipts[name] = receipt
        self._waiting.remove(name)
        self._received += 1
        if self._received == self.new_receipts:
            asyncio.get_running_loop().call_later(self.delay, self._end)

    def _end(self) -> None:
        self._has_ended = True
        self.end()

    async def _watch_blocks(self, session: aiohttp.ClientSession, chain: str) -> None:
        endpoint: Endpoint = getattr(self.devnet, chain)
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                block = (await call(session, endpoint.url, "eth_getBlockByNumber", "latest", False))["result"]
                self.told.blocks[chain][int(block["number"], 16)] = block["hash"]
                await asyncio.sleep(0.03)
