"""`phal2 node`: its options, and the signals that end it."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import Final

from phal2.node.command.end_signals import end_signals
from phal2.node.command.rpc_options import add_rpc_options, port, rpc_options
from phal2.node.command.state_retention import add_state_retention_option

DEFAULT_PORT: Final = 9547
"""Beside a devnet, which takes 9545 and 9546."""

_DESCRIPTION: Final = """\
Run one L2 node. It derives the L2 chain from L1 and serves it by JSON-RPC (HTTP and WebSocket on one port):
the namespaces eth, net, web3, txpool, debug, ots, optimism and attestation. Beside it are /health, /ready and, for
Prometheus, /metrics.

A follower, which is the default, needs nothing but L1 and the two files, trusts nobody, and reaches the very
block hashes that the sequencer has; with --rollup.sequencerhttp it hands its clients' transactions on to that.
With --sequencer the node builds blocks, too, and takes transactions itself; a rollup has one sequencer, and a
batcher (`phal2 batcher`) must bring its blocks to L1. Methods that edit state, move time or seal blocks on
demand (anvil_, hardhat_, evm_) are `phal2 devnet`'s alone, without an option here.

The two files belong together, as the configuration holds the hash of the genesis block:
  rollup.json   in op-node's form, and attested_time, from which on transactions may carry attestations
  genesis.json  in geth's form: alloc, timestamp, gasLimit, baseFeePerGas, extraData; of config the chainId

The chain is kept in the data directory. Stop the node with Ctrl-C or SIGTERM, and start it with the same
command: it goes on where it was, also after a crash.
"""

_EPILOG: Final = """\
example: a devnet, and a second follower beside it
  phal2 devnet --data-dir chain
  phal2 node --l1 http://127.0.0.1:8545 --rollup-config chain/rollup.json --genesis chain/genesis.json \\
      --data-dir follower

exit codes: 0 stopped, 1 failed (one line says why), 2 wrong usage
"""


def add_node_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `node` to the commands."""
    parser = commands.add_parser(
        "node",
        help="run one L2 node: a follower, or the sequencer",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l1", required=True, metavar="URL", help="JSON-RPC endpoint of L1, as http://HOST:PORT")
    parser.add_argument(
        "--l1-beacon",
        metavar="URL",
        help="beacon API of L1, where the batcher's blobs come from (default: the URL of --l1, as a devnet serves it)",
    )
    parser.add_argument("--rollup-config", required=True, type=Path, metavar="FILE", help="the rollup.json")
    parser.add_argument("--genesis", required=True, type=Path, metavar="FILE", help="the genesis.json")
    parser.add_argument("--data-dir", required=True, type=Path, metavar="DIR", help="where the chain is kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help="port to listen on (default: %(default)s; 0: any free one)"
    )
    add_state_retention_option(parser)
    add_rpc_options(parser)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--sequencer", action="store_true", help="build blocks, rather than follow only")
    role.add_argument(
        "--rollup.sequencerhttp",
        dest="sequencer_url",
        metavar="URL",
        help="JSON-RPC endpoint of the sequencer, where a follower hands transactions on to (default: it refuses them)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print {rpc, ws, chainId} on one line when ready; logs go to stderr anyway"
    )
    parser.add_argument(
        "--progress-interval",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="time between two lines about the progress (default: %(default)g)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log details, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the node until it is interrupted; return the exit code. Raises a `Phal2Error` where it cannot go on."""
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # Reading the command line of another command, or the help, need not wait for the event loop.
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_until_interrupted(arguments))
    return 0


async def _run_until_interrupted(arguments: argparse.Namespace) -> None:
    running = asyncio.ensure_future(_run(arguments))
    interrupted = asyncio.Event()

    def interrupt() -> None:
        # A second Ctrl-C must not break off the closing that the first one began.
        if not interrupted.is_set():
            interrupted.set()
            running.cancel()

    for number in end_signals():
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    try:
        await running
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise


async def _run(arguments: argparse.Namespace) -> None:
    # The whole node comes with this, so the signals are minded before, and the help does without.
    from phal2.node.command.running import NodeOptions, run_node

    options = NodeOptions(
        l1_url=arguments.l1,
        l1_beacon_url=arguments.l1_beacon,
        rollup_config=arguments.rollup_config,
        genesis=arguments.genesis,
        data_dir=arguments.data_dir,
        host=arguments.host,
        port=arguments.port,
        is_sequencer=arguments.sequencer,
        sequencer_url=arguments.sequencer_url,
        state_retention=arguments.state_retention,
        as_json=arguments.json,
        progress_seconds=arguments.progress_interval,
        rpc=rpc_options(arguments),
    )
    await run_node(options)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 86_400:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: expected seconds, more than 0 and at most 86400")
    return number
