"""`phal2 batcher`: runs the batcher against an L1 endpoint and an L2 node."""

import argparse
import asyncio
import contextlib
import logging
from typing import Final

from phal2.bridge.batcher.batcher import Batcher
from phal2.bridge.batcher.inbox import NodeInbox, read_inbox
from phal2.bridge.batcher.settings import BatcherSettings, BatchType, DataAvailability
from phal2.bridge.chain_access.clients import require_chain
from phal2.bridge.chain_access.fee_options import add_fee_limits, add_gwei, add_poll_interval, add_resubmission
from phal2.bridge.chain_access.key_options import add_key_options, given_key
from phal2.bridge.chain_access.options import whole_number
from phal2.bridge.chain_access.programs import log_to_stderr, run_until_interrupted, warn_of_readable_key
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.whole_numbers import parse_whole_number

_LOGGER = logging.getLogger("phal2.batcher")

_L1_ATTEMPTS: Final = 3
"""Of one request, as every step takes some in a row."""

_DEFAULTS: Final = BatcherSettings()

_DESCRIPTION: Final = """\
Post the blocks of an L2 chain to L1, so that every follower can derive the chain from L1 alone.

The batcher reads unsafe blocks from the sequencer, gathers them in compressed channels, and sends
these to the batch inbox, in blobs or as call data, whichever costs less at the time. The inbox and
the L1 chain id come from the L2 node's rollup configuration. Only data from the batcher's account
counts, so the key must be that account's, and the account needs ETH on L1.

It keeps nothing on disk: stop it and start it at any time. At the start it waits until the L2 node
has derived what was posted before, and goes on after the safe head.
Run only one batcher with a key.
"""

_EXAMPLE: Final = """\
examples:
  phal2 batcher --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 --private-key-file batcher.key
  phal2 batcher … --data-availability blobs --channel-duration 25    fill blobs: cheap, but safe later
"""


def add_batcher_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `batcher`; it sets `run`, which takes the arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "batcher",
        help="post L2 blocks to L1",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l1", required=True, metavar="URL", help="JSON-RPC endpoint of L1")
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC endpoint of the sequencer's node")
    add_key_options(parser, "the batcher's account")
    _add_settings(parser)
    parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add_poll_interval(parser, _DEFAULTS.poll_interval_seconds)
    _add_channel_settings(parser)
    _add_sending_settings(parser)
    parser.add_argument("--verbose", action="store_true", help="log what is waited for, too")


def _add_channel_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("channels")
    group.add_argument(
        "--data-availability",
        choices=[kind.value for kind in DataAvailability],
        default=_DEFAULTS.data_availability.value,
        help="where batches go: blobs, calldata, or auto, the cheaper at L1's present prices (default: %(default)s)",
    )
    group.add_argument(
        "--switch-margin",
        type=_percent,
        default=_DEFAULTS.switch_margin_percent,
        metavar="PERCENT",
        help="with auto, how much cheaper the other way must be before it is taken; each change waits until all "
        "earlier transactions are mined (default: %(default)s)",
    )
    group.add_argument(
        "--batch-type",
        choices=[kind.value for kind in BatchType],
        default=_DEFAULTS.batch_type.value,
        help="span: many blocks in a batch, but those with attested transactions alone; singular: a batch for each "
        "block (default: %(default)s)",
    )
    group.add_argument(
        "--compression",
        choices=[kind.value for kind in Compression],
        default=_DEFAULTS.compression.value,
        help="of channels; brotli is smaller, zlib is for rollups before Fjord (default: %(default)s)",
    )
    group.add_argument(
        "--channel-duration",
        type=whole_number,
        default=_DEFAULTS.channel_duration,
        metavar="BLOCKS",
        help="L1 blocks that a channel stays open: longer compresses better, and fills blobs, which are paid for "
        "whole, but blocks become safe later (default: %(default)s)",
    )
    group.add_argument(
        "--channel-size",
        type=whole_number,
        default=_DEFAULTS.channel_bytes,
        metavar="BYTES",
        help="compressed size at which a channel is closed early (default: 100000 for call data, and what the blobs of "
        "one transaction hold)",
    )
    group.add_argument(
        "--max-blobs",
        type=whole_number,
        default=_DEFAULTS.blobs_in_transaction,
        metavar="COUNT",
        help="blobs in a transaction, at most 6 (default: %(default)s)",
    )


def _add_sending_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sending")
    group.add_argument(
        "--max-in-flight",
        type=whole_number,
        default=_DEFAULTS.transactions_in_flight,
        metavar="COUNT",
        help="transactions that may wait to be mined (default: %(default)s)",
    )
    group.add_argument(
        "--max-bytes-in-flight",
        type=whole_number,
        default=_DEFAULTS.bytes_in_flight,
        metavar="BYTES",
        help="bytes that may wait to be mined; a blob counts whole, 131072 (default: %(default)s)",
    )
    add_resubmission(group, _DEFAULTS.resubmission_seconds, ": by an eighth, with blobs twice as high")
    add_fee_limits(group, _DEFAULTS.fee_limit, _DEFAULTS.priority_fee_limit)
    add_gwei(group, "--blob-fee-limit", _DEFAULTS.blob_fee_limit, "never pay more than this per blob gas")
    group.add_argument(
        "--backlog-warning",
        type=whole_number,
        default=_DEFAULTS.backlog_blocks,
        metavar="BLOCKS",
        help="warn when so many L2 blocks wait to be posted (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the batcher until it is interrupted; return the exit code. Raises a `Phal2Error` where it cannot begin."""
    private_key = given_key(arguments)
    warn_of_readable_key(arguments.private_key_file)
    settings = BatcherSettings(
        poll_interval_seconds=arguments.poll_interval,
        batch_type=BatchType(arguments.batch_type),
        compression=Compression(arguments.compression),
        data_availability=DataAvailability(arguments.data_availability),
        switch_margin_percent=arguments.switch_margin,
        channel_duration=arguments.channel_duration,
        channel_bytes=arguments.channel_size,
        blobs_in_transaction=arguments.max_blobs,
        transactions_in_flight=arguments.max_in_flight,
        bytes_in_flight=arguments.max_bytes_in_flight,
        resubmission_seconds=arguments.resubmit_after,
        fee_limit=arguments.fee_limit,
        priority_fee_limit=arguments.tip_limit,
        blob_fee_limit=arguments.blob_fee_limit,
        backlog_blocks=arguments.backlog_warning,
    )
    log_to_stderr(_LOGGER, verbose=arguments.verbose)
    asyncio.run(run_batcher(arguments.l1, arguments.l2, private_key, settings))
    return 0


async def run_batcher(l1_url: str, l2_url: str, private_key: bytes, settings: BatcherSettings) -> None:
    """Post until SIGINT or SIGTERM. Raises a `Phal2Error` where it cannot begin."""
    async with contextlib.AsyncExitStack() as clients:
        l1, l2 = L1Client(l1_url, attempts=_L1_ATTEMPTS), JsonRpcClient(l2_url)
        clients.push_async_callback(l1.close)
        clients.push_async_callback(l2.close)
        inbox = await read_inbox(l2)
        await _check_inbox(l1, inbox, private_key)
        kzg = KzgWorker()
        clients.push_async_callback(kzg.close)
        await run_until_interrupted(Batcher(l1, l2, inbox, private_key, settings, kzg=kzg).run())


async def _check_inbox(l1: L1Client, inbox: NodeInbox, private_key: bytes) -> None:
    await require_chain(l1, inbox.l1_chain_id)
    address = address_of_private_key(private_key)
    if address != inbox.batcher_address:
        _LOGGER.warning(
            "the key is of %s, but the rollup began with the batcher %s: unless its SystemConfig was changed since, "
            "everything posted will be ignored",
            to_checksum_address(address),
            to_checksum_address(inbox.batcher_address),
        )


def _percent(text: str) -> int:
    number = parse_whole_number(text, 0, 99)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 99, got {text[:40]!r}")
    return number
