"""The door to the Ethereum Virtual Machine: what a message is, where it runs, and what it gives.

A transaction's call or creation is one message; what it calls in turn is the engine's business. An engine works on
the `WorldState` that it was opened with: what a failed message changed it takes back itself, and what a successful
one changed stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from phal2.node.state.database import BlockHashes
from phal2.node.state.precompiles.precompile import Precompile
from phal2.node.state.rules import BlockRules
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState

Checkpoint: TypeAlias = Callable[[int], None]
"""Decides whether an execution goes on (see `BlockContext`)."""


@dataclass(frozen=True, slots=True)
class BlockContext:
    """The rules of a block, and what opcodes tell of it. Prices are in wei.

    `precompiles`, where given, are the precompiled contracts in the place of those that the rules have. `checkpoint`,
    where given, is called every millisecond or so, and before what takes longer at once, with about the number of
    instructions that take as long. What it raises ends the execution, whose changes are then to be dropped.
    """

    rules: BlockRules
    coinbase: bytes
    number: int
    timestamp: int
    gas_limit: int
    base_fee_per_gas: int
    blob_base_fee: int
    prev_randao: bytes
    precompiles: Mapping[bytes, Precompile] | None = None
    checkpoint: Checkpoint | None = None


class TransactionContext(NamedTuple):
    """What opcodes tell of the transaction; `gas_price` is the effective one, in wei."""

    origin: bytes
    gas_price: int
    blob_versioned_hashes: tuple[bytes, ...] = ()


class Message(NamedTuple):
    """A call, or where `to` is None a creation: `data` is its init code, `created_address` where the contract goes.

    `gas` is what is left after the intrinsic gas. The value moves from `sender` to the recipient as part of the
    message.
    """

    sender: bytes
    to: bytes | None
    value: int
    data: bytes
    gas: int
    created_address: bytes | None = None


class MessageResult(NamedTuple):
    """How a message ended. `gas_refund` is the refund counter, not yet capped; logs are in the `WorldState`.

    `error` is None where it succeeded; `reverted` tells a REVERT, whose reason is `output`, from a failure that
    burned all gas.
    """

    gas_left: int
    gas_refund: int
    output: bytes
    error: str | None
    reverted: bool


class Evm(Protocol):
    """An engine, opened for one block."""

    def execute(self, message: Message, context: TransactionContext) -> MessageResult:
        """Run a message to its end."""
        ...


EvmFactory: TypeAlias = Callable[[BlockContext, WorldState, BlockHashes, Tracer | None], Evm]
"""Opens an engine for a block. With a tracer it tells of all that it runs, and is used for one message only."""
