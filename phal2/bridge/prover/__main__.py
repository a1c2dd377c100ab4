"""`python -m phal2.bridge.prover`: the program that runs in the enclave."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from phal2.bridge.prover.enclave import Enclave
from phal2.bridge.prover.program import listen, serve
from phal2.bridge.prover.prover import LEAST_ENTROPY_BYTES, Prover
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.whole_numbers import parse_whole_number
from phal2.node.state.engines import load_engine

_LARGEST_CONFIGURATION: Final = 1 << 20
_YOUNG_OBJECTS: Final = 50_000
_MIDDLE_COLLECTIONS: Final = 20
_OLD_COLLECTIONS: Final = 50

_DESCRIPTION: Final = """\
Execute L2 blocks again from witnesses and sign what they come to, with a key made at the start.

Requests come on standard input and answers go to standard output (or both over TCP), each a message
of canonical RLP behind its length in 4 bytes; `phal2 proposer` speaks it. The configuration decides what is signed,
so it must be part of what the enclave measures.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m phal2.bridge.prover",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rollup-config", required=True, type=Path, metavar="FILE", help="the rollup's configuration (rollup.json)"
    )
    parser.add_argument(
        "--enclave",
        metavar="MODULE:FUNCTION",
        help="where quotes come from: a function that takes the bytes of the configuration and returns an Enclave",
    )
    parser.add_argument(
        "--listen",
        type=_host_and_port,
        metavar="HOST:PORT",
        help="serve TCP connections there in place of standard input and output; whoever can connect chooses what is "
        "proven, so let nobody but the proposer",
    )
    parsed = parser.parse_args(arguments)
    try:
        load_engine()
        raw = _read_bounded(parsed.rollup_config)
        prover = Prover(
            RollupConfig.from_json(json.loads(raw)),
            os.urandom(LEAST_ENTROPY_BYTES),
            None if parsed.enclave is None else _open_enclave(parsed.enclave, raw),
        )
    except (Phal2Error, OSError, ValueError) as error:
        print(f"prover: error: {error}", file=sys.stderr)
        return 1
    # Blocks make hundreds of thousands of objects that are free of cycles: looking for cycles often is wasted time.
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _MIDDLE_COLLECTIONS, _OLD_COLLECTIONS)
    if parsed.listen is None:
        try:
            serve(prover, sys.stdin.buffer, sys.stdout.buffer)
        except BrokenPipeError:
            # Whoever asked is gone. What lies in the buffer would be written once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    try:
        with listen(prover, *parsed.listen) as server:
            host, port = server.server_address[:2]
            print(f"prover: listening on {host!s}:{port}", file=sys.stderr, flush=True)
            server.serve_forever()
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"prover: error: cannot listen on {parsed.listen[0]}:{parsed.listen[1]}: {error}", file=sys.stderr)
    return 1


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, digits = text.rpartition(":")
    port = parse_whole_number(digits, 0, 65_535)
    if not host or port is None:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, got {text[:80]!r}")
    return host, port


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(_LARGEST_CONFIGURATION + 1)
    if len(raw) > _LARGEST_CONFIGURATION:
        raise ValueError(f"{path} is longer than {_LARGEST_CONFIGURATION} bytes, which no rollup configuration is")
    return raw


def _open_enclave(name: str, configuration: bytes) -> Enclave:
    module, _, function = name.partition(":")
    try:
        opened: Callable[[bytes], Enclave] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"--enclave {name!r} names no function ({error}); expected MODULE:FUNCTION") from error
    return opened(configuration)


if __name__ == "__main__":
    sys.exit(main())
