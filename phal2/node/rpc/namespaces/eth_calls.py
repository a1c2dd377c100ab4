"""eth methods that execute without leaving a trace: call, estimateGas and createAccessList."""

from collections.abc import Mapping
from typing import Any, Final

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.rpc.access_list import find_access_list, format_access_list
from phal2.node.rpc.block_environment import call_context
from phal2.node.rpc.block_reference import LATEST, Block, BlockReference
from phal2.node.rpc.call_arguments import Call, CallArguments
from phal2.node.rpc.call_context import CallContext
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.gas_estimate import estimate_gas
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.revert_reason import call_error
from phal2.node.rpc.state_overrides import (
    BlockOverrides,
    StateOverrides,
    apply_block_overrides,
    apply_state_overrides,
)
from phal2.node.rpc.workers import Workers
from phal2.node.state.call import CallResult
from phal2.node.state.environment import BlockEnvironment

GAS_CAP: Final = 50_000_000
"""The most gas that one call may use, as in geth."""


class CallMethods:
    """Calls run on worker threads, under a cap of gas."""

    def __init__(self, chain: ChainService, workers: Workers, gas_cap: int = GAS_CAP) -> None:
        self._chain = chain
        self._workers = workers
        self._gas_cap = gas_cap

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_call", self.call)
        registry.add("eth_estimateGas", self.estimate_gas)
        registry.add("eth_createAccessList", self.create_access_list)

    async def call(
        self,
        call: Call,
        block: Block = LATEST,
        state_overrides: StateOverrides | None = None,
        block_overrides: BlockOverrides | None = None,
    ) -> str:
        """Return what a call gives after the block; a REVERT is the error 3 with its data."""
        self._require_chain(call)
        result = await self._workers.run(
            self._call, call, *self._context_parts(block, block_overrides), state_overrides or {}
        )
        if not result.succeeded:
            raise call_error(result)
        return data(result.return_data)

    async def estimate_gas(
        self,
        call: Call,
        block: Block = LATEST,
        state_overrides: StateOverrides | None = None,
        block_overrides: BlockOverrides | None = None,
    ) -> str:
        """Return a gas limit with which the call succeeds after the block, at most 1.5 % more than it takes."""
        self._require_chain(call)
        gas = await self._workers.run(
            self._estimate, call, *self._context_parts(block, block_overrides), state_overrides or {}
        )
        return quantity(gas)

    async def create_access_list(
        self, call: Call, block: Block = LATEST, state_overrides: StateOverrides | None = None
    ) -> dict[str, Any]:
        """Return the access list with which the call warms all it uses, and the gas that it uses then (EIP-2930)."""
        self._require_chain(call)
        return await self._workers.run(
            self._access_list, call, *self._context_parts(block, None), state_overrides or {}
        )

    def _context_parts(
        self, block: BlockReference, overrides: Mapping[str, Any] | None
    ) -> tuple[BlockEnvironment, bytes]:
        environment, state_root = call_context(self._chain, block)
        return apply_block_overrides(environment, overrides), state_root

    def _context(self, environment: BlockEnvironment, state_root: bytes, overrides: StateOverrides) -> CallContext:
        database, root = apply_state_overrides(self._chain.store, state_root, overrides)
        return CallContext(self._chain.rules, environment, database, root, self._chain.store, self._chain.verdicts)

    def _call(
        self, call: CallArguments, environment: BlockEnvironment, state_root: bytes, overrides: StateOverrides
    ) -> CallResult:
        gas_limit = self._gas_cap if call.gas is None else min(call.gas, self._gas_cap)
        request = call.request(gas_limit, environment.base_fee_per_gas)
        try:
            return self._context(environment, state_root, overrides).execute(request)
        except InvalidTransaction as error:
            raise RpcError(SERVER_ERROR, f"err: {error} (supplied gas {gas_limit})") from None

    def _estimate(
        self, call: CallArguments, environment: BlockEnvironment, state_root: bytes, overrides: StateOverrides
    ) -> int:
        context = self._context(environment, state_root, overrides)
        return estimate_gas(call, environment, context.state(), context.execute, self._gas_cap)

    def _access_list(
        self, call: CallArguments, environment: BlockEnvironment, state_root: bytes, overrides: StateOverrides
    ) -> dict[str, Any]:
        context = self._context(environment, state_root, overrides)
        gas_limit = self._gas_cap if call.gas is None else min(call.gas, self._gas_cap)
        found = find_access_list(call.request(gas_limit, environment.base_fee_per_gas), context)
        return format_access_list(found)

    def _require_chain(self, call: CallArguments) -> None:
        if call.chain_id is not None and call.chain_id != self._chain.chain_id:
            message = f"chainId does not match node's (have={call.chain_id}, want={self._chain.chain_id})"
            raise RpcError(SERVER_ERROR, message)
