"""`phal2 bridge prove`."""

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
    chain_options,
    open_chains,
    report_errors,
)
from phal2.bridge.command.choice import chosen_withdrawals
from phal2.bridge.command.finishing import prove_when_ready
from phal2.bridge.command.presentation import hex_of, line, next_command, next_line
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.status import Step
from phal2.bridge.withdrawals.steps import Bridge, Proving, prove

_PROVE: Final = """\
Prove on L1 that L2 sent a withdrawal's message: the second step of a withdrawal.

The proof is made from the L2 node's state at the block of the oldest dispute game that covers the
withdrawal, and checked before anything is sent: the node's account and storage proofs against the
block's state root, and the output root against the game's claim. Anybody may submit it.

Done before? Then it says so, and sends nothing. Not yet possible? Then it says for what it has to
wait, with exit code 3; with --wait it waits.

With --json prints {"withdrawals": [{"withdrawalHash", "proveTransaction" (null where it was proven
before), "game", "gameBlock"}], "next"} (null where nothing is left to do).
"""


def add_prove_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `prove`."""
    parser = commands.add_parser(
        "prove",
        help="the second step of a withdrawal, on L1",
        description=_PROVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_hash_argument(parser, "the L2 transaction that initiated the withdrawal")
    add_chain_options(parser)
    add_sending_options(parser, owner="the sender on L1, whoever that is")
    parser.add_argument("--wait", action="store_true", help="wait until a dispute game covers the withdrawal")
    add_json_option(parser)
    parser.set_defaults(run=report_errors(run_prove))


def run_prove(arguments: argparse.Namespace) -> int:
    """Carry out `prove`. Raises Phal2Error."""
    proven = asyncio.run(_prove(arguments))
    unfinished = [proving.step for _, proving in proven if proving.step != Step.FINALIZED]
    step = unfinished[0] if unfinished else Step.FINALIZED
    following = next_command(step, arguments.hash, chain_options(arguments))
    if arguments.json:
        print(json.dumps({"withdrawals": [_to_json(*each) for each in proven], "next": following}))
        return 0
    for initiated, proving in proven:
        print(line("withdrawal", hex_of(initiated.hash)))
        if proving.transaction is None or proving.proof is None:
            print(line("proven", "already: nothing was sent"))
        else:
            game = proving.proof.game
            print(line("proven", f"against game {game.index}, which covers L2 block {game.block_number}"))
            print(line("on L1", hex_of(proving.transaction)))
    print(next_line(following))
    return 0


async def _prove(arguments: argparse.Namespace) -> Sequence[tuple[InitiatedWithdrawal, Proving]]:
    private_key = sending_key(arguments)
    async with open_chains(arguments) as chains:
        bridge = Bridge(chains.l1, chains.l2, chains.contracts, private_key, report_progress, arguments.timeout)
        take = prove_when_ready if arguments.wait else prove
        return [(each, await take(bridge, each)) for each in await chosen_withdrawals(arguments, chains.l2)]


def _to_json(initiated: InitiatedWithdrawal, proving: Proving) -> dict[str, Any]:
    game = None if proving.proof is None else proving.proof.game
    return {
        "withdrawalHash": hex_of(initiated.hash),
        "proveTransaction": None if proving.transaction is None else hex_of(proving.transaction),
        "game": None if game is None else game.index,
        "gameBlock": None if game is None else game.block_number,
    }
