"""`phal2 bridge withdraw`."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from phal2.bridge.chain_access.options import add_sending_options, report_progress, sending_key
from phal2.bridge.chain_access.transactions import ContractFunction
from phal2.bridge.command.arguments import (
    Asset,
    Chains,
    add_asset_options,
    add_chain_options,
    add_json_option,
    chain_options,
    check_asset_options,
    open_chains,
    read_asset,
    report_errors,
)
from phal2.bridge.command.finishing import finalize_when_ready, prove_when_ready
from phal2.bridge.command.moves import require_receiver, send_in_order, standard_bridge_calls
from phal2.bridge.command.presentation import hex_of, line, next_command, next_line, withdrawal_json
from phal2.bridge.withdrawals.initiated import initiated_withdrawals
from phal2.bridge.withdrawals.status import Step
from phal2.bridge.withdrawals.steps import Bridge
from phal2.node.protocol.predeploys import L2_STANDARD_BRIDGE, L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.signatures import address_of_private_key

_WITHDRAW: Final = """\
Move ETH or a token from L2 to L1. This is the first of three steps:

  withdraw  on L2: the message to L1 goes out
  prove     on L1, once a dispute game covers the L2 block: shows that L2 sent it
  finalize  on L1, once the proof is old enough: the message is delivered

`phal2 bridge status HASH` tells at which step a withdrawal is and what comes next; HASH is the L2
transaction's, which is all that has to be kept. --complete takes all three steps and waits in
between.

ETH goes through the message passer alone, which can also call a contract on L1 (--data), or with
--through bridge through the standard bridge. Tokens go through the standard bridge.

example, on a devnet:
  phal2 bridge withdraw --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 --amount 0.5 \\
      --private-key-file my.key --complete

With --json prints {"l2Transaction", "withdrawals": [{"withdrawalHash", "l2Block", …}], "next"};
with --complete also "proveTransactions" and "finalizeTransactions".
"""


def add_withdraw_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `withdraw`."""
    parser = commands.add_parser(
        "withdraw",
        help="move ETH or a token from L2 to L1: the first step, or with --complete all",
        description=_WITHDRAW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_chain_options(parser)
    add_asset_options(parser, direct_way="passer", destination="L1")
    add_sending_options(parser, owner="the sender on L2 (with --complete on L1, too)")
    parser.add_argument("--complete", action="store_true", help="prove and finalize, too, and wait in between")
    add_json_option(parser)
    parser.set_defaults(run=report_errors(run_withdraw), usage_error=parser.error)


def run_withdraw(arguments: argparse.Namespace) -> int:
    """Carry out `withdraw`. Raises Phal2Error."""
    check_asset_options(arguments, "message passer")
    result = asyncio.run(_withdraw(arguments))
    succeeded = result.pop("succeeded")
    if arguments.json:
        print(json.dumps(result))
    else:
        print(line("on L2", result["l2Transaction"]))
        for withdrawal in result["withdrawals"]:
            print(line("withdrawal", withdrawal["withdrawalHash"]))
        print(next_line(result["next"]))
    return 0 if succeeded else 1


async def _withdraw(arguments: argparse.Namespace) -> dict[str, Any]:
    private_key = sending_key(arguments)
    async with open_chains(arguments) as chains:
        asset = await read_asset(arguments, chains)
        calls = await _calls(arguments, chains, asset, address_of_private_key(private_key))
        mined = await send_in_order(chains.l2, "L2", private_key, calls, asset, arguments.timeout)
        found = await initiated_withdrawals(chains.l2, mined.hash)
        result: dict[str, Any] = {
            "l2Transaction": hex_of(mined.hash),
            "withdrawals": [withdrawal_json(each) for each in found],
            "next": next_command(Step.WAITING_TO_PROVE, mined.hash, chain_options(arguments)),
            "succeeded": True,
        }
        if not arguments.complete:
            return result
        report_progress(f"where this is interrupted, go on with: {result['next']}")
        bridge = Bridge(chains.l1, chains.l2, chains.contracts, private_key, report_progress, arguments.timeout)
        proofs = [await prove_when_ready(bridge, each) for each in found]
        deliveries = [await finalize_when_ready(bridge, each) for each in found]
        return result | {
            "next": None,
            "proveTransactions": [_hash(each.transaction) for each in proofs],
            "finalizeTransactions": [_hash(each.transaction) for each in deliveries],
            "succeeded": all(each.delivered is not False and each.relayed is not False for each in deliveries),
        }


async def _calls(
    arguments: argparse.Namespace, chains: Chains, asset: Asset, sender: bytes
) -> Sequence[ContractFunction]:
    """Return what to call on L2, in order; the last one is the withdrawal."""
    to = sender if arguments.to is None else arguments.to
    require_receiver(to, (chains.contracts.portal,))
    if asset.token is None and arguments.through == "passer":
        # A plain transfer to an account needs no gas beyond the call itself.
        gas_limit = arguments.gas_limit or (200_000 if arguments.data else 21_000)
        call = (to, gas_limit, arguments.data)
        return [
            ContractFunction(
                "L2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER, "initiateWithdrawal", call, value=asset.amount
            )
        ]
    require_receiver(to, (chains.contracts.bridge,))
    return await standard_bridge_calls(
        chains.l2, "L2StandardBridge", L2_STANDARD_BRIDGE, asset, sender, to, arguments.gas_limit
    )


def _hash(transaction: bytes | None) -> str | None:
    return None if transaction is None else hex_of(transaction)
