"""`phal2 proposer`: runs the proposer against an L1 endpoint and an L2 node, or registers a prover."""

import argparse
import asyncio
import contextlib
import logging
import shlex
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.clients import require_chain
from phal2.bridge.chain_access.fee_options import add_fee_limits, add_poll_interval, add_resubmission
from phal2.bridge.chain_access.key_options import add_key_options, given_key, is_key_given
from phal2.bridge.chain_access.options import address, positive_number, whole_number
from phal2.bridge.chain_access.programs import log_to_stderr, run_until_interrupted, warn_of_readable_key
from phal2.bridge.dispute_games import GameType
from phal2.bridge.proposer.arguments import host_and_port, workload_hash
from phal2.bridge.proposer.errors import ProposerError
from phal2.bridge.proposer.l2_view import ANSWER_SECONDS
from phal2.bridge.proposer.proposer import Proposer, ProposerContracts
from phal2.bridge.proposer.prover_channels import ChannelOpener, ProverAddress, ProverCommand, prover_command
from phal2.bridge.proposer.prover_client import ProgramClient
from phal2.bridge.proposer.registration import OwnerRegistrar, QuoteTrust
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import TransactionSender
from phal2.bridge.prover.claim import config_hash
from phal2.bridge.prover.configuration import prover_configuration
from phal2.bridge.quote_files import read_collateral, read_root_certificate
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.rollup_config import RollupConfig

_LOGGER = logging.getLogger("phal2.proposer")

L1_ATTEMPTS: Final = 6
"""Of one request: a game takes dozens in a row, and all of them are made again where one fails."""

_DEFAULTS: Final = ProposerSettings()
_GAME_TYPES: Final = {"enclave": GameType.ENCLAVE, "permissioned": GameType.PERMISSIONED}

_DESCRIPTION: Final = """\
Put output roots of an L2 chain on L1, so that withdrawals can be proven there.

Each output is claimed by a dispute game of the factory. An enclave game carries the signature of a
prover, which has executed all blocks since the last game again (`python -m phal2.bridge.prover`); it
counts as soon as it is created. The prover's key must be in the ProverRegistry: `phal2 proposer
register` puts it there, and so does the proposer itself where the approver's key is given.
A permissioned game is the fallback for when no prover is at hand: it needs the proposer's role, and
the guardian must have made its type the respected one.

It keeps nothing on disk: stop it and start it at any time. It goes on from the newest game on L1
that agrees with the L2 node.
"""

_EXAMPLE: Final = """\
example:
  phal2 proposer --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 --private-key-file proposer.key \\
    --dispute-game-factory 0x… --anchor-state-registry 0x… --prover-registry 0x… --prover 10.0.0.7:7300
"""


def add_proposer_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `proposer`; it sets `run`, which takes the arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "proposer",
        help="put L2's output roots on L1",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("run", "register"),
        default="run",
        help="propose until interrupted (run, the default), or register the prover's key and end (register)",
    )
    parser.add_argument("--l1", required=True, metavar="URL", help="JSON-RPC endpoint of L1")
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC endpoint of an L2 node (with debug_)")
    add_key_options(parser, "the account that pays for the games")
    for name, what in (
        ("dispute-game-factory", "DisputeGameFactory"),
        ("anchor-state-registry", "AnchorStateRegistry"),
        ("prover-registry", "ProverRegistry"),
    ):
        parser.add_argument(f"--{name}", type=address, required=True, metavar="ADDRESS", help=f"{what} on L1")
    _add_prover_options(parser)
    _add_settings(parser)
    parser.set_defaults(run=run)


def _add_prover_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the prover")
    group.add_argument(
        "--prover",
        type=host_and_port,
        metavar="HOST:PORT",
        help="where the prover listens (default: it is started as a process of its own)",
    )
    group.add_argument(
        "--prover-arguments",
        default="",
        metavar="TEXT",
        help="further arguments of a prover that is started from here, such as '--enclave MODULE:FUNCTION'",
    )
    add_key_options(group, "the owner of the quote verifier, to register the prover with", "approver-")
    group.add_argument(
        "--collateral", type=Path, metavar="FILE", help="collateral of the prover's quote (JSON), to register it"
    )
    group.add_argument(
        "--root-ca", type=Path, metavar="FILE", help="root certificate of its platform, DER or PEM (default: Intel's)"
    )
    group.add_argument(
        "--workload",
        type=workload_hash,
        metavar="HASH",
        help="refuse to approve a quote of another workload (default: the registry's list decides)",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("games and their transactions")
    group.add_argument(
        "--game-type", choices=tuple(_GAME_TYPES), default="enclave", help="what vouches for outputs (default: enclave)"
    )
    group.add_argument(
        "--interval-blocks",
        type=whole_number,
        default=_DEFAULTS.interval_blocks,
        metavar="COUNT",
        help="L2 blocks after which a game is due (default: %(default)s)",
    )
    group.add_argument(
        "--interval",
        type=positive_number,
        default=_DEFAULTS.interval_seconds,
        metavar="SECONDS",
        help="time after which a game is due (default: %(default)s)",
    )
    group.add_argument(
        "--on-withdrawal", action="store_true", help="create a game as soon as a withdrawal waits for one, too"
    )
    group.add_argument(
        "--anchor-blocks",
        type=whole_number,
        default=_DEFAULTS.anchor_blocks,
        metavar="COUNT",
        help="move the anchor root to a final game when it is so many L2 blocks behind (default: %(default)s)",
    )
    group.add_argument(
        "--finalized", action="store_true", help="propose finalized L2 blocks only, not those that are merely safe"
    )
    add_poll_interval(group, _DEFAULTS.poll_interval_seconds)
    add_resubmission(group, _DEFAULTS.resubmission_seconds)
    add_fee_limits(group, _DEFAULTS.fee_limit, _DEFAULTS.priority_fee_limit)
    parser.add_argument("--verbose", action="store_true", help="log each proof, too")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return the exit code. Raises a `Phal2Error` where it cannot begin."""
    log_to_stderr(_LOGGER, verbose=arguments.verbose)
    for path in (arguments.private_key_file, arguments.approver_private_key_file):
        warn_of_readable_key(path)
    if arguments.action == "register":
        asyncio.run(_register(arguments))
    else:
        asyncio.run(_propose(arguments, given_key(arguments)))
    return 0


@dataclass(frozen=True, slots=True)
class _Connections:
    l1: L1Client
    l2: JsonRpcClient
    config: RollupConfig
    prover: ProgramClient


@contextlib.asynccontextmanager
async def _connected(arguments: argparse.Namespace) -> AsyncIterator[_Connections]:
    """Open the clients, read the rollup's configuration from the L2 node, and hold L1 against it."""
    async with contextlib.AsyncExitStack() as parts:
        l1, l2 = L1Client(arguments.l1, attempts=L1_ATTEMPTS), JsonRpcClient(arguments.l2, ANSWER_SECONDS)
        parts.push_async_callback(l1.close)
        parts.push_async_callback(l2.close)
        config = RollupConfig.from_json(await l2.call("optimism_rollupConfig"))
        await require_chain(l1, config.l1_chain_id)
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="phal2-proposer-")))
        prover = ProgramClient(_prover_opener(arguments, config, folder), config_hash(config))
        parts.push_async_callback(prover.close)
        yield _Connections(l1, l2, config, prover)


def _prover_opener(arguments: argparse.Namespace, config: RollupConfig, folder: Path) -> ChannelOpener:
    if arguments.prover is not None:
        return ProverAddress(*arguments.prover)
    path = folder / "rollup.json"
    path.write_bytes(prover_configuration(config))
    return ProverCommand(prover_command(path, shlex.split(arguments.prover_arguments)))


async def _propose(arguments: argparse.Namespace, key: bytes) -> None:
    """Propose until SIGINT or SIGTERM."""
    settings = ProposerSettings(
        game_type=_GAME_TYPES[arguments.game_type],
        interval_blocks=arguments.interval_blocks,
        interval_seconds=arguments.interval,
        on_withdrawal=arguments.on_withdrawal,
        anchor_blocks=arguments.anchor_blocks,
        finalized_only=arguments.finalized,
        poll_interval_seconds=arguments.poll_interval,
        resubmission_seconds=arguments.resubmit_after,
        fee_limit=arguments.fee_limit,
        priority_fee_limit=arguments.tip_limit,
    )
    contracts = ProposerContracts(
        arguments.dispute_game_factory, arguments.anchor_state_registry, arguments.prover_registry
    )
    async with _connected(arguments) as connected:
        registrar = _registrar(arguments, connected, settings) if is_key_given(arguments, "approver-") else None
        proposer = Proposer(
            connected.l1, connected.l2, connected.config, contracts, connected.prover, key, settings, registrar
        )
        await run_until_interrupted(proposer.run())


async def _register(arguments: argparse.Namespace) -> None:
    if arguments.prover is None:
        raise ProposerError(
            "register needs --prover HOST:PORT: a prover that is started from here ends with this command, and its key "
            "with it; to run one in the proposer's own process tree, give the proposer the approver's key instead"
        )
    async with _connected(arguments) as connected:
        await _registrar(arguments, connected, _DEFAULTS).register(connected.prover)
        print(to_checksum_address((await connected.prover.description()).address))


def _registrar(arguments: argparse.Namespace, connected: _Connections, settings: ProposerSettings) -> OwnerRegistrar:
    if arguments.collateral is None:
        raise ProposerError("to register the prover its quote must be judged: give --collateral FILE")
    root = INTEL_ROOT_CA_DER if arguments.root_ca is None else read_root_certificate(arguments.root_ca)
    collateral = read_collateral(arguments.collateral)
    trust = QuoteTrust(root, lambda _: collateral, lambda: int(time.time()), arguments.workload)
    chain_id = connected.config.l1_chain_id
    owner = TransactionSender(connected.l1, chain_id, given_key(arguments, "approver-"), settings)
    return OwnerRegistrar(connected.l1, chain_id, arguments.prover_registry, owner, trust)
