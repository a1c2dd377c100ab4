"""eth_simulateV1: what a series of calls, in blocks of its own, would do."""

from typing import Any

from phal2.node.rpc.block_reference import LATEST, Block, require_block_hash, require_header
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.limits import CALL_SECONDS, GAS_CAP
from phal2.node.rpc.namespaces.eth_calls import require_chain
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import SIMULATED_BLOCK, list_of
from phal2.node.rpc.simulation.execution import SimulationBase, simulate
from phal2.node.rpc.simulation.request import Simulation, SimulationRequest
from phal2.node.rpc.simulation.result import format_simulated_block
from phal2.node.rpc.workers import Workers


class SimulationMethods:
    """Simulations run on worker threads, under the cap of gas and the limit of time that a call has."""

    def __init__(
        self, chain: ChainService, workers: Workers, gas_cap: int = GAS_CAP, seconds: float = CALL_SECONDS
    ) -> None:
        self._chain = chain
        self._workers = workers
        self._gas_cap = gas_cap
        self._seconds = seconds

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("eth_simulateV1", self.simulate, result=list_of(SIMULATED_BLOCK))

    async def simulate(self, simulation: Simulation, block: Block = LATEST) -> list[dict[str, Any]]:
        """Execute blocks of calls on a block; return the blocks with what each call gave, and store nothing."""
        for asked_for in simulation.blocks:
            for call in asked_for.calls:
                require_chain(call, self._chain.chain_id)
        base = SimulationBase(
            rules=self._chain.rules,
            header=require_header(self._chain, block),
            block_hash=require_block_hash(self._chain, block),
            database=self._chain.store,
            block_hashes=self._chain.store,
            verdicts=self._chain.verdicts,
        )
        return await run_bounded(self._workers, self._seconds, self._simulate, base, simulation)

    def _simulate(self, deadline: Deadline, base: SimulationBase, request: SimulationRequest) -> list[dict[str, Any]]:
        blocks = simulate(base, request, self._gas_cap, deadline.check)
        return [format_simulated_block(block, request.shows_full_transactions) for block in blocks]
