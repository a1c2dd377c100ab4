"""`phal2 migration launch`."""

import argparse
import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.clients import open_client
from phal2.bridge.chain_access.options import (
    add_sending_options,
    address,
    report_errors,
    report_progress,
    seconds,
    sending_key,
)
from phal2.bridge.migration.arguments import timestamp
from phal2.bridge.migration.launch import ARRIVAL_SECONDS, After, At, Launch, launch
from phal2.bridge.migration.report import format_pha
from phal2.bridge.migration.tree_file import read_tree
from phal2.node.protocol.addresses import to_checksum_address

_LAUNCH: Final = """\
Launch the migration: the steps of PHAMigration's owner on L1, and waiting for L2.

  1. setRoot   the tree's root, the total of all leaves, and the deadline; once and for all
  2. transfer  of what PHAMigration lacks of the total, from the owner's PHA
  3. launch    sends the PHA to PHAClaims on L2 by the standard bridge, and root, total and deadline
               as a deposit
  4. waits until L2 shows all of them; from then on accounts can claim

Every step looks first at whether it is done: run the command again, with the same tree, after
whatever went wrong. Check the tree before, as its root cannot be changed: anybody can make it
again from the export with `phal2 migration tree`.

Example, on a devnet:
  phal2 migration launch --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 \\
      --tree tree.json --valid-for 86400 --private-key-file owner.key

With --json prints one object: migration, root, total, deadline, transactions (of the steps that
this run took), arrived (whether L2 was seen to have them).
"""


def add_launch_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `launch`."""
    parser = commands.add_parser(
        "launch",
        help="set root and backing on L1, and send them to L2",
        description=_LAUNCH,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l1", required=True, metavar="URL", help="JSON-RPC of L1")
    parser.add_argument(
        "--l2", metavar="URL", help="JSON-RPC of L2; without it nothing waits for L2, and --migration must be given"
    )
    parser.add_argument(
        "--tree", type=Path, required=True, metavar="FILE", help="what `phal2 migration tree` wrote: the claims"
    )
    deadline = parser.add_mutually_exclusive_group(required=True)
    deadline.add_argument(
        "--deadline", type=timestamp, metavar="UNIX", help="last second at which claims are paid, in Unix seconds on L2"
    )
    deadline.add_argument(
        "--valid-for",
        type=seconds,
        metavar="SECONDS",
        help="the same, counted from the chains' present time; where a deadline is set already, that one stays",
    )
    parser.add_argument(
        "--migration",
        type=address,
        metavar="ADDRESS",
        help="PHAMigration on L1 (default: the one that PHAClaims on L2 takes the launch from, in the words of --l2; "
        "as all the backing goes there, give it unless that endpoint is your own)",
    )
    add_sending_options(parser, owner="PHAMigration's owner")
    parser.add_argument(
        "--arrival-timeout",
        type=seconds,
        default=int(ARRIVAL_SECONDS),
        metavar="SECONDS",
        help="how long to wait for the launch on L2 (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.set_defaults(run=report_errors(run_launch), usage_error=parser.error)


def run_launch(arguments: argparse.Namespace) -> int:
    """Carry out `launch`. Raises Phal2Error."""
    if arguments.l2 is None and arguments.migration is None:
        arguments.usage_error("without --l2, --migration has to say where PHAMigration is")
    launched = asyncio.run(_launch(arguments))
    if arguments.json:
        print(json.dumps(_to_json(launched)))
        return 0
    print(f"PHAMigration  {to_checksum_address(launched.migration)}")
    print(f"root          0x{launched.root.hex()}")
    print(f"total         {launched.total} ({format_pha(launched.total)})")
    print(f"deadline      {launched.deadline}")
    print(f"on L2         {'arrived: accounts can claim' if launched.arrived else 'not looked at'}")
    return 0


async def _launch(arguments: argparse.Namespace) -> Launch:
    tree = read_tree(arguments.tree)
    private_key = sending_key(arguments)
    async with AsyncExitStack() as clients:
        l1 = await clients.enter_async_context(open_client(arguments.l1))
        l2 = None if arguments.l2 is None else await clients.enter_async_context(open_client(arguments.l2))
        return await launch(
            l1,
            l2,
            tree,
            private_key,
            At(arguments.deadline) if arguments.valid_for is None else After(arguments.valid_for),
            migration=arguments.migration,
            report=report_progress,
            timeout_seconds=arguments.timeout,
            arrival_seconds=arguments.arrival_timeout,
        )


def _to_json(launched: Launch) -> dict[str, object]:
    return {
        "migration": to_checksum_address(launched.migration),
        "root": f"0x{launched.root.hex()}",
        "total": str(launched.total),
        "deadline": launched.deadline,
        "transactions": {step: f"0x{hash_.hex()}" for step, hash_ in launched.transactions.items()},
        "arrived": launched.arrived,
    }
