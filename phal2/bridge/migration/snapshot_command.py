"""`phal2 migration snapshot` and `tree`: the commands that need only an export."""

import argparse
import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.options import report_errors
from phal2.bridge.migration.errors import MigrationError
from phal2.bridge.migration.export import StateExport, read_export
from phal2.bridge.migration.report import describe_snapshot, describe_state_root, format_pha
from phal2.bridge.migration.snapshot import Snapshot, take_snapshot
from phal2.bridge.migration.ss58 import HIGHEST_PREFIX, PHALA_PREFIX
from phal2.bridge.migration.stakes import read_stakes
from phal2.bridge.migration.state_trie import STATE_VERSIONS
from phal2.bridge.migration.tree import build_tree
from phal2.bridge.migration.tree_file import dump_tree
from phal2.bridge.whole_files import write_whole
from phal2.node.protocol.whole_numbers import parse_whole_number

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_INTEGER: Final = re.compile(r"-?[0-9]{1,39}")

_SOURCE: Final = """\
EXPORT is the whole state of one block as JSON, in any of these forms:
  - a raw chain specification (genesis.raw.top), as `build-spec --raw` and `export-state` write it
  - the answer of state_getPairs: a list of [key, value]
  - an object of storage key to value
Instead, --from-node reads the state from a running Substrate node; --save-export keeps it.

The state root is recomputed from the export. With --state-root it must be that of the block's
header, or nothing is done; take the header from where you trust it, not from the export's maker.
"""

_SNAPSHOT: Final = f"""\
Print what the accounts of a Substrate chain hold, by class.

{_SOURCE}
Everything an account holds may be claimed: free balance (frozen or not) and reserved balance.
Accounts that nobody has a key of are left out and listed for the treasury:
  modl, sibl, para  accounts of pallets, sibling parachains and relay chain parachains
  forgeable         ids that are a public key for which anybody can make signatures
The sum of all is held against the chain's total issuance; a difference is an error.

Delegations to stake pools are not in an account's balance: their worth is spread over the pools'
storage. --staked takes them from a file that you made with the chain's own code, either CSV with
the header line `account,staked` or a JSON object, amounts in planks. They are deducted from
class modl, whose pallet account holds the delegated PHA.

With --json prints one object: stateRoot, accounts (all of them), issuance, total (what can be
claimed), excluded (an amount for every class), and the figures behind them. Amounts are decimal
strings, with 18 decimals.
"""

_TREE: Final = f"""\
Write the Merkle tree of all claims, and print its root and total.

{_SOURCE}
The file is in the format of OpenZeppelin's merkle-tree library (StandardMerkleTree.load reads it)
with leaves of bytes32 accountId, uint256 free and uint256 staked. The same export always gives
the same file, so anyone can make it again and compare the root with the one on chain.
"""


@dataclass(frozen=True, slots=True)
class _Source:
    """An export, and the state root that it must have, if any."""

    export: StateExport
    expected_state_root: bytes | None


def add_snapshot_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `snapshot`."""
    parser = commands.add_parser(
        "snapshot",
        help="read and prove a state export, and print what everybody holds",
        description=_SNAPSHOT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_source_arguments(parser)
    parser.add_argument(
        "--prefix",
        type=_prefix,
        default=PHALA_PREFIX,
        metavar="NUMBER",
        help=f"SS58 prefix of the addresses printed, 0 to {HIGHEST_PREFIX} (default: {PHALA_PREFIX}, Phala and Khala)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON object to FILE")
    parser.set_defaults(run=report_errors(run_snapshot))


def add_tree_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `tree`."""
    parser = commands.add_parser(
        "tree",
        help="write the Merkle tree of all claims",
        description=_TREE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_source_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write the tree")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.set_defaults(run=report_errors(run_tree))


def run_snapshot(arguments: argparse.Namespace) -> int:
    """Carry out `snapshot`. Raises MigrationError."""
    source, snapshot = _take_snapshot(arguments)
    text = json.dumps(snapshot.to_json(arguments.prefix))
    if arguments.out is not None:
        write_whole(arguments.out, text + "\n")
    compared = source.expected_state_root is not None
    print(text if arguments.json else describe_snapshot(snapshot, compared=compared, prefix=arguments.prefix))
    return 0


def run_tree(arguments: argparse.Namespace) -> int:
    """Carry out `tree`. Raises MigrationError."""
    source, snapshot = _take_snapshot(arguments)
    tree = build_tree(snapshot.leaves)
    write_whole(arguments.out, dump_tree(tree))
    if arguments.json:
        state_root = None if snapshot.state_root is None else f"0x{snapshot.state_root.hex()}"
        print(
            json.dumps(
                {
                    "root": f"0x{tree.root.hex()}",
                    "total": str(tree.total),
                    "leaves": len(tree.leaves),
                    "stateRoot": state_root,
                }
            )
        )
        return 0
    compared = source.expected_state_root is not None
    print(f"state root  {describe_state_root(snapshot, compared=compared)}")
    print(f"root        0x{tree.root.hex()}")
    print(f"total       {tree.total} ({format_pha(tree.total)})")
    print(f"leaves      {len(tree.leaves):,}, written to {arguments.out}")
    return 0


def _take_snapshot(arguments: argparse.Namespace) -> tuple[_Source, Snapshot]:
    _keep_sources(arguments)
    stakes = read_stakes(arguments.staked) if arguments.staked is not None else {}
    source = asyncio.run(_read_node(arguments)) if arguments.export is None else _read_file(arguments)
    snapshot = take_snapshot(
        source.export,
        expected_state_root=source.expected_state_root,
        state_version=arguments.state_version,
        stakes=stakes,
        issuance_difference=arguments.issuance_difference,
    )
    return source, snapshot


def _keep_sources(arguments: argparse.Namespace) -> None:
    """End the command with exit code 2 where it would overwrite what it reads, or what it has just written."""
    named = [arguments.export, arguments.staked, arguments.save_export, arguments.out]
    for position, path in enumerate(named):
        if path is not None and path.resolve() in [other.resolve() for other in named[:position] if other is not None]:
            arguments.usage_error(f"{path} is named twice, and would be overwritten: give each file a name of its own")


def _read_file(arguments: argparse.Namespace) -> _Source:
    if arguments.at is not None or arguments.save_export is not None:
        arguments.usage_error("--at and --save-export go with --from-node")
    return _Source(read_export(arguments.export), arguments.state_root)


async def _read_node(arguments: argparse.Namespace) -> _Source:
    # It brings the HTTP client, which takes longer to import than a small export takes to read.
    from phal2.bridge.migration.node_export import export_from_node

    found = await export_from_node(arguments.from_node, arguments.at, _report_progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    expected = arguments.state_root
    if expected is not None and expected != found.state_root:
        raise MigrationError(
            f"the header of block {found.block_number} has the state root 0x{found.state_root.hex()}, "
            f"but 0x{expected.hex()} was expected: choose the block with --at"
        )
    print(f"block {found.block_number}, 0x{found.block_hash.hex()}", file=sys.stderr)
    if arguments.save_export is not None:
        # Its header tells what it has to be, which nobody may look at again once it is a file.
        found.export.verify_state_root(found.state_root, arguments.state_version)
        pairs = [[f"0x{key.hex()}", f"0x{value.hex()}"] for key, value in found.export.entries.items()]
        write_whole(arguments.save_export, json.dumps(pairs))
    return _Source(found.export, found.state_root)


def _add_source_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("export", nargs="?", type=Path, metavar="EXPORT", help="file with the state export")
    source.add_argument("--from-node", metavar="URL", help="read the state from a Substrate node's HTTP JSON-RPC")
    parser.add_argument(
        "--at", type=_hash, metavar="HASH", help="with --from-node: the block (default: the last finalized one)"
    )
    parser.add_argument(
        "--save-export", type=Path, metavar="FILE", help="with --from-node: keep the state as an EXPORT in FILE"
    )
    parser.add_argument("--state-root", type=_hash, metavar="HASH", help="the state root that the export must have")
    parser.add_argument(
        "--state-version",
        type=int,
        choices=STATE_VERSIONS,
        help="trie layout version (default: the one that gives --state-root; without --state-root 0)",
    )
    parser.add_argument("--staked", type=Path, metavar="FILE", help="staked amounts in planks, CSV or JSON")
    parser.add_argument(
        "--issuance-difference",
        type=_integer,
        default=0,
        metavar="PLANKS",
        help="planks by which the chain's total issuance is known to exceed the sum of its accounts' balances "
        "(default: 0; may be negative, written --issuance-difference=-1)",
    )
    parser.set_defaults(usage_error=parser.error)


def _report_progress(entry_count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{entry_count:,} entries", end="", file=sys.stderr, flush=True)


def _hash(text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected 0x and 64 hex digits, got {text!r}")
    return bytes.fromhex(text[2:])


def _prefix(text: str) -> int:
    number = parse_whole_number(text, 0, HIGHEST_PREFIX)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {HIGHEST_PREFIX}, got {text!r}")
    return number


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected a whole number of planks, got {text!r}")
    return int(text)
