"""The namespace debug: what transactions, blocks and calls do, told by geth's tracers."""

from typing import Any, Final

from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.rpc.block_reference import BlockNumber, BlockReference
from phal2.node.rpc.block_replay import Replay, foreign_replay, stored_replay
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.formats.raw_block import decode_block
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.namespaces.debug import require_stored_block
from phal2.node.rpc.parameter_types import Data, Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.trace_schemas import BLOCK_TRACE, TRACE
from phal2.node.rpc.tracers.recorder import HookedTracer
from phal2.node.rpc.tracers.trace_clock import TraceClock
from phal2.node.rpc.tracers.trace_options import DEFAULT_OPTIONS, TraceConfiguration, TraceOptions
from phal2.node.rpc.workers import Workers

REQUEST_SECONDS: Final = 120.0
"""What one request may take, a block's transactions all together."""


class TraceMethods:
    """Traces of what is on the chain; they run on worker threads under limits of time and size."""

    def __init__(self, chain: ChainService, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("debug_traceTransaction", self.trace_transaction, result=TRACE)
        registry.add("debug_traceBlockByNumber", self.trace_block_by_number, result=BLOCK_TRACE)
        registry.add("debug_traceBlockByHash", self.trace_block_by_hash, result=BLOCK_TRACE)
        registry.add("debug_traceBlock", self.trace_block, result=BLOCK_TRACE)

    async def trace_transaction(self, transaction_hash: Hash, options: TraceConfiguration | None = None) -> Any:
        """Return what a tracer makes of a transaction of the chain."""
        location = self._chain.store.find_transaction(transaction_hash)
        if location is None:
            raise RpcError(SERVER_ERROR, "transaction not found")
        return await self._run(self._trace_one, location.block_hash, location.index, options or DEFAULT_OPTIONS)

    async def trace_block_by_number(self, block: BlockNumber, options: TraceConfiguration | None = None) -> Any:
        """Return what a tracer makes of each transaction of a block."""
        return await self._trace_stored(block, options)

    async def trace_block_by_hash(self, block_hash: Hash, options: TraceConfiguration | None = None) -> Any:
        """Return what a tracer makes of each transaction of a block."""
        return await self._trace_stored(BlockReference(hash=block_hash), options)

    async def trace_block(self, raw_block: Data, options: TraceConfiguration | None = None) -> Any:
        """Return what a tracer makes of each transaction of a block given by its RLP, whose parent is known."""
        try:
            block = decode_block(raw_block)
        except (InvalidEncoding, InvalidTransaction) as error:
            raise RpcError(SERVER_ERROR, f"could not decode block: {error}") from None
        return await self._run(self._trace_foreign, block, options or DEFAULT_OPTIONS)

    async def _trace_stored(self, block: BlockReference, options: TraceOptions | None) -> Any:
        block_hash = require_stored_block(self._chain, block)
        return await self._run(self._trace_all_stored, block_hash, options or DEFAULT_OPTIONS)

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await run_bounded(self._workers, REQUEST_SECONDS, function, *arguments)

    def _trace_one(self, deadline: Deadline, block_hash: bytes, index: int, options: TraceOptions) -> Any:
        return trace_transaction(self._stored(block_hash), index, options, deadline)

    def _trace_all_stored(self, deadline: Deadline, block_hash: bytes, options: TraceOptions) -> list[dict[str, Any]]:
        return trace_all(self._stored(block_hash), options, deadline)

    def _trace_foreign(self, deadline: Deadline, block: Any, options: TraceOptions) -> list[dict[str, Any]]:
        chain = self._chain
        try:
            replay = foreign_replay(chain.store, chain.rules, chain.verdicts, block)
        except (InvalidEncoding, InvalidTransaction) as error:
            raise RpcError(SERVER_ERROR, f"could not decode block: {error}") from None
        return trace_all(replay, options, deadline)

    def _stored(self, block_hash: bytes) -> Replay:
        chain = self._chain
        return stored_replay(chain.store, chain.rules, chain.verdicts, block_hash)


def trace_transaction(replay: Replay, index: int, options: TraceOptions, deadline: Deadline) -> Any:
    """Return the trace of one transaction of a block; raise `RpcError` where it takes too long or grows too large."""
    block = replay.begin()
    block.skip_to(index, deadline.check)
    clock = TraceClock(deadline, options.seconds)
    recorder = options.recorder(block.subject())
    outcome = block.apply(HookedTracer([recorder.hooks()], clock.check))
    return recorder.result(outcome.gas_used)


def trace_all(replay: Replay, options: TraceOptions, deadline: Deadline) -> list[dict[str, Any]]:
    """Return {txHash, result} of each transaction of a block."""
    block, clock, results = replay.begin(), TraceClock(deadline, options.seconds), []
    for index in block.remaining():
        clock.begin_transaction()
        recorder = options.recorder(block.subject())
        outcome = block.apply(HookedTracer([recorder.hooks()], clock.check))
        transaction_hash = data(replay.transactions[index].hash)
        results.append({"txHash": transaction_hash, "result": recorder.result(outcome.gas_used)})
    return results
