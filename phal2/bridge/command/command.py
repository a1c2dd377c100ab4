"""`phal2 bridge`: the group of its commands."""

import argparse
from typing import Final

from phal2.bridge.command.deposit_command import add_deposit_parser
from phal2.bridge.command.finalize_command import add_finalize_parser
from phal2.bridge.command.prove_command import add_prove_parser
from phal2.bridge.command.status_command import add_status_parser
from phal2.bridge.command.withdraw_command import add_withdraw_parser

_BRIDGE: Final = """\
Move ETH, ERC-20 tokens and PHA between L1 and L2, on a devnet or any other OP Stack chain whose
withdrawals are proven by dispute games.

  deposit   L1 to L2, in one step
  withdraw  L2 to L1, the first of three steps
  prove     the second, on L1, once a dispute game covers the withdrawal
  finalize  the third, on L1, once the proof is old enough
  status    at which step something is, how long it waits, and which command comes next

Nothing is kept on this machine: all commands read the chains, so what was interrupted is gone on
with by the transaction's hash. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not yet possible.
"""


def add_bridge_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `bridge` and its subcommands; each sets `run`, from the arguments to the exit code."""
    bridge = subparsers.add_parser(
        "bridge",
        help="move ETH and tokens between L1 and L2",
        description=_BRIDGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = bridge.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_deposit_parser(commands)
    add_withdraw_parser(commands)
    add_prove_parser(commands)
    add_finalize_parser(commands)
    add_status_parser(commands)
