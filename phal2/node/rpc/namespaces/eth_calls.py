"""eth methods that execute without leaving a trace: call, estimateGas and createAccessList."""

from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.rpc.access_list import find_access_list, format_access_list
from phal2.node.rpc.block_environment import call_context
from phal2.node.rpc.block_overrides import NO_BLOCK_OVERRIDE, BlockOverride, BlockOverrides
from phal2.node.rpc.block_reference import LATEST, PENDING, Block, BlockReference, require_block_hash, stored_header
from phal2.node.rpc.call_arguments import Call, CallArguments
from phal2.node.rpc.call_context import CallContext
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.gas_estimate import estimate_gas
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.limits import CALL_SECONDS, GAS_CAP
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import ACCESS_LIST_RESULT, DATA, QUANTITY
from phal2.node.rpc.revert_reason import call_error
from phal2.node.rpc.short_calls import ShortCalls, TooLong
from phal2.node.rpc.state_overrides import StateOverrides, apply_state_overrides, overridden_precompiles
from phal2.node.rpc.workers import Workers
from phal2.node.state.block_scope import ScopeOverrides
from phal2.node.state.call import CallRequest, CallResult
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import block_rules
from phal2.node.state.trie import TrieReader

_CACHED_NODES: Final = 50_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CallPlace:
    """Where a call is to run, as read on the event loop: block, state and what overrides them."""

    environment: BlockEnvironment
    state_root: bytes
    state_overrides: StateOverrides
    blob_base_fee: int | None


class CallMethods:
    """Calls run on worker threads, under a cap of gas and a limit of time."""

    def __init__(
        self, chain: ChainService, workers: Workers, gas_cap: int = GAS_CAP, seconds: float = CALL_SECONDS
    ) -> None:
        self._chain = chain
        self._workers = workers
        self._gas_cap = gas_cap
        self._seconds = seconds
        self._reader = TrieReader(chain.store, _CACHED_NODES)
        self._short_calls = ShortCalls(chain, self._reader)

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_call", self.call, result=DATA, concurrent=True)
        registry.add("eth_estimateGas", self.estimate_gas, result=QUANTITY, concurrent=True)
        registry.add("eth_createAccessList", self.create_access_list, result=ACCESS_LIST_RESULT)

    def call(
        self,
        call: Call,
        block: Block = LATEST,
        state_overrides: StateOverrides | None = None,
        block_overrides: BlockOverrides | None = None,
    ) -> "Future[str] | str":
        """Return what a call gives after the block; a REVERT is the error 3 with its data."""
        is_sealed = block.tag != "pending" and not state_overrides and block_overrides is None
        if is_sealed and self._short_calls.admits(call):
            try:
                return self._call_shortly(call, block)
            except TooLong:
                # A worker thread has the time that it takes.
                pass
        place = self._place(call, block, state_overrides, block_overrides)
        return self._run(self._call, call, place)

    async def estimate_gas(
        self,
        call: Call,
        block: Block = PENDING,
        state_overrides: StateOverrides | None = None,
        block_overrides: BlockOverrides | None = None,
    ) -> str:
        """Return a gas limit with which the call succeeds after the block, at most 1.5 % more than it takes.

        By default it is for the next block, as a call that asks how many blocks have passed since another (the portal's
        metering does) can take more gas there than in the newest block, whose number it would see at "latest".
        """
        place = self._place(call, block, state_overrides, block_overrides)
        if block.tag == LATEST.tag and block_overrides is None:
            place = replace(place, environment=self._at_the_lower_base_fee(place.environment))
        return quantity(await self._run(self._estimate, call, place))

    def _at_the_lower_base_fee(self, environment: BlockEnvironment) -> BlockEnvironment:
        """Return the newest block's environment with the next block's base fee where that is lower.

        A transaction that is still to come needs to pay no more, and ape offers no more: it asks for the next base fee,
        and web3.py for an estimate at "latest".
        """
        following = self._chain.pending_environment().base_fee_per_gas
        return replace(environment, base_fee_per_gas=min(environment.base_fee_per_gas, following))

    async def create_access_list(
        self, call: Call, block: Block = LATEST, state_overrides: StateOverrides | None = None
    ) -> dict[str, Any]:
        """Return the access list with which the call warms all it uses, and the gas that it uses then (EIP-2930)."""
        place = self._place(call, block, state_overrides, None)
        return await self._run(self._access_list, call, place)

    def _place(
        self,
        call: CallArguments,
        block: BlockReference,
        state_overrides: StateOverrides | None,
        block_overrides: BlockOverride | None,
    ) -> CallPlace:
        require_chain(call, self._chain.chain_id)
        overrides = NO_BLOCK_OVERRIDE if block_overrides is None else block_overrides
        overrides.require_call()
        environment, state_root = call_context(self._chain, block)
        return CallPlace(overrides.apply(environment), state_root, state_overrides or {}, overrides.blob_base_fee)

    def _run(
        self, function: Callable[[CallArguments, CallContext], Result], call: CallArguments, place: CallPlace
    ) -> "Future[Result]":
        def run(deadline: Deadline) -> Result:
            return function(call, self._context(place, deadline))

        return run_bounded(self._workers, self._seconds, run)

    def _context(self, place: CallPlace, deadline: Deadline) -> CallContext:
        chain, environment = self._chain, place.environment
        database, root = apply_state_overrides(chain.store, place.state_root, place.state_overrides)
        precompiles = None
        if place.state_overrides:
            own = precompiles_of(block_rules(chain.rules, environment.timestamp))
            precompiles = overridden_precompiles(own, place.state_overrides)
        overrides = ScopeOverrides(precompiles, place.blob_base_fee, deadline.check)
        # The reader knows the chain's own database alone.
        reader = None if place.state_overrides else self._reader
        return CallContext(chain.rules, environment, database, root, chain.store, chain.verdicts, overrides, reader)

    def _call_shortly(self, call: CallArguments, block: BlockReference) -> str:
        require_chain(call, self._chain.chain_id)
        block_hash = require_block_hash(self._chain, block)
        header = stored_header(self._chain, block_hash)
        return self._answer(call, header.base_fee_per_gas or 0, partial(self._short_calls.execute, block_hash, header))

    def _call(self, call: CallArguments, context: CallContext) -> str:
        return self._answer(call, context.environment.base_fee_per_gas, context.execute)

    def _answer(self, call: CallArguments, base_fee_per_gas: int, execute: Callable[[CallRequest], CallResult]) -> str:
        gas_limit = self._gas_limit(call)
        try:
            result = execute(call.request(gas_limit, base_fee_per_gas))
        except InvalidTransaction as error:
            raise RpcError(SERVER_ERROR, f"err: {error} (supplied gas {gas_limit})") from None
        if not result.succeeded:
            raise call_error(result)
        return data(result.return_data)

    def _estimate(self, call: CallArguments, context: CallContext) -> int:
        return estimate_gas(call, context.environment, context.state(), context.execute, self._gas_cap)

    def _access_list(self, call: CallArguments, context: CallContext) -> dict[str, Any]:
        request = call.request(self._gas_limit(call), context.environment.base_fee_per_gas)
        return format_access_list(find_access_list(request, context))

    def _gas_limit(self, call: CallArguments) -> int:
        return self._gas_cap if call.gas is None else min(call.gas, self._gas_cap)


def require_chain(call: CallArguments, chain_id: int) -> None:
    """Raise `RpcError` for a call that names another chain."""
    if call.chain_id is not None and call.chain_id != chain_id:
        raise RpcError(SERVER_ERROR, f"chainId does not match node's (have={call.chain_id}, want={chain_id})")
