"""`phal2 db`: looks into data directories."""

import argparse
import json
from pathlib import Path
from typing import Final

from phal2.node.protocol.whole_numbers import parse_whole_number

MOST_BLOCKS: Final = 100_000

_DESCRIPTION: Final = """\
Look into the database of a data directory. Nothing is changed, and a node may be running on it meanwhile.
"""

_INSPECT_DESCRIPTION: Final = """\
Report what a database takes: the file, each table, and each of the newest blocks. DIR is the data directory of a
node, or of a devnet, which has three (l1, l2, follower).

  tables  entries, and the bytes of the file's pages that hold them
  free    pages of the file that hold nothing at present; they are used before the file grows
  blocks  the bytes that are stored for the block, keys and values, by table: nodes are those of the state that
          the block added, as far as they are not pruned, changes the note of which these are. In the file
          pages that are not full come on top.
"""

_INSPECT_EPILOG: Final = """\
examples
  phal2 db inspect chain                       a devnet's three databases
  phal2 db inspect chain/l2 --blocks 100       the sequencer's, with its newest 100 blocks
  phal2 db inspect follower --json | jq '.[0].fileBytes'

exit codes: 0 done, 1 the directory cannot be read or holds no database (one line says why), 2 wrong usage
"""


def add_database_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `db` to the commands."""
    parser = commands.add_parser("db", help="look into data directories", description=_DESCRIPTION)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    inspect = actions.add_parser(
        "inspect",
        help="report sizes: file, tables, blocks",
        description=_INSPECT_DESCRIPTION,
        epilog=_INSPECT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("directory", type=Path, metavar="DIR", help="the data directory of a node or a devnet")
    inspect.add_argument(
        "--blocks",
        type=_block_count,
        default=10,
        metavar="N",
        help=f"how many of the newest blocks to list, at most {MOST_BLOCKS:,} (default: %(default)s)",
    )
    inspect.add_argument("--json", action="store_true", help="print a JSON array with an object for each database")
    inspect.set_defaults(run=run_inspect)


def run_inspect(arguments: argparse.Namespace) -> int:
    """Print the sizes; return the exit code. Raises the `StorageError` that says why they cannot be read."""
    # The database comes with these, and the help does without.
    from phal2.node.command.size_report import sizes_as_json, sizes_as_text
    from phal2.node.storage.inspection import databases_in, inspect_database

    found = [inspect_database(directory, arguments.blocks) for directory in databases_in(arguments.directory)]
    if arguments.json:
        print(json.dumps([sizes_as_json(sizes) for sizes in found]))
    else:
        print("\n\n\n".join(sizes_as_text(sizes) for sizes in found))
    return 0


def _block_count(text: str) -> int:
    count = parse_whole_number(text, 0, MOST_BLOCKS)
    if count is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of blocks; expected 0 to {MOST_BLOCKS}")
    return count
