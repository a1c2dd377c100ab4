"""`phal2 devnet`: the whole devnet in one process."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.key_options import private_key
from phal2.bridge.chain_access.private_keys import read_private_key
from phal2.devnet.accounts import DEFAULT_ACCOUNT_COUNT, DEFAULT_MNEMONIC
from phal2.devnet.settings import (
    ANVIL,
    DATA_AVAILABILITIES,
    EMBEDDED,
    ETHER,
    OTHER_L1_PROPOSAL_SECONDS,
    OWN_L1_PROPOSAL_SECONDS,
    DevnetSettings,
    format_ether,
    parse_ether,
)
from phal2.devnet.viem_chain import ENDINGS, write_viem_chain
from phal2.node.command.end_signals import end_signals
from phal2.node.command.interpreter import keep_what_is_loaded, tune_interpreter
from phal2.node.command.open_files import allow_many_open_files
from phal2.node.command.rpc_options import add_rpc_options, non_negative, port, positive, rpc_options
from phal2.node.command.state_retention import add_state_retention_option

_DESCRIPTION = """\
Start a local L1, an L2 sequencer, batcher, follower and proposer in one process, and print accounts, keys, contract
addresses and endpoints. No Docker, no TEE hardware: the L1 is embedded, quotes come from the TEE simulator.

All keys are public. Never use them, or this chain, for anything of value.
"""

_LONGEST_BLOCK_TIME: Final = 86_400
_MOST_WEI: Final = 10**12 * ETHER
"""Of each account: all of them together stay far below 2^256 wei."""

_EPILOG = """\
examples:
  phal2 devnet                          endpoints on 8545 (L1), 9545 (L2) and 9546 (follower)
  phal2 devnet --data-dir chain         keep the chain; the same command goes on where it was
  phal2 devnet --json | jq -r .l2.rpc   one JSON object on one line when all is up
  phal2 devnet --l1 anvil               Foundry's anvil as L1
  phal2 devnet --write-viem-chain chain.ts   `import { l1, l2 } from './chain.ts'` in viem programs
  phal2 devnet --l1-port 0 --l2-port 0 --follower-port 0   let the system choose free ports
"""


def add_devnet_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `devnet` to the commands."""
    defaults = DevnetSettings()
    parser = commands.add_parser(
        "devnet",
        help="run L1, L2 nodes, batcher and proposer on this machine",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object when ready, and nothing else")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="keep the chains here (default: a temporary one)")
    add_state_retention_option(parser)
    add_rpc_options(parser)
    parser.add_argument(
        "--l1",
        type=_l1,
        default=defaults.l1,
        metavar="WHICH",
        help="the L1: 'embedded', 'anvil' to run Foundry's anvil, or the URL of an L1 that runs already, where "
        "somebody has to pay (default: %(default)s)",
    )
    payer = parser.add_mutually_exclusive_group()
    payer.add_argument(
        "--private-key-file",
        type=Path,
        metavar="FILE",
        help="with --l1 URL: file with the key of the account that pays there for the contracts, the batcher and the "
        "proposer, and owns the contracts (not needed on an anvil)",
    )
    payer.add_argument(
        "--private-key",
        type=private_key,
        metavar="HEX",
        help="the key itself; others on this machine may see it in the process list",
    )
    parser.add_argument(
        "--l1-role-funds",
        type=_ether,
        default=defaults.l1_role_funds,
        metavar="ETH",
        help="with --l1 URL: what batcher and proposer get there to begin with, each "
        f"(default: {format_ether(defaults.l1_role_funds)})",
    )
    parser.add_argument(
        "--anvil",
        type=Path,
        metavar="PROGRAM",
        help="the anvil that --l1 anvil runs (default: the one on the PATH; npm has it as @foundry-rs/anvil)",
    )
    parser.add_argument(
        "--data-availability",
        choices=DATA_AVAILABILITIES,
        default=defaults.data_availability,
        help="where the batcher puts L2's blocks on L1: in call data, in blobs (the embedded L1 serves them by the "
        "beacon API on its port), or where it costs less at the time (default: %(default)s, which needs no KZG setup)",
    )
    parser.add_argument(
        "--l1-beacon",
        metavar="URL",
        help="with --l1 URL and blobs: beacon API where the nodes find them (default: the URL of --l1)",
    )
    parser.add_argument(
        "--blob-retention",
        type=positive,
        default=defaults.blob_retention,
        metavar="BLOCKS",
        help="of how many of its newest blocks the embedded L1 keeps the blobs (default: %(default)s)",
    )
    parser.add_argument("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    for option, default, what in (
        ("--l1-port", defaults.l1_port, "L1"),
        ("--l2-port", defaults.l2_port, "the sequencer"),
        ("--follower-port", defaults.follower_port, "the follower"),
    ):
        parser.add_argument(option, type=port, default=default, help=f"port of {what} (default: {default}; 0: any)")
    for option, default, what in (
        ("--l1-block-time", defaults.l1_block_time, "seconds between L1 blocks"),
        ("--l2-block-time", defaults.l2_block_time, "seconds between L2 blocks"),
    ):
        parser.add_argument(option, type=_block_time, default=default, help=f"{what} (default: {default})")
    for option, default, what in (
        ("--l1-chain-id", defaults.l1_chain_id, "chain id of L1"),
        ("--l2-chain-id", defaults.l2_chain_id, "chain id of L2"),
        ("--l1-gas-limit", defaults.l1_gas_limit, "gas limit of L1 blocks"),
        ("--l2-gas-limit", defaults.l2_gas_limit, "gas limit of L2 blocks"),
        ("--owner-claim-delay", defaults.owner_claim_delay, "seconds that an owner's migration claim waits"),
        ("--challenge-period", defaults.challenge_period, "seconds in which a permissioned game can be challenged"),
        (
            "--sequencing-window",
            defaults.sequencing_window,
            "L1 blocks within which L2 blocks must be posted; what was deposited comes without the sequencer then",
        ),
    ):
        parser.add_argument(option, type=positive, default=default, help=f"{what} (default: {default})")
    for option, default, what in (
        (
            "--proof-maturity-delay",
            defaults.proof_maturity_delay,
            "a withdrawal is delivered once its proof is more seconds old than this",
        ),
        (
            "--game-finality-delay",
            defaults.game_finality_delay,
            "a dispute game is final once its decision is more seconds old than this",
        ),
    ):
        parser.add_argument(
            option, type=non_negative, default=default, metavar="SECONDS", help=f"{what} (default: {default})"
        )
    parser.add_argument("--mnemonic", default=DEFAULT_MNEMONIC, help='BIP-39 phrase (default: "%(default)s")')
    parser.add_argument(
        "--accounts",
        type=positive,
        default=DEFAULT_ACCOUNT_COUNT,
        metavar="COUNT",
        help="number of funded accounts (default: %(default)s)",
    )
    parser.add_argument(
        "--balance",
        type=_ether,
        default=defaults.balance,
        metavar="ETH",
        help=f"their balance on L1 and on L2 (default: {format_ether(defaults.balance)})",
    )
    parser.add_argument(
        "--migration-tree",
        type=Path,
        metavar="FILE",
        help="tree of claims (of `phal2 migration tree`) that migration_getLeaf answers from",
    )
    parser.add_argument(
        "--no-batcher",
        action="store_true",
        help="post nothing to L1, unless `phal2 batcher` runs beside the devnet: followers then have L2's deposits "
        "alone, when the sequencing window ends",
    )
    parser.add_argument(
        "--no-proposer",
        action="store_true",
        help="propose no outputs: withdrawals cannot be proven, unless `phal2 proposer` runs beside the devnet",
    )
    parser.add_argument(
        "--proposal-interval",
        type=positive,
        metavar="SECONDS",
        help="seconds of L1 time from one proposed output to the next, where no withdrawal waits; viem waits for as "
        f"long before it looks for one (default: {OWN_L1_PROPOSAL_SECONDS}, with --l1 URL {OTHER_L1_PROPOSAL_SECONDS})",
    )
    parser.add_argument(
        "--write-viem-chain",
        type=_viem_chain_file,
        metavar="FILE",
        help="write a module with viem's definitions of both chains when all is up (.js, .mjs, .ts or .mts)",
    )
    parser.add_argument(
        "--no-dev",
        action="store_true",
        help="leave out the development methods (evm_, anvil_ and hardhat_) of L1 and of the sequencer",
    )
    parser.add_argument(
        "--automine",
        action="store_true",
        help="seal an L2 block for each transaction at once; the devnet's time runs ahead",
    )
    parser.add_argument(
        "--allow-state-edits",
        action="store_true",
        help="let development methods edit the state of L2, too; the follower cannot follow from then on",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what the node does to stderr")
    parser.set_defaults(run=run_devnet, parser=parser)


def run_devnet(arguments: argparse.Namespace) -> int:
    """Run the devnet until Ctrl-C or SIGTERM; return the exit code."""
    if (problem := _contradiction(arguments)) is not None:
        arguments.parser.error(problem)
    logging.basicConfig(
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(_settings(arguments), arguments.json, arguments.write_viem_chain))


async def _serve(settings: DevnetSettings, as_json: bool, viem_chain: Path | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def progress(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    def interrupt(number: signal.Signals) -> None:
        if not stop.is_set():
            stop.set()
            # Whoever finds the devnet gone learns that it was told to go.
            with suppress(OSError):  # of a terminal that has closed
                progress(f"stopping: {number.name}")

    for number in end_signals():
        loop.add_signal_handler(number, interrupt, number)
    tune_interpreter()
    allow_many_open_files()
    # The whole devnet comes with this, so the signals are minded before.
    from phal2.devnet.devnet import Devnet

    starting = asyncio.ensure_future(Devnet.start(settings, progress))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return 0
        devnet = starting.result()
        keep_what_is_loaded()
        try:
            description = devnet.description
            if viem_chain is not None:
                write_viem_chain(viem_chain, description)
            text = json.dumps(description.to_json()) if as_json else description.to_text(settings)
            print(text, flush=True)
            await devnet.run_until(stop)
        finally:
            await devnet.stop()
    finally:
        stopping.cancel()
    return 0


def _settings(arguments: argparse.Namespace) -> DevnetSettings:
    return DevnetSettings(
        host=arguments.host,
        l1_port=arguments.l1_port,
        l2_port=arguments.l2_port,
        follower_port=arguments.follower_port,
        l1_block_time=arguments.l1_block_time,
        l2_block_time=arguments.l2_block_time,
        l1_chain_id=arguments.l1_chain_id,
        l2_chain_id=arguments.l2_chain_id,
        data_dir=arguments.data_dir,
        state_retention=arguments.state_retention,
        mnemonic=arguments.mnemonic,
        account_count=arguments.accounts,
        balance=arguments.balance,
        l1_gas_limit=arguments.l1_gas_limit,
        l2_gas_limit=arguments.l2_gas_limit,
        owner_claim_delay=arguments.owner_claim_delay,
        proof_maturity_delay=arguments.proof_maturity_delay,
        game_finality_delay=arguments.game_finality_delay,
        challenge_period=arguments.challenge_period,
        sequencing_window=arguments.sequencing_window,
        batcher=not arguments.no_batcher,
        proposer=not arguments.no_proposer,
        proposal_interval=arguments.proposal_interval,
        migration_tree=arguments.migration_tree,
        rpc=rpc_options(arguments),
        development=not arguments.no_dev,
        automine=arguments.automine,
        allow_state_edits=arguments.allow_state_edits,
        l1=arguments.l1,
        anvil=arguments.anvil,
        data_availability=arguments.data_availability,
        l1_beacon=arguments.l1_beacon,
        blob_retention=arguments.blob_retention,
        l1_private_key=_payer_key(arguments),
        l1_role_funds=arguments.l1_role_funds,
    )


def _contradiction(arguments: argparse.Namespace) -> str | None:
    """Return which options cannot go together, None where all can."""
    ports = [number for number in (arguments.l1_port, arguments.l2_port, arguments.follower_port) if number]
    is_external = arguments.l1 not in (EMBEDDED, ANVIL)
    if len(set(ports)) < len(ports):
        return "--l1-port, --l2-port and --follower-port must differ (0 lets the system choose)"
    if arguments.l1_chain_id == arguments.l2_chain_id and not is_external:
        return "--l1-chain-id and --l2-chain-id must differ: a transaction of one chain would be one of the other, too"
    if arguments.sequencing_window < 2:
        return "--sequencing-window must be at least 2: a batch comes in a later block than its origin"
    for option, is_given, needed, is_there in (
        ("--private-key", arguments.private_key is not None, "--l1 URL", is_external),
        ("--private-key-file", arguments.private_key_file is not None, "--l1 URL", is_external),
        ("--l1-beacon", arguments.l1_beacon is not None, "--l1 URL", is_external),
        ("--anvil", arguments.anvil is not None, f"--l1 {ANVIL}", arguments.l1 == ANVIL),
    ):
        if is_given and not is_there:
            return f"{option} is of use with {needed} alone"
    for option, is_given, without, is_without in (
        ("--automine", arguments.automine, "--no-dev", arguments.no_dev),
        ("--allow-state-edits", arguments.allow_state_edits, "--no-dev", arguments.no_dev),
        ("--proposal-interval", arguments.proposal_interval is not None, "--no-proposer", arguments.no_proposer),
    ):
        if is_given and is_without:
            return f"{option} cannot go with {without}"
    return None


def _payer_key(arguments: argparse.Namespace) -> bytes | None:
    if arguments.private_key is None and arguments.private_key_file is None:
        return None
    return read_private_key(arguments.private_key, arguments.private_key_file, {})


def _l1(text: str) -> str:
    if text not in (EMBEDDED, ANVIL) and not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no L1; expected {EMBEDDED}, {ANVIL}, or http://… or https://…")
    return text


def _viem_chain_file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{text[:80]!r}: expected a file that ends in {', '.join(ENDINGS)}")
    return path


def _block_time(text: str) -> int:
    if (seconds := positive(text)) > _LONGEST_BLOCK_TIME:
        raise argparse.ArgumentTypeError(f"{seconds} s are too long; expected at most {_LONGEST_BLOCK_TIME}")
    return seconds


def _ether(text: str) -> int:
    try:
        wei = parse_ether(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if wei > _MOST_WEI:
        raise argparse.ArgumentTypeError(f"{text[:80]} ETH are too many; expected at most {format_ether(_MOST_WEI)}")
    return wei
