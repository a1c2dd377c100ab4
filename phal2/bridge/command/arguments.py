"""What the commands of `phal2 bridge` share: options, the chains they name, and how errors end them."""

import argparse
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phal2.bridge.amounts import format_amount, parse_amount
from phal2.bridge.assets import ETHER_DECIMALS, Token, find_token
from phal2.bridge.chain_access import options
from phal2.bridge.chain_access.clients import open_client
from phal2.bridge.chain_access.options import address, seconds
from phal2.bridge.rollup_contracts import (
    ContractSource,
    RollupContracts,
    UnknownContracts,
    find_contracts,
    source_from_contracts,
    source_from_node,
    source_from_rollup_config,
)
from phal2.bridge.withdrawals.errors import NotYet
from phal2.node.l1.client import L1Client
from phal2.node.protocol.predeploys import PHA_TOKEN
from phal2.node.protocol.whole_numbers import parse_whole_number

EXIT_NOT_YET: Final = 3
"""Exit code of a step whose time has not come: run the command again later."""

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_AMOUNT: Final = re.compile(r"[0-9]{1,78}(?:\.[0-9]{1,77})?")
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_LONGEST_FILE: Final = 4 * 1024 * 1024
_MOST_GAS: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Chains:
    """Both ends of a bridge."""

    l1: L1Client
    l2: L1Client
    contracts: RollupContracts


@dataclass(frozen=True, slots=True)
class Asset:
    """What is moved, and how much in its smallest unit; `token` is None for ETH."""

    token: Token | None
    amount: int

    @property
    def text(self) -> str:
        """The amount for people."""
        if self.token is None:
            return f"{format_amount(self.amount, ETHER_DECIMALS)} ETH"
        return f"{format_amount(self.amount, self.token.decimals)} {self.token.symbol}"


def report_errors(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Return a `run` that says a Phal2Error in one line on stderr: exit code 3 for `NotYet`, else 1."""

    def run_unless_not_yet(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except NotYet as error:
            print(error, file=sys.stderr)
            return EXIT_NOT_YET

    return options.report_errors(run_unless_not_yet)


def add_chain_options(parser: argparse.ArgumentParser) -> None:
    """Add the endpoints, and where the contracts are."""
    parser.add_argument("--l1", required=True, metavar="URL", help="JSON-RPC of L1")
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC of L2")
    add_contract_options(parser)


def add_contract_options(parser: argparse._ActionsContainer) -> None:
    """Add where the contracts are."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--contracts",
        type=Path,
        metavar="FILE",
        help="addresses of the L1 contracts by name, as JSON; what `phal2 devnet --json` prints is one (default: the "
        "rollup node is asked)",
    )
    where.add_argument("--rollup-config", type=Path, metavar="FILE", help="op-node's rollup.json, which names them")
    where.add_argument(
        "--rollup-node",
        metavar="URL",
        help="JSON-RPC of the rollup node to ask, where that is not the one of --l2 (op-node beside op-geth)",
    )


def chain_options(arguments: argparse.Namespace) -> list[str]:
    """Return the options of `add_chain_options` as they were given, for the command that comes next."""
    named = {
        "--l1": arguments.l1,
        "--l2": arguments.l2,
        "--contracts": arguments.contracts,
        "--rollup-config": arguments.rollup_config,
        "--rollup-node": arguments.rollup_node,
    }
    return [part for name, value in named.items() if value is not None for part in (name, str(value))]


def add_asset_options(parser: argparse.ArgumentParser, *, direct_way: str, destination: str) -> None:
    """Add amount, asset, receiver and the way of ETH: the `direct_way`, or the standard bridge."""
    parser.add_argument("--amount", type=_amount, required=True, metavar="AMOUNT", help="how much, such as 1.5")
    parser.add_argument("--pha", action="store_true", help="PHA rather than ETH")
    parser.add_argument("--l1-token", type=address, metavar="ADDRESS", help="this ERC-20 rather than ETH")
    parser.add_argument(
        "--l2-token",
        type=address,
        metavar="ADDRESS",
        help="the token on L2; an OptimismMintableERC20 names its other side, so one of the two options is enough",
    )
    parser.add_argument("--to", type=address, metavar="ADDRESS", help="who gets it (default: the sender)")
    parser.add_argument(
        "--gas-limit",
        type=gas,
        metavar="GAS",
        help="least gas of the call on the other chain (default: enough for a transfer)",
    )
    parser.add_argument(
        "--data", type=call_data, default=b"", metavar="HEX", help=f"call data for the receiver on {destination}"
    )
    parser.add_argument(
        "--through",
        choices=(direct_way, "bridge"),
        default=direct_way,
        help="the way of ETH (default: %(default)s)",
    )


def add_hash_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the transaction, and the choice where it has several withdrawals."""
    parser.add_argument("hash", type=transaction_hash, metavar="HASH", help=what)
    parser.add_argument(
        "--index",
        type=int,
        metavar="NUMBER",
        help="which withdrawal, counted from 0, where the transaction initiated several (default: all)",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")


def add_arrival_option(parser: argparse._ActionsContainer, default: int) -> None:
    """Add how long to wait for L2."""
    parser.add_argument(
        "--arrival-timeout",
        type=seconds,
        default=default,
        metavar="SECONDS",
        help="how long to wait for it on L2 (default: %(default)s)",
    )


@asynccontextmanager
async def open_chains(arguments: argparse.Namespace) -> AsyncIterator[Chains]:
    """Give the chains that `add_chain_options` asked for. Raises a `Phal2Error` that says what is wrong with them."""
    async with AsyncExitStack() as clients:
        l1 = await clients.enter_async_context(open_client(arguments.l1))
        l2 = await clients.enter_async_context(open_client(arguments.l2))
        if arguments.rollup_node is not None:
            source = await source_from_node(await clients.enter_async_context(open_client(arguments.rollup_node)))
        else:
            source = _source_from_file(arguments) or await source_from_node(l2)
        yield Chains(l1, l2, await find_contracts(l1, l2, source))


async def read_asset(arguments: argparse.Namespace, chains: Chains) -> Asset:
    """Return what `add_asset_options` asked for. Raises `InvalidAmount`, `UnknownToken`, `EndpointError`."""
    l2_token = PHA_TOKEN if arguments.pha else arguments.l2_token
    if l2_token is None and arguments.l1_token is None:
        return Asset(None, parse_amount(arguments.amount, ETHER_DECIMALS))
    token = await find_token(chains.l1, chains.l2, arguments.l1_token, l2_token)
    return Asset(token, parse_amount(arguments.amount, token.decimals))


def check_asset_options(arguments: argparse.Namespace, direct_way: str) -> None:
    """End the command with exit code 2 where options contradict one another; only the `direct_way` takes call data."""
    is_token = arguments.l1_token is not None or arguments.l2_token is not None
    if arguments.pha and is_token:
        arguments.usage_error("--pha is a token of its own: give either it or --l1-token and --l2-token")
    if arguments.data and (arguments.pha or is_token or arguments.through == "bridge"):
        arguments.usage_error(f"--data goes with ETH through the {direct_way} alone")


def transaction_hash(text: str) -> bytes:
    """Read a transaction's hash."""
    if not _HASH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected a transaction's hash, 0x and 64 hex digits, got {text[:80]!r}")
    return bytes.fromhex(text[2:])


def call_data(text: str) -> bytes:
    """Read call data."""
    if not _DATA.fullmatch(text):
        raise argparse.ArgumentTypeError("expected call data, 0x and two hex digits a byte")
    return bytes.fromhex(text[2:])


def gas(text: str) -> int:
    """Read an amount of gas that fits the bridge's 32 bits."""
    amount = parse_whole_number(text, 1, _MOST_GAS)
    if amount is None:
        raise argparse.ArgumentTypeError(f"expected gas, 1 to {_MOST_GAS}, got {text[:40]!r}")
    return amount


def _amount(text: str) -> str:
    """Read an amount as text: how many decimals it may have is known with the asset alone."""
    if not _AMOUNT.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"expected an amount in whole units and decimals, such as 1.5, got {text[:40]!r}"
        )
    return text


def _source_from_file(arguments: argparse.Namespace) -> ContractSource | None:
    if arguments.contracts is not None:
        return source_from_contracts(_read_json(arguments.contracts))
    if arguments.rollup_config is not None:
        return source_from_rollup_config(_read_json(arguments.rollup_config))
    return None


def _read_json(path: Path) -> object:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise UnknownContracts(f"{path} has more than {_LONGEST_FILE} bytes, which no such file has")
        return json.loads(content)
    except OSError as error:
        raise UnknownContracts(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UnknownContracts(f"{path} is not JSON: {error}") from None
