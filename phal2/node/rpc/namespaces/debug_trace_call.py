"""debug_traceCall: what a call would do after a block, or between two transactions of it, told by geth's tracers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final

from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.headers import Header
from phal2.node.rpc.block_environment import environment_of
from phal2.node.rpc.block_overrides import NO_BLOCK_OVERRIDE, BlockOverride, parse_block_override
from phal2.node.rpc.block_reference import LATEST, Block, BlockReference, find_block_hash
from phal2.node.rpc.block_replay import stored_replay
from phal2.node.rpc.call_arguments import Call, CallArguments
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.limits import GAS_CAP
from phal2.node.rpc.namespaces.debug import block_not_found
from phal2.node.rpc.namespaces.debug_trace import REQUEST_SECONDS
from phal2.node.rpc.namespaces.eth_calls import require_chain
from phal2.node.rpc.parameter_types import ParameterType, parse_count
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.state_overrides import (
    AccountOverride,
    apply_state_overrides,
    overridden_precompiles,
    parse_state_overrides,
)
from phal2.node.rpc.trace_schemas import TRACE
from phal2.node.rpc.tracers.recorder import HookedTracer, TraceSubject
from phal2.node.rpc.tracers.trace_clock import TraceClock
from phal2.node.rpc.tracers.trace_options import DEFAULT_OPTIONS, TraceOptions, parse_trace_options
from phal2.node.rpc.unsigned_transaction import unsigned_transaction
from phal2.node.rpc.workers import Workers
from phal2.node.state.block_scope import BlockScope, ScopeOverrides
from phal2.node.state.database import OverlayDatabase, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import block_rules
from phal2.node.state.simulated_transaction import apply_simulated_transaction
from phal2.node.state.world_state import WorldState


@dataclass(frozen=True, slots=True)
class TraceCallOptions:
    """How to trace, and what the call finds otherwise; with `transaction_index`, the state before that transaction."""

    trace: TraceOptions = DEFAULT_OPTIONS
    state_overrides: Mapping[bytes, AccountOverride] = field(default_factory=dict)
    block_override: BlockOverride = NO_BLOCK_OVERRIDE
    transaction_index: int | None = None


def parse_trace_call_options(value: Any) -> TraceCallOptions:
    """Read trace options with {stateOverrides, blockOverrides, txIndex} among them."""
    trace = parse_trace_options(value)
    state, block, index = (value.get(name) for name in ("stateOverrides", "blockOverrides", "txIndex"))
    return TraceCallOptions(
        trace=trace,
        state_overrides={} if state is None else parse_state_overrides(state),
        block_override=NO_BLOCK_OVERRIDE if block is None else parse_block_override(block),
        transaction_index=None if index is None else parse_count(index),
    )


TraceCallConfiguration = Annotated[
    TraceCallOptions, ParameterType(parse_trace_call_options, {"title": "trace options", "type": "object"})
]

_DEFAULT_OPTIONS: Final = TraceCallOptions()


class TraceCallMethods:
    """Traces of calls that nobody signed."""

    def __init__(self, chain: ChainService, workers: Workers, gas_cap: int = GAS_CAP) -> None:
        self._chain = chain
        self._workers = workers
        self._gas_cap = gas_cap

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("debug_traceCall", self.trace_call, result=TRACE)

    async def trace_call(self, call: Call, block: Block = LATEST, options: TraceCallConfiguration | None = None) -> Any:
        """Return what a tracer makes of a call on the state after the block."""
        require_chain(call, self._chain.chain_id)
        if block.tag == "pending":
            raise RpcError(SERVER_ERROR, "tracing on top of pending is not supported")
        header = self._header(block)
        return await run_bounded(
            self._workers, REQUEST_SECONDS, self._trace, call, *header, options or _DEFAULT_OPTIONS
        )

    def _header(self, block: BlockReference) -> tuple[Header, bytes]:
        block_hash = find_block_hash(self._chain, block)
        header = None if block_hash is None else self._chain.store.header(block_hash)
        if header is None or block_hash is None:
            raise block_not_found(block)
        return header, block_hash

    def _trace(
        self, deadline: Deadline, call: CallArguments, header: Header, block_hash: bytes, options: TraceCallOptions
    ) -> Any:
        options.block_override.require_call()
        environment = options.block_override.apply(environment_of(header))
        call = _priced(call, environment.base_fee_per_gas)
        if not (call.max_fee_per_gas or call.gas_price):
            # A price below the base fee would break what contracts may rely on.
            environment = replace(environment, base_fee_per_gas=0)
        scope = self._scope(deadline, header, block_hash, environment, options)
        sender = ZERO_ADDRESS if call.sender is None else call.sender
        gas_limit = self._gas_cap if call.gas is None else min(call.gas, self._gas_cap)
        nonce = scope.world.nonce(sender) if call.nonce is None else call.nonce
        transaction = unsigned_transaction(call, self._chain.chain_id, nonce, gas_limit)
        recorder = options.trace.recorder(_subject(scope, sender, call, gas_limit))
        scope.tracer = HookedTracer([recorder.hooks()], TraceClock(deadline, options.trace.seconds).check)
        try:
            applied = apply_simulated_transaction(scope, sender, transaction, validates=False)
        except InvalidTransaction as error:
            raise RpcError(SERVER_ERROR, f"tracing failed: {error}") from None
        return recorder.result(applied.gas_used)

    def _scope(
        self,
        deadline: Deadline,
        header: Header,
        block_hash: bytes,
        environment: BlockEnvironment,
        options: TraceCallOptions,
    ) -> BlockScope:
        chain = self._chain
        database, root = self._state(deadline, header, block_hash, options.transaction_index)
        database, root = apply_state_overrides(database, root, options.state_overrides)
        rules = block_rules(chain.rules, environment.timestamp)
        precompiles = overridden_precompiles(precompiles_of(rules), options.state_overrides)
        overrides = ScopeOverrides(precompiles, options.block_override.blob_base_fee)
        world = WorldState(database, root)
        return BlockScope(rules, environment, world, chain.store, chain.verdicts, overrides)

    def _state(
        self, deadline: Deadline, header: Header, block_hash: bytes, transaction_index: int | None
    ) -> tuple[StateDatabase, bytes]:
        """Return the state after the block, or before one of its transactions."""
        chain = self._chain
        if transaction_index is None:
            return chain.store, header.state_root
        replay = stored_replay(chain.store, chain.rules, chain.verdicts, block_hash)
        if transaction_index >= len(replay.transactions):
            message = f"transaction index {transaction_index} out of range for block 0x{block_hash.hex()}"
            raise RpcError(SERVER_ERROR, message)
        block = replay.begin()
        block.skip_to(transaction_index, deadline.check)
        update = block.execution.state.commit()
        return OverlayDatabase(update, chain.store), update.state_root


def _priced(call: CallArguments, base_fee_per_gas: int) -> CallArguments:
    """Return the call with a fee cap that its tip fits under; raise `RpcError` for a cap below the base fee."""
    call.effective_gas_price(base_fee_per_gas)
    if call.max_fee_per_gas is None and call.max_priority_fee_per_gas:
        return call._replace(max_fee_per_gas=base_fee_per_gas + call.max_priority_fee_per_gas)
    return call


def _subject(scope: BlockScope, sender: bytes, call: CallArguments, gas_limit: int) -> TraceSubject:
    return TraceSubject(
        world=scope.world,
        rules=scope.rules,
        precompiles=scope.callable_precompiles,
        coinbase=scope.environment.coinbase,
        sender=sender,
        to=call.to,
        gas_limit=gas_limit,
        authorization_list=call.authorization_list,
    )
