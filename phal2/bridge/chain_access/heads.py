"""The time on a chain, which is what deadlines and statements are held against; never this machine's clock."""

from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable


async def head_timestamp(client: L1Client) -> int:
    """Return the timestamp of a chain's head, in Unix seconds. Raises EndpointError."""
    head = await client.header("latest")
    if head is None:
        raise EndpointUnavailable(client.rpc.url, "the endpoint has no blocks yet")
    return head[0].timestamp
