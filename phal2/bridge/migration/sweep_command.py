"""`phal2 migration sweep`."""

import argparse
import asyncio
import json
from typing import Final

from phal2.bridge.chain_access.clients import open_client
from phal2.bridge.chain_access.options import add_sending_options, report_errors, report_progress, sending_key
from phal2.bridge.migration.relay import Sweep, sweep
from phal2.bridge.migration.report import format_pha
from phal2.node.protocol.addresses import to_checksum_address

_SWEEP: Final = """\
After the deadline, send the PHA that nobody claimed to the treasury on L1, by the standard bridge.
Anyone may do it; the sender only pays the gas.

It is a withdrawal: the treasury has the PHA when it has been proven and finalised on L1, which
anyone may do, too, with `phal2 bridge prove HASH` and `phal2 bridge finalize HASH`.

With --json prints one object: amount, treasury, withdrawalHash, transactionHash, blockNumber.
"""


def add_sweep_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `sweep`."""
    parser = commands.add_parser(
        "sweep",
        help="after the deadline, give what nobody claimed to the treasury",
        description=_SWEEP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC of L2")
    add_sending_options(parser, owner="the account that pays the gas")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.set_defaults(run=report_errors(run_sweep))


def run_sweep(arguments: argparse.Namespace) -> int:
    """Carry out `sweep`. Raises Phal2Error."""
    swept = asyncio.run(_sweep(arguments))
    if arguments.json:
        print(
            json.dumps(
                {
                    "amount": str(swept.amount),
                    "treasury": to_checksum_address(swept.treasury),
                    "withdrawalHash": f"0x{swept.withdrawal_hash.hex()}",
                    "transactionHash": f"0x{swept.transaction_hash.hex()}",
                    "blockNumber": swept.block_number,
                }
            )
        )
        return 0
    print(f"swept       {swept.amount} ({format_pha(swept.amount)})")
    print(f"treasury    {to_checksum_address(swept.treasury)} on L1")
    print(f"withdrawal  0x{swept.withdrawal_hash.hex()}")
    print(f"transaction 0x{swept.transaction_hash.hex()} in block {swept.block_number}")
    return 0


async def _sweep(arguments: argparse.Namespace) -> Sweep:
    private_key = sending_key(arguments)
    async with open_client(arguments.l2) as l2:
        return await sweep(l2, private_key, timeout_seconds=arguments.timeout, report=report_progress)
