"""`phal2 migration status`."""

import argparse
import asyncio
import json
from typing import Final

from phal2.bridge.chain_access.clients import open_client
from phal2.bridge.chain_access.heads import head_timestamp
from phal2.bridge.chain_access.options import report_errors
from phal2.bridge.migration.status import (
    ClaimsStatus,
    MigrationStatus,
    describe_status,
    read_claims,
    read_migration,
    status_to_json,
)

_STATUS: Final = """\
Show where the migration stands: on L2 what can be claimed, what was, until when, and the PHA that
lies there for the rest; with --l1 also the root under PHAMigration, and the PHA that backs L2's.

With --json prints one object: root, total, claimed, deadline, backing, launched, swept, token,
migration, l1 (null without --l1). Amounts are decimal strings with 18 decimals; root and deadline
are null before the launch.
"""


def add_status_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `status`."""
    parser = commands.add_parser(
        "status",
        help="see how much has been claimed",
        description=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC of L2")
    parser.add_argument("--l1", metavar="URL", help="JSON-RPC of L1, to show PHAMigration too")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.set_defaults(run=report_errors(run_status))


def run_status(arguments: argparse.Namespace) -> int:
    """Carry out `status`. Raises Phal2Error."""
    claims, migration, timestamp = asyncio.run(_read(arguments.l2, arguments.l1))
    if arguments.json:
        print(json.dumps(status_to_json(claims, migration)))
    else:
        print(describe_status(claims, migration, timestamp))
    return 0


async def _read(l2_url: str, l1_url: str | None) -> tuple[ClaimsStatus, MigrationStatus | None, int]:
    async with open_client(l2_url) as l2:
        claims = await read_claims(l2.call)
        timestamp = await head_timestamp(l2)
    if l1_url is None:
        return claims, None, timestamp
    async with open_client(l1_url) as l1:
        return claims, await read_migration(l1.call, claims.migration), timestamp
