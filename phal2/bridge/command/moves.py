"""What `deposit` and `withdraw` share: the calls that move an asset through a standard bridge, and sending them."""

from collections.abc import Container, Sequence

from phal2.bridge.amounts import format_amount
from phal2.bridge.assets import Token
from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.options import report_progress
from phal2.bridge.chain_access.transactions import ContractFunction, send
from phal2.bridge.command.arguments import Asset
from phal2.bridge.deposits.deposit import bridge_ether, bridge_token
from phal2.node.l1.client import L1Client, MinedTransaction
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.errors import Phal2Error


class BalanceTooLow(Phal2Error):
    """An account with less of a token than it is to move. Nothing was sent."""

    def __init__(self, owner: bytes, token: Token, held: int, needed: int) -> None:
        self.held = held
        self.needed = needed
        super().__init__(
            f"{to_checksum_address(owner)} has {format_amount(held, token.decimals)} {token.symbol}, but "
            f"{format_amount(needed, token.decimals)} are to be moved: take a smaller --amount, or another account"
        )


class ReceiverIsBridge(Phal2Error):
    """A receiver that is a contract of the bridge itself, which could never give on what it gets. Nothing was sent."""

    def __init__(self, receiver: bytes) -> None:
        super().__init__(
            f"{to_checksum_address(receiver)} is a contract of the bridge: what is sent to it is lost; choose "
            "another --to"
        )


def require_receiver(receiver: bytes, bridge_contracts: Container[bytes]) -> None:
    """Raise `ReceiverIsBridge` where the receiver on the other chain is one of the bridge's contracts there."""
    if receiver in bridge_contracts:
        raise ReceiverIsBridge(receiver)


async def standard_bridge_calls(
    client: L1Client, artefact: str, bridge: bytes, asset: Asset, sender: bytes, to: bytes, gas_limit: int | None
) -> Sequence[ContractFunction]:
    """Return what to call on a chain, in order, to move an asset to `to` on the other; the last one moves it.

    `artefact` is L1StandardBridge or L2StandardBridge, and says which chain `client` and `bridge` are of. Raises
    `BalanceTooLow` and `EndpointError`.
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
    if is_mintable:
        return [move]
    contract = Contract("PHAToken", address, "L1" if on_l1 else "L2")
    held: int = await contract.read(client.call, "balanceOf", sender)
    allowed: int = await contract.read(client.call, "allowance", sender, bridge)
    # The estimate of the move would tell, but only after the approval was paid for.
    if held < asset.amount:
        raise BalanceTooLow(sender, token, held, asset.amount)
    if allowed >= asset.amount:
        return [move]
    return [ContractFunction("PHAToken", address, "approve", (bridge, asset.amount)), move]


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
        mined = await send(client, private_key, call, timeout_seconds=timeout_seconds, report=report_progress)
    report_progress(f"mined in {chain} block {mined.block_number}")
    return mined
