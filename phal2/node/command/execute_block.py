"""`phal2 execute`: one block, statelessly, from a file to its hash."""

import argparse
import json
from pathlib import Path
from typing import Final

LONGEST_FIXTURE: Final = 512 << 20
"""Bytes, after decompression. Blocks of 30 Mgas come with about 4 MiB of preimages."""

_DESCRIPTION: Final = """\
Execute one OP Stack block statelessly and compare its hash. FILE has everything the block needs, in the form of
kona's executor fixtures, as JSON, plain or compressed with gzip (or Zstandard, without a dictionary):

  rollup_config        l2_chain_id, the forks' times (canyon_time …), chain_op_config; the rest is not read
  parent_header        the parent's header, as eth_getBlockByNumber has it
  executing_payload    payload attributes: timestamp, prevRandao, suggestedFeeRecipient, gasLimit, transactions,
                       and from their forks on parentBeaconBlockRoot (Ecotone) and eip1559Params (Holocene)
  expected_block_hash  what is to be reached
  preimages            bytes by their Keccak-256: the trie nodes and codes that the block reads, and headers of
                       ancestors where it asks for their hashes

Every preimage is held against its hash first. Then the block is executed by the rules of its fork, Regolith to
Isthmus: fees, deposits, L1 cost, receipts, state root, header. One line of JSON tells the result:

  {"number": 26207960, "blockHash": "0x…", "expected": "0x…", "match": true, "gasUsed": 2149366}
"""

_EPILOG: Final = """\
example
  phal2 execute block-26207960.json.gz

exit codes: 0 the hashes are equal, 1 they differ or the block cannot be executed (one line says why), 2 wrong usage
"""


def add_execute_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `execute` to the commands."""
    parser = commands.add_parser(
        "execute",
        help="execute one block statelessly and compare its hash",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the block with its witness, .json or .json.gz")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Execute the block and print the result; return the exit code. Raises a `Phal2Error` where it cannot be."""
    # The EVM comes with these, and the help does without.
    from phal2.node.command.block_fixture import read_block_fixture
    from phal2.node.command.bounded_files import read_bounded_file
    from phal2.node.command.json_documents import parse_document
    from phal2.node.protocol.configuration_fields import InvalidConfiguration
    from phal2.node.state.stateless import WrongPreimage, execute_statelessly

    path: Path = arguments.file
    text = read_bounded_file(path, LONGEST_FIXTURE)
    try:
        fixture = read_block_fixture(parse_document(text))
    except (InvalidConfiguration, WrongPreimage) as error:
        raise InvalidConfiguration(f"{path}: {error}") from None
    block = execute_statelessly(fixture.rules, fixture.parent, fixture.attributes, fixture.witness).block
    matches = block.hash == fixture.expected_hash
    result = {
        "number": block.header.number,
        "blockHash": "0x" + block.hash.hex(),
        "expected": "0x" + fixture.expected_hash.hex(),
        "match": matches,
        "gasUsed": block.header.gas_used,
    }
    print(json.dumps(result))
    return 0 if matches else 1
