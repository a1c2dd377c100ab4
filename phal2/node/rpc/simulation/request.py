"""What eth_simulateV1 is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from phal2.node.rpc.block_overrides import NO_BLOCK_OVERRIDE, BlockOverride, parse_block_override
from phal2.node.rpc.call_arguments import CallArguments, parse_call
from phal2.node.rpc.errors import INVALID_PARAMS, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_boolean
from phal2.node.rpc.simulation.errors import CLIENT_LIMIT_EXCEEDED
from phal2.node.rpc.state_overrides import AccountOverride, parse_state_overrides

MAXIMUM_BLOCKS: Final = 256
MAXIMUM_CALLS: Final = 1_000
"""Calls of one block."""


@dataclass(frozen=True, slots=True)
class BlockCalls:
    """A block that is asked for: what it is to have instead, and the calls in it."""

    block_override: BlockOverride = NO_BLOCK_OVERRIDE
    state_overrides: Mapping[bytes, AccountOverride] = field(default_factory=dict)
    calls: tuple[CallArguments, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """The blocks, and how they are to be executed and shown.

    With `validates` calls must be as valid as transactions, but for their signatures; with `traces_transfers` every
    transfer of ether shows as a log.
    """

    blocks: tuple[BlockCalls, ...]
    traces_transfers: bool
    validates: bool
    shows_full_transactions: bool


def parse_simulation(value: Any) -> SimulationRequest:
    """Read {blockStateCalls, traceTransfers, validation, returnFullTransactions}; raise `InvalidArgument`."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object with blockStateCalls, got {type_name(value)}")
    blocks = value.get("blockStateCalls") or []
    if not isinstance(blocks, list):
        raise InvalidArgument(f"blockStateCalls: expected an array, got {type_name(blocks)}")
    if not blocks:
        raise RpcError(INVALID_PARAMS, "empty input")
    if len(blocks) > MAXIMUM_BLOCKS:
        raise RpcError(CLIENT_LIMIT_EXCEEDED, "too many blocks")
    return SimulationRequest(
        blocks=tuple(_block_calls(block) for block in blocks),
        traces_transfers=_flag(value, "traceTransfers"),
        validates=_flag(value, "validation"),
        shows_full_transactions=_flag(value, "returnFullTransactions"),
    )


Simulation = Annotated[
    SimulationRequest,
    ParameterType(
        parse_simulation,
        {
            "title": "simulation",
            "type": "object",
            "required": ["blockStateCalls"],
            "properties": {
                "blockStateCalls": {"type": "array", "maxItems": MAXIMUM_BLOCKS, "items": {"type": "object"}},
                "traceTransfers": {"type": "boolean"},
                "validation": {"type": "boolean"},
                "returnFullTransactions": {"type": "boolean"},
            },
        },
    ),
]


def _block_calls(value: Any) -> BlockCalls:
    if not isinstance(value, dict):
        raise InvalidArgument(f"blockStateCalls: expected an object, got {type_name(value)}")
    calls = value.get("calls") or []
    if not isinstance(calls, list):
        raise InvalidArgument(f"calls: expected an array, got {type_name(calls)}")
    if len(calls) > MAXIMUM_CALLS:
        raise RpcError(CLIENT_LIMIT_EXCEEDED, f"too many calls: {len(calls)}, at most {MAXIMUM_CALLS} a block")
    return BlockCalls(
        block_override=parse_block_override(value.get("blockOverrides") or {}),
        state_overrides=parse_state_overrides(value.get("stateOverrides") or {}),
        calls=tuple(parse_call(call) for call in calls),
    )


def _flag(value: dict[str, Any], name: str) -> bool:
    given = value.get(name)
    return given is not None and parse_boolean(given)
