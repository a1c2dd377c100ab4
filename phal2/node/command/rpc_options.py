"""The options of the JSON-RPC servers, under the names that geth and op-node give them."""

import argparse
import re
from typing import Final

from phal2.node.protocol.whole_numbers import parse_whole_number
from phal2.node.rpc.access import DEFAULT_VIRTUAL_HOSTS, AccessRules
from phal2.node.rpc.limits import CALL_SECONDS, GAS_CAP, Limits, SearchLimits
from phal2.node.rpc.options import RpcOptions

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
_LONGEST_CALL_SECONDS: Final = 3_600.0
_MOST: Final = (1 << 53) - 1
_LARGEST_PORT: Final = 65_535


def add_rpc_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; `rpc_options` reads their values."""
    limits, search = Limits(), SearchLimits()
    group = parser.add_argument_group("JSON-RPC")
    group.add_argument(
        "--http.vhosts",
        dest="virtual_hosts",
        type=_names,
        default=DEFAULT_VIRTUAL_HOSTS,
        metavar="NAMES",
        help="host names that requests may be addressed to, separated by commas; * for any; IP addresses always may "
        f"(default: {','.join(DEFAULT_VIRTUAL_HOSTS)})",
    )
    group.add_argument(
        "--http.corsdomain",
        dest="cors_origins",
        type=_names,
        default=(),
        metavar="ORIGINS",
        help="sites whose pages may ask, as https://example.org, separated by commas; * for any (default: none)",
    )
    group.add_argument(
        "--rpc.gascap",
        dest="gas_cap",
        type=positive,
        default=GAS_CAP,
        metavar="GAS",
        help="gas that one eth_call or eth_estimateGas may use (default: %(default)s)",
    )
    group.add_argument(
        "--rpc.evmtimeout",
        dest="call_seconds",
        type=_seconds,
        default=CALL_SECONDS,
        metavar="TIME",
        help=f"time that one call may take, as 5s or 500ms (default: {CALL_SECONDS:g}s)",
    )
    for option, name, default, what in (
        ("--rpc.batch-request-limit", "batch_length", limits.batch_length, "requests in a batch"),
        (
            "--rpc.batch-response-max-size",
            "batch_response_size",
            limits.batch_response_size,
            "bytes of the answer to a batch",
        ),
        ("--rpc.body-limit", "body_size", limits.body_size, "bytes of a request"),
        ("--rpc.connections", "connections", limits.connections, "connections at a time"),
        ("--rpc.subscriptions", "subscriptions", limits.subscriptions, "subscriptions of one WebSocket"),
        ("--rpc.rangelimit", "range_limit", search.blocks, "blocks that one search for logs may span"),
        ("--rpc.log-results", "log_results", search.logs, "logs that one search may give"),
    ):
        group.add_argument(
            option, dest=name, type=positive, default=default, metavar="N", help=f"{what} (default: {default})"
        )
    group.add_argument(
        "--rpc.enable-admin",
        dest="enable_admin",
        action="store_true",
        help="offer admin_startSequencer, admin_stopSequencer and admin_sequencerActive",
    )


def rpc_options(arguments: argparse.Namespace) -> RpcOptions:
    """Return what the options say."""
    return RpcOptions(
        access=AccessRules(arguments.virtual_hosts, arguments.cors_origins),
        limits=Limits(
            body_size=arguments.body_size,
            batch_length=arguments.batch_length,
            batch_response_size=arguments.batch_response_size,
            connections=arguments.connections,
            subscriptions=arguments.subscriptions,
        ),
        search=SearchLimits(blocks=arguments.range_limit, logs=arguments.log_results),
        gas_cap=arguments.gas_cap,
        call_seconds=arguments.call_seconds,
        enable_admin=arguments.enable_admin,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def port(text: str) -> int:
    """Read a port to listen on, 0 for any free one."""
    return _whole_number(text, 0, _LARGEST_PORT, f"port; expected 0 to {_LARGEST_PORT}")


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _whole_number(text, 1, _MOST, "whole number of at least 1")


def non_negative(text: str) -> int:
    """Read a whole number of at least 0."""
    return _whole_number(text, 0, _MOST, "whole number of at least 0")


def _whole_number(text: str, least: int, most: int, what: str) -> int:
    number = parse_whole_number(text, least, most)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no {what}")
    return number


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST_CALL_SECONDS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no time; expected one such as 5s or 500ms, of at most 60m")
    return seconds
