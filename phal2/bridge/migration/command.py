"""`phal2 migration`: the group of its commands."""

import argparse
from typing import Final

from phal2.bridge.migration.claim_command import add_claim_parser
from phal2.bridge.migration.launch_command import add_launch_parser
from phal2.bridge.migration.snapshot_command import add_snapshot_parser, add_tree_parser
from phal2.bridge.migration.status_command import add_status_parser
from phal2.bridge.migration.sweep_command import add_sweep_parser

_MIGRATION: Final = """\
The migration of PHA from the Substrate chain to L2, step by step:

  snapshot  read a state export, prove it, and publish what everybody holds
  tree      make the Merkle tree of all claims from the same export
  launch    put the tree's root and its backing under the L1 contract, and send both to L2
  claim     claim an account's PHA on L2 with a signature of its Substrate key
  status    see how much has been claimed
  sweep     after the deadline, give what nobody claimed to the treasury

Amounts are integers of 18 decimals, as the PHA token has on Ethereum: a plank of the Substrate
chain (10^-12 PHA) is 1000000 of them. No amount ever passes through floating point.
"""


def add_migration_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `migration` and its subcommands; each sets `run`, from the arguments to the exit code."""
    migration = subparsers.add_parser(
        "migration",
        help="move PHA balances from the Substrate chain to L2",
        description=_MIGRATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = migration.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_snapshot_parser(commands)
    add_tree_parser(commands)
    add_launch_parser(commands)
    add_claim_parser(commands)
    add_status_parser(commands)
    add_sweep_parser(commands)
