"""`phal2 channel decode`: what a batcher wrote to L1, from files to JSON."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from phal2.node.protocol.whole_numbers import parse_whole_number

if TYPE_CHECKING:
    from phal2.node.command.batcher_data import DataKind, FoundChannel
    from phal2.node.protocol.span_batches import SpanBatchTerms

LONGEST_FILE: Final = 256 << 20
"""Bytes: the longest channel that counts, in hex, and more."""

MOST_PIECES: Final = 100_000

_DESCRIPTION: Final = """\
Look into batcher data: print its frames, channels, batches and transactions as one JSON document, {"channels": […]},
a channel on each line.

FILE is binary, or hex with a piece of data on each line that begins with 0x; gzip is read, too; - is the standard
input. A piece of data is one of these, which its form tells (or --as says):

  calldata   of a transaction to the batch inbox: 0x00 and whole frames
  frames     one after the other
  blob       131,072 bytes; beacon nodes have them
  channel    all frames of one put together: zlib (0x78 …) or brotli (0x01 …)

Frames are put together from all files, in any order; is_in_order says whether derivation would take them in the
order in which they came. Span batches leave out what every node knows, so they need --rollup-config, or --genesis-time,
--block-time and --chain-id. Transactions come with hash and sender; --summary leaves them out.
"""

_EPILOG: Final = """\
examples
  cast tx 0x… input --rpc-url http://127.0.0.1:8545 | phal2 channel decode --rollup-config chain/rollup.json -
  phal2 channel decode --genesis-time 1686789347 --block-time 2 --chain-id 10 --summary op-mainnet-channel.hex

exit codes: 0 all was read, 1 something was not (the JSON of the channel and one line say what), 2 wrong usage
"""


def add_channel_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `channel` and its subcommand."""
    parser = commands.add_parser("channel", help="look into what batchers write to L1")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    decode = actions.add_parser(
        "decode",
        help="print frames, channels, batches and transactions as JSON",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    decode.add_argument("files", nargs="+", type=Path, metavar="FILE", help="batcher data, hex or binary; - for stdin")
    decode.add_argument(
        "--as",
        dest="kind",
        choices=("calldata", "frames", "blob", "channel"),
        help="what each piece of data is (default: what its form tells)",
    )
    decode.add_argument("--rollup-config", type=Path, metavar="FILE", help="the rollup.json of the chain")
    decode.add_argument("--genesis-time", type=_natural, metavar="SECONDS", help="Unix time of the L2 genesis block")
    decode.add_argument("--block-time", type=_positive, metavar="SECONDS", help="time between two L2 blocks")
    decode.add_argument("--chain-id", type=_natural, metavar="ID", help="the L2 chain")
    decode.add_argument("--summary", action="store_true", help="leave out the transactions, but for their number")
    decode.set_defaults(run=run, usage_error=decode.error)


def run(arguments: argparse.Namespace) -> int:
    """Print the channels of the files; return the exit code. Raises a `Phal2Error` where a file cannot be read."""
    import orjson

    from phal2.node.command.batcher_data import UnknownData
    from phal2.node.command.channel_report import MissingTerms, channel_report

    terms = _terms(arguments)
    found = list(_channels(arguments))
    lines = []
    failed = 0
    for channel in found:
        try:
            report = channel_report(channel, terms, not arguments.summary)
        except MissingTerms as error:
            raise UnknownData(f"{channel.source}: {error}") from None
        failed += report["error"] is not None or any("error" in batch for batch in report["batches"])
        lines.append(orjson.dumps(report))
    sys.stdout.buffer.write(b'{"channels": [\n' + b",\n".join(lines) + b"\n]}\n")
    sys.stdout.buffer.flush()
    if failed:
        print(
            f"phal2: error: {failed} of {len(found)} channels could not be read whole; their error says why",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _channels(arguments: argparse.Namespace) -> "Iterator[FoundChannel]":
    from phal2.node.command.batcher_data import DataKind, FoundChannel, PlacedFrame, UnknownData, assembled, frames_of
    from phal2.node.protocol.errors import InvalidEncoding

    frames: list[PlacedFrame] = []
    for source, data, kind in _pieces(arguments):
        if kind is DataKind.CHANNEL:
            yield FoundChannel(None, (), data, source)
            continue
        try:
            frames += [PlacedFrame(frame, source) for frame in frames_of(data, kind)]
        except InvalidEncoding as error:
            raise UnknownData(f"{source}: {error}") from None
    yield from assembled(frames)


def _pieces(arguments: argparse.Namespace) -> "Iterator[tuple[str, bytes, DataKind]]":
    """Yield each piece of data with where it came from and what it is."""
    from phal2.node.command.batcher_data import DataKind, UnknownData, kind_of, pieces

    count = 0
    for path in arguments.files:
        try:
            found = pieces(_content(path))
            count += len(found)
            if count > MOST_PIECES:
                raise UnknownData(f"more than {MOST_PIECES} pieces of data; give fewer at a time")
            for index, data in enumerate(found, 1):
                source = str(path) if len(found) == 1 else f"{path}, piece {index}"
                yield source, data, DataKind(arguments.kind) if arguments.kind else kind_of(data)
        except UnknownData as error:
            raise UnknownData(f"{path}: {error}") from None


def _content(path: Path) -> bytes:
    from phal2.node.command.batcher_data import UnknownData
    from phal2.node.command.bounded_files import read_bounded_file

    if str(path) != "-":
        return read_bounded_file(path, LONGEST_FILE)
    content = sys.stdin.buffer.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:
        raise UnknownData(f"is longer than {LONGEST_FILE} bytes, the longest that is read")
    return content


def _terms(arguments: argparse.Namespace) -> "SpanBatchTerms | None":
    from phal2.node.protocol.span_batches import SpanBatchTerms

    single: tuple[Any, ...] = (arguments.genesis_time, arguments.block_time, arguments.chain_id)
    given = sum(value is not None for value in single)
    if given and (arguments.rollup_config is not None or given < len(single)):
        arguments.usage_error("give either --rollup-config, or all of --genesis-time, --block-time and --chain-id")
    if arguments.rollup_config is not None:
        from phal2.node.command.configuration_files import read_span_batch_terms

        return read_span_batch_terms(arguments.rollup_config)
    return SpanBatchTerms(*single) if given else None


def _natural(text: str) -> int:
    number = parse_whole_number(text, 0, (1 << 64) - 1)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number; expected 0 to 2^64 - 1")
    return number


def _positive(text: str) -> int:
    number = _natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("0 is out of range; expected at least 1")
    return number
