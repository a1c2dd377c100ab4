"""`phal2`: parses the command line and runs one of its commands."""

import argparse
import sys
from collections.abc import Sequence

from phal2 import __version__
from phal2.bridge.batcher.command import add_batcher_parser
from phal2.bridge.migration.command import add_migration_parser
from phal2.devnet.command.devnet import add_devnet_parser
from phal2.devnet.command.tee import add_tee_parser
from phal2.devnet.command.tx import add_tx_parser
from phal2.node.protocol.errors import Phal2Error

_DESCRIPTION = """\
A Phala-style Ethereum L2: rollup node, attested transactions, bridge, PHA migration and local devnet.

First steps:
  phal2 devnet                     L1, sequencer, batcher and follower on this machine
  phal2 tee quote --help           quotes of the TEE simulator
  phal2 tx attest --help           send a transaction with an attestation
  phal2 migration snapshot --help  from a Substrate state export to claims
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (0 done, 1 failed, 2 wrong usage)."""
    parser = argparse.ArgumentParser(
        prog="phal2", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"phal2 {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_devnet_parser(commands)
    add_batcher_parser(commands)
    add_migration_parser(commands)
    add_tee_parser(commands)
    add_tx_parser(commands)
    parsed = parser.parse_args(arguments)
    try:
        exit_code: int = parsed.run(parsed)
    except Phal2Error as error:
        print(f"phal2: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    return exit_code
