"""A proposer on a machine that has no room for what it needs."""

import asyncio
import errno
import os
from typing import Any

from proven_chain import ProvenChain

from phal2.bridge.proposer.proposer import Proposer, ProposerContracts
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient

NOWHERE = "http://127.0.0.1:9"


class Exhausted:
    """A prover that cannot be reached, as this process can open no further file."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def description(self) -> Any:
        self.asked.set()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_it_goes_on_and_says_what_is_wrong() -> None:
    prover: Any = Exhausted()
    contracts, registrar = ProposerContracts(bytes(20), bytes(20), bytes(20)), Exhausted()
    l1, l2 = L1Client(NOWHERE), JsonRpcClient(NOWHERE)
    settings = ProposerSettings(poll_interval_seconds=0.01)
    proposer = Proposer(l1, l2, ProvenChain().config, contracts, prover, b"\x01" * 32, settings, registrar)
    running = asyncio.create_task(proposer.run())

    # when: it has failed, and asks once more
    async with asyncio.timeout(60):
        await prover.asked.wait()
        prover.asked.clear()
        await prover.asked.wait()

    assert proposer.trouble == "[Errno 24] Too many open files"
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.gather(l1.close(), l2.close())
