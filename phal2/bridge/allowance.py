"""The allowance that a bridge needs to take a token into custody."""

from phal2.bridge.chain_access.contract_views import read_view
from phal2.bridge.chain_access.transactions import ContractFunction
from phal2.node.l1.client import L1Client


async def missing_approval(
    client: L1Client, token: bytes, owner: bytes, spender: bytes, amount: int
) -> ContractFunction | None:
    """Return the approval of exactly `amount`, or None where the allowance suffices. Raises `EndpointError`."""
    allowed: int = await read_view(client.call, "", "PHAToken", token, "allowance", (owner, spender))
    return None if allowed >= amount else ContractFunction("PHAToken", token, "approve", (spender, amount))
