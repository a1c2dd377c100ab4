"""`phal2 bridge status`."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

from phal2.bridge.command.arguments import (
    Chains,
    add_chain_options,
    add_hash_argument,
    add_json_option,
    chain_options,
    open_chains,
    report_errors,
)
from phal2.bridge.command.choice import chosen_withdrawals
from phal2.bridge.command.presentation import deposit_json, deposit_lines, status_json, status_lines
from phal2.bridge.deposits.arrival import NoDeposit, deposits_of
from phal2.bridge.withdrawals.errors import NoWithdrawal
from phal2.bridge.withdrawals.status import withdrawal_status

_STATUS: Final = """\
Show how a withdrawal or a deposit stands, from the chains alone: at which step it is, for what and
about how long it waits, and which command comes next. HASH is the L2 transaction that initiated a
withdrawal, or the L1 transaction that made a deposit.

The steps of a withdrawal: waiting-to-prove, ready-to-prove, waiting-to-finalize, ready-to-finalize,
finalized.

With --json prints {"withdrawals": [{"withdrawalHash", "status", "seconds", "reason", "proven",
"next", …}]} or {"deposits": [{"l1Block", "l2Transaction", "l2Block", "status", "relayed"}]}.
"""


def add_status_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `status`."""
    parser = commands.add_parser(
        "status",
        help="see how a withdrawal or a deposit stands",
        description=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_hash_argument(parser, "a withdrawal's L2 transaction, or a deposit's L1 transaction")
    add_chain_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=report_errors(run_status))


def run_status(arguments: argparse.Namespace) -> int:
    """Carry out `status`. Raises Phal2Error."""
    found, lines = asyncio.run(_status(arguments))
    print(json.dumps(found) if arguments.json else "\n".join(lines))
    return 0


async def _status(arguments: argparse.Namespace) -> tuple[dict[str, Any], Sequence[str]]:
    async with open_chains(arguments) as chains:
        try:
            return await _withdrawals(arguments, chains)
        except NoWithdrawal as no_withdrawal:
            try:
                return await _deposits(arguments, chains)
            except NoDeposit as no_deposit:
                raise NoWithdrawal(f"{no_withdrawal}; nor is it a deposit: {no_deposit}") from None


async def _withdrawals(arguments: argparse.Namespace, chains: Chains) -> tuple[dict[str, Any], Sequence[str]]:
    documents: list[dict[str, Any]] = []
    lines: list[str] = []
    options = chain_options(arguments)
    for initiated in await chosen_withdrawals(arguments, chains.l2):
        status = await withdrawal_status(chains.l1, chains.contracts, initiated)
        documents.append(status_json(initiated, status, options))
        lines += status_lines(initiated, status, options)
    return {"withdrawals": documents}, lines


async def _deposits(arguments: argparse.Namespace, chains: Chains) -> tuple[dict[str, Any], Sequence[str]]:
    found = await deposits_of(chains.l1, chains.l2, chains.contracts.portal, arguments.hash)
    return {"deposits": [deposit_json(each) for each in found]}, [
        text for each in found for text in deposit_lines(each)
    ]
