"""What `deposit` and `withdraw` share: the calls that move an asset through a standard bridge, and sending them."""

from collections.abc import Sequence

from phal2.bridge.allowance import missing_approval
from phal2.bridge.chain_access.options import report_progress
from phal2.bridge.chain_access.transactions import ContractFunction, send
from phal2.bridge.command.arguments import Asset
from phal2.bridge.command.presentation import hex_of
from phal2.bridge.deposits.deposit import bridge_ether, bridge_token
from phal2.node.l1.client import L1Client, MinedTransaction


async def standard_bridge_calls(
    client: L1Client, artefact: str, bridge: bytes, asset: Asset, sender: bytes, to: bytes, gas_limit: int | None
) -> Sequence[ContractFunction]:
    """Return what to call on a chain, in order, to move an asset to `to` on the other; the last one moves it.

    `artefact` is L1StandardBridge or L2StandardBridge, and says which chain `client` and `bridge` are of. Raises
    `EndpointError`.
    """
    token = asset.token
    if token is None:
        return [bridge_ether(bridge, artefact, to, asset.amount, gas_limit)]
    on_l1 = artefact == "L1StandardBridge"
    address, is_mintable = (
        (token.l1_address, token.l1_is_mintable) if on_l1 else (token.l2_address, token.l2_is_mintable)
    )
    move = bridge_token(bridge, artefact, token, to, asset.amount, gas_limit)
    # What the bridge burns it needs no allowance for.
    approval = None if is_mintable else await missing_approval(client, address, sender, bridge, asset.amount)
    return [move] if approval is None else [approval, move]


async def send_in_order(
    client: L1Client,
    chain: str,
    private_key: bytes,
    calls: Sequence[ContractFunction],
    asset: Asset,
    timeout_seconds: float,
) -> MinedTransaction:
    """Send calls one after the other and return the last one's transaction; `chain` is L1 or L2. Raises as `send`."""
    for call in calls:
        report_progress(f"{call.name} for {asset.text}")
        mined = await send(
            client,
            private_key,
            call,
            timeout_seconds=timeout_seconds,
            on_sent=lambda sent: report_progress(f"sent on {chain}: {hex_of(sent)}"),
        )
    report_progress(f"mined in {chain} block {mined.block_number}")
    return mined
