"""Clients of the endpoints that a command is given, and whether these are of the right chain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from phal2.bridge.chain_access.errors import WrongChain
from phal2.node.l1.client import L1Client


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[L1Client]:
    """Give a client of an endpoint and close it. Raises InvalidEndpointUrl."""
    client = L1Client(url)
    try:
        yield client
    finally:
        await client.close()


async def require_chain(client: L1Client, expected: int) -> None:
    """Hold an endpoint against the chain id that it should have. Raises WrongChain, EndpointError."""
    found = await client.chain_id()
    if found != expected:
        raise WrongChain(client.rpc.url, found, expected)
