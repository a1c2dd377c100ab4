"""`phal2 bridge deposit`."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Final

from phal2.bridge.chain_access.options import add_sending_options, report_progress, sending_key
from phal2.bridge.chain_access.transactions import ContractFunction
from phal2.bridge.command.arguments import (
    Asset,
    Chains,
    add_arrival_option,
    add_asset_options,
    add_chain_options,
    add_json_option,
    check_asset_options,
    open_chains,
    read_asset,
    report_errors,
)
from phal2.bridge.command.moves import require_receiver, send_in_order, standard_bridge_calls
from phal2.bridge.command.presentation import deposit_json, deposit_lines, hex_of, line
from phal2.bridge.deposits.arrival import ARRIVAL_SECONDS, Deposit, deposits_of, wait_for_arrival
from phal2.bridge.deposits.deposit import portal_deposit
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE
from phal2.node.protocol.signatures import address_of_private_key

_DEPOSIT: Final = """\
Move ETH or a token from L1 to L2, and wait until L2 has it.

ETH goes through the portal alone, which can also call a contract on L2 (--data), or with --through
bridge through the standard bridge. Tokens go through the standard bridge; where it needs an
allowance, exactly the amount is approved first.

examples, on a devnet:
  phal2 bridge deposit --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 --amount 1.5 \\
      --private-key-file my.key
  phal2 bridge deposit --l1 … --l2 … --pha --amount 100 --private-key-file my.key

Interrupted after the deposit was sent? `phal2 bridge status HASH` with the L1 transaction's hash
shows whether L2 has it; it comes by itself. With --json prints {"l1Transaction", "deposits":
[{"l1Block", "l2Transaction", "l2Block", "status", "relayed"}]}. Exit code 1 where the deposit failed
on L2: the ETH that the portal's call carried is then on the sender's account there, and a message
of the standard bridge ("relayed" is false; null where there is none) can be sent again with
L2CrossDomainMessenger.relayMessage.
"""


def add_deposit_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `deposit`."""
    parser = commands.add_parser(
        "deposit",
        help="move ETH or a token from L1 to L2",
        description=_DEPOSIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_chain_options(parser)
    add_asset_options(parser, direct_way="portal", destination="L2")
    add_sending_options(parser, owner="the sender on L1")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for L2")
    add_arrival_option(parser, ARRIVAL_SECONDS)
    add_json_option(parser)
    parser.set_defaults(run=report_errors(run_deposit), usage_error=parser.error)


def run_deposit(arguments: argparse.Namespace) -> int:
    """Carry out `deposit`. Raises Phal2Error."""
    check_asset_options(arguments, "portal")
    transaction, deposits = asyncio.run(_deposit(arguments))
    if arguments.json:
        found = [deposit_json(deposit) for deposit in deposits]
        print(json.dumps({"l1Transaction": hex_of(transaction), "deposits": found}))
    else:
        print(line("on L1", hex_of(transaction)))
        for deposit in deposits:
            print("\n".join(deposit_lines(deposit)))
    return 1 if any(deposit.failed for deposit in deposits) else 0


async def _deposit(arguments: argparse.Namespace) -> tuple[bytes, Sequence[Deposit]]:
    private_key = sending_key(arguments)
    async with open_chains(arguments) as chains:
        asset = await read_asset(arguments, chains)
        calls = await _calls(arguments, chains, asset, address_of_private_key(private_key))
        mined = await send_in_order(chains.l1, "L1", private_key, calls, asset, arguments.timeout)
        portal = chains.contracts.portal
        if arguments.no_wait:
            return mined.hash, await deposits_of(chains.l1, chains.l2, portal, mined.hash)
        report_progress("waiting for L2")
        return mined.hash, await wait_for_arrival(
            chains.l1, chains.l2, portal, mined.hash, report_progress, arguments.arrival_timeout
        )


async def _calls(
    arguments: argparse.Namespace, chains: Chains, asset: Asset, sender: bytes
) -> Sequence[ContractFunction]:
    """Return what to call on L1, in order; the last one is the deposit."""
    to = sender if arguments.to is None else arguments.to
    if asset.token is None and arguments.through == "portal":
        return [portal_deposit(chains.contracts, to, asset.amount, arguments.data, arguments.gas_limit)]
    require_receiver(to, (L2_STANDARD_BRIDGE, L2_CROSS_DOMAIN_MESSENGER))
    bridge = chains.contracts.bridge
    return await standard_bridge_calls(chains.l1, "L1StandardBridge", bridge, asset, sender, to, arguments.gas_limit)
