"""`phal2`: parses the command line and runs one of its commands."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from phal2 import __version__
from phal2.node.protocol.errors import Phal2Error

_DESCRIPTION: Final = """\
A Phala-style Ethereum L2: rollup node, attested transactions, bridge, PHA migration and local devnet.

First steps:
  phal2 devnet                     L1, L2, batcher, follower and proposer on this machine
  phal2 tee quote --help           quotes of the TEE simulator
  phal2 bridge --help              deposits and withdrawals
  phal2 tx attest --help           send a transaction with an attestation
  phal2 migration snapshot --help  from a Substrate state export to claims
"""

_TRACEBACK_VARIABLE: Final = "PHAL2_TRACEBACK"


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what the list of commands says of it, and the function (`module:name`) that adds its parser."""

    name: str
    summary: str
    parser: str

    def add_to(self, commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        """Import the command's module and add its parser."""
        module, _, function = self.parser.partition(":")
        getattr(import_module(module), function)(commands)


COMMANDS: Final = (
    Command(
        "devnet",
        "run L1, L2 nodes, batcher and proposer on this machine",
        "phal2.devnet.command.devnet:add_devnet_parser",
    ),
    Command("node", "run one L2 node: a follower, or the sequencer", "phal2.node.command.command:add_node_parser"),
    Command("batcher", "post L2 blocks to L1", "phal2.bridge.batcher.command:add_batcher_parser"),
    Command("proposer", "put L2's output roots on L1", "phal2.bridge.proposer.command:add_proposer_parser"),
    Command("bridge", "move ETH and tokens between L1 and L2", "phal2.bridge.command.command:add_bridge_parser"),
    Command(
        "migration",
        "move PHA balances from the Substrate chain to L2",
        "phal2.bridge.migration.command:add_migration_parser",
    ),
    Command("channel", "look into what batchers write to L1", "phal2.node.command.channel:add_channel_parser"),
    Command(
        "execute",
        "execute one block statelessly and compare its hash",
        "phal2.node.command.execute_block:add_execute_parser",
    ),
    Command(
        "genesis-hash",
        "compute the hash of a chain's genesis block",
        "phal2.node.command.genesis_hash:add_genesis_hash_parser",
    ),
    Command("db", "look into data directories", "phal2.node.command.database:add_database_parser"),
    Command("tee", "make quotes with the TEE simulator, verify quotes", "phal2.devnet.command.tee:add_tee_parser"),
    Command("tx", "send attested transactions", "phal2.devnet.command.tx:add_tx_parser"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code (0 done, 1 failed, 2 wrong usage)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parsed = _parse(given)
    try:
        _raise_interrupts()
        exit_code: int = parsed.run(parsed)
    except Phal2Error as error:
        print(f"phal2: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:  # such as a full disk under the output, which is no defect
        if os.environ.get(_TRACEBACK_VARIABLE):
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"phal2: error: {where}{error.strerror or _one_line(error)}", file=sys.stderr)
        return 1
    except Exception as error:  # a defect of phal2, which its user cannot mend: say so in one line
        if os.environ.get(_TRACEBACK_VARIABLE):
            raise
        print(
            f"phal2: internal error: {type(error).__name__}: {_one_line(error)}; "
            f"this is a defect of phal2, and {_TRACEBACK_VARIABLE}=1 shows where it happens",
            file=sys.stderr,
        )
        return 1
    return exit_code


def _parse(given: Sequence[str]) -> argparse.Namespace:
    chosen = given[0] if given else ""
    parser = _parser(chosen)
    parsed, unknown = parser.parse_known_args(given)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)} (`phal2 {chosen} --help` lists the options)")
    return parsed


def _raise_interrupts() -> None:
    """Have a Ctrl-C raise `KeyboardInterrupt` from now on, unless who started the process wants it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser of the command line; of the commands, only the `chosen` one has its options.

    The modules of a command take up to a second to import, which neither the help nor the other commands should wait
    for.
    """
    parser = argparse.ArgumentParser(
        prog="phal2", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"phal2 {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        if command.name == chosen:
            command.add_to(commands)
        else:
            commands.add_parser(command.name, help=command.summary)
    return parser


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
