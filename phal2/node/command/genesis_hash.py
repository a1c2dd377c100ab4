"""`phal2 genesis-hash`: the genesis block of an OP Stack chain, from its allocation to its hash."""

import argparse
import sys
from pathlib import Path
from typing import Final

LONGEST_ALLOCATION: Final = 1 << 30
"""Bytes, after decompression. A chain with all of OP's predeploys has 9 MiB."""

LONGEST_DICTIONARY: Final = 16 << 20

_DESCRIPTION: Final = """\
Compute the hash of a chain's genesis block, print it, and compare it with the one that the chain's configuration
names. What goes into the hash: the accounts of the allocation (the state root), the header fields that stand beside
them, and the forks that are active at genesis, as each brings fields of its own to the header.

ALLOC is geth's genesis.json, plain or compressed with Zstandard or gzip. The files of the superchain registry
(superchain/extra/genesis) need its dictionary, too (superchain/extra/dictionary).
CHAIN.toml is the chain's configuration as the registry has it (superchain/configs): chain_id, [hardforks],
[genesis] l2_time, and [genesis.l2] hash and number.

Chains that were migrated (OP Mainnet, Boba, Celo) begin with a state that no allocation holds; they are refused.
"""

_EPILOG: Final = """\
example: Ink, from a checkout of the superchain registry
  phal2 genesis-hash superchain/extra/genesis/mainnet/ink.json.zst --config superchain/configs/mainnet/ink.toml \\
      --dictionary superchain/extra/dictionary

exit codes: 0 the hash is the configuration's, 1 it is not or cannot be computed (one line says why), 2 wrong usage
"""


def add_genesis_hash_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `genesis-hash` to the commands."""
    parser = commands.add_parser(
        "genesis-hash",
        help="compute the hash of a chain's genesis block",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("allocation", type=Path, metavar="ALLOC", help="the genesis.json, or .json.zst")
    parser.add_argument("--config", required=True, type=Path, metavar="CHAIN.toml", help="the chain's configuration")
    parser.add_argument("--dictionary", type=Path, metavar="FILE", help="the dictionary that ALLOC was compressed with")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the hash; return the exit code. Raises a `Phal2Error` where it cannot be computed."""
    # The state module comes with these, and the help does without.
    from phal2.node.command.bounded_files import read_bounded_file
    from phal2.node.command.json_documents import parse_document
    from phal2.node.command.registry_chain import read_registry_chain
    from phal2.node.command.registry_genesis import genesis_hash
    from phal2.node.protocol.configuration_fields import InvalidConfiguration

    chain = read_registry_chain(arguments.config)
    dictionary = None
    if arguments.dictionary is not None:
        dictionary = read_bounded_file(arguments.dictionary, LONGEST_DICTIONARY)
    text = read_bounded_file(arguments.allocation, LONGEST_ALLOCATION, dictionary)
    try:
        computed = genesis_hash(parse_document(text), chain)
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{arguments.allocation}: {error}") from None
    print("0x" + computed.hex())
    if computed == chain.genesis.hash:
        return 0
    print(
        f"phal2: error: the genesis block has the hash 0x{computed.hex()}, but {arguments.config} says "
        f"0x{chain.genesis.hash.hex()}; the allocation or the configuration is not this chain's",
        file=sys.stderr,
    )
    return 1
