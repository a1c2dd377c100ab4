"""What requests, answers and connections may take, where nobody says otherwise."""

from dataclasses import dataclass
from typing import Final

GAS_CAP: Final = 50_000_000
"""The most gas that one call may use, as in geth."""

CALL_SECONDS: Final = 5.0
"""What one eth_call, simulation or trace may take, as in geth."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request and its answer may take. Sizes are in bytes.

    The entries of a batch that are not begun after `batch_seconds` are refused. A server has at most `connections` at a
    time, WebSockets included, and each WebSocket at most `subscriptions`. Long answers are refused while clients have
    yet to take `unsent_size` of those before. A client may take `request_seconds` to send a request, and as long
    without taking anything of an answer; a connection on which nothing happens is kept for `idle_seconds`.
    """

    body_size: int = 5 << 20
    batch_length: int = 1_000
    response_size: int = 128 << 20
    batch_response_size: int = 25 << 20
    batch_seconds: float = 30.0
    connections: int = 1_000
    subscriptions: int = 256
    unsent_size: int = 512 << 20
    request_seconds: float = 30.0
    idle_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How many blocks one search may span, how many seconds it may take, and how many logs and bytes it may give."""

    blocks: int = 50_000
    logs: int = 20_000
    seconds: float = 10.0
    size: int = 128 << 20
