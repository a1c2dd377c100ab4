"""`phal2 bridge finalize`."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from phal2.bridge.chain_access.options import add_sending_options, report_progress, sending_key
from phal2.bridge.command.arguments import (
    add_chain_options,
    add_hash_argument,
    add_json_option,
    open_chains,
    report_errors,
)
from phal2.bridge.command.choice import chosen_withdrawals
from phal2.bridge.command.finishing import finalize_when_ready
from phal2.bridge.command.presentation import hex_of, line
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.steps import Bridge, Finalizing, finalize

_FINALIZE: Final = """\
Deliver a withdrawal on L1: the last step.

Anybody may do it, with anybody's proof, once that is old enough and its dispute game is decided and
final. Done before? Then it says so, and sends nothing. Not yet possible? Then it says for what it
has to wait, with exit code 3; with --wait it waits.

The portal delivers a message once, whatever becomes of it. So a message that its target on L1 would
not take now (out of gas, refused, or not enough ETH in the portal) is not sent, unless with --force.

With --json prints {"withdrawals": [{"withdrawalHash", "finalizeTransaction" (null where it was
finalised before), "delivered", "relayed"}]}; delivered tells whether the target on L1 took the
message, relayed whether the messengers' message inside was taken (null for other messages).
Exit code 1 where either is false; a failed message of the messengers can be sent again with
L1CrossDomainMessenger.relayMessage.
"""


def add_finalize_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `finalize`."""
    parser = commands.add_parser(
        "finalize",
        help="the last step of a withdrawal, on L1",
        description=_FINALIZE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_hash_argument(parser, "the L2 transaction that initiated the withdrawal")
    add_chain_options(parser)
    add_sending_options(parser, owner="the sender on L1, whoever that is")
    parser.add_argument("--wait", action="store_true", help="wait until it can be finalised")
    parser.add_argument(
        "--force", action="store_true", help="deliver a message, too, whose target would not take it, and lose it"
    )
    add_json_option(parser)
    parser.set_defaults(run=report_errors(run_finalize))


def run_finalize(arguments: argparse.Namespace) -> int:
    """Carry out `finalize`. Raises Phal2Error."""
    finalized = asyncio.run(_finalize(arguments))
    if arguments.json:
        print(json.dumps({"withdrawals": [_to_json(*each) for each in finalized]}))
    else:
        for initiated, finalizing in finalized:
            print(line("withdrawal", hex_of(initiated.hash)))
            print(line("finalized", _describe(finalizing)))
            if finalizing.transaction is not None:
                print(line("on L1", hex_of(finalizing.transaction)))
    return 0 if all(each.delivered is not False and each.relayed is not False for _, each in finalized) else 1


async def _finalize(arguments: argparse.Namespace) -> Sequence[tuple[InitiatedWithdrawal, Finalizing]]:
    private_key = sending_key(arguments)
    async with open_chains(arguments) as chains:
        bridge = Bridge(chains.l1, chains.l2, chains.contracts, private_key, report_progress, arguments.timeout)
        take = finalize_when_ready if arguments.wait else finalize
        return [
            (each, await take(bridge, each, force=arguments.force))
            for each in await chosen_withdrawals(arguments, chains.l2)
        ]


def _describe(finalizing: Finalizing) -> str:
    if finalizing.transaction is None:
        return "already: nothing was sent"
    if finalizing.delivered is False:
        return "but its target on L1 did not take the message, which is not delivered again"
    if finalizing.relayed is False:
        return "but the message inside failed; it can be sent again with L1CrossDomainMessenger.relayMessage"
    return "delivered"


def _to_json(initiated: InitiatedWithdrawal, finalizing: Finalizing) -> dict[str, Any]:
    return {
        "withdrawalHash": hex_of(initiated.hash),
        "finalizeTransaction": None if finalizing.transaction is None else hex_of(finalizing.transaction),
        "delivered": finalizing.delivered,
        "relayed": finalizing.relayed,
    }
