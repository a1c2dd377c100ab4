"""The execution of a simulation: block after block on one another, as blocks of the chain are executed."""

from dataclasses import dataclass

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.fees import child_base_fee_per_gas, next_base_fee_per_gas
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Block, Header
from phal2.node.protocol.receipts import Log, Receipt, logs_bloom
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.simulation.errors import BLOCK_GAS_LIMIT_REACHED, refusal
from phal2.node.rpc.simulation.plan import plan_blocks
from phal2.node.rpc.simulation.request import BlockCalls, SimulationRequest
from phal2.node.rpc.simulation.states import SimulatedBlockHashes, SimulatedStates
from phal2.node.rpc.simulation.transfers import TransferLogs
from phal2.node.rpc.state_overrides import overridden_precompiles, overridden_state
from phal2.node.rpc.unsigned_transaction import unsigned_transaction, with_sender
from phal2.node.state.blobs import next_excess_blob_gas
from phal2.node.state.block_scope import BlockScope, ScopeOverrides
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.environment import L1_BASE_FEE_DENOMINATOR, L1_ELASTICITY, BlockEnvironment
from phal2.node.state.evm import Checkpoint
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import BlockRules, ChainRules, L2Rules, Revision, block_rules
from phal2.node.state.sealing import BlockContent, seal_block
from phal2.node.state.simulated_transaction import SimulatedTransaction, apply_simulated_transaction
from phal2.node.state.system_calls import call_before_transactions
from phal2.node.state.world_state import WorldState

L1_SECONDS_PER_BLOCK = 12


@dataclass(frozen=True, slots=True)
class SimulationBase:
    """What a simulation builds on. It holds nothing of the event loop, so that a worker thread can use it."""

    rules: ChainRules
    header: Header
    block_hash: bytes
    database: StateDatabase
    block_hashes: BlockHashes
    verdicts: QuoteVerdicts


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """What a call did. `logs` are as they are shown, each with its index in the block.

    Those of transfers are among them where they are asked for. `next_log_index` is that of the next call's first log.
    """

    transaction: RecoveredTransaction
    outcome: SimulatedTransaction
    logs: tuple[tuple[int, Log], ...]
    next_log_index: int


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """A block that was sealed, though nobody will ever store it."""

    block: Block
    calls: tuple[SimulatedCall, ...]


def simulate(base: SimulationBase, request: SimulationRequest, gas_cap: int, check: Checkpoint) -> list[SimulatedBlock]:
    """Execute the blocks that are asked for; all calls together may use `gas_cap`.

    Raises `RpcError`, and what `check`, called every few instructions, raises.
    """
    return _Simulation(base, request, gas_cap, check).run()


class _Simulation:
    def __init__(self, base: SimulationBase, request: SimulationRequest, gas_cap: int, check: Checkpoint) -> None:
        self._base = base
        self._request = request
        self._remaining_gas = gas_cap
        self._check = check
        self._states = SimulatedStates(base.database)
        self._hashes = SimulatedBlockHashes(base.block_hashes, base.header.number, base.block_hash)

    def run(self) -> list[SimulatedBlock]:
        rules = self._base.rules
        seconds = rules.config.block_time if isinstance(rules, L2Rules) else L1_SECONDS_PER_BLOCK
        blocks: list[SimulatedBlock] = []
        parent, parent_hash = self._base.header, self._base.block_hash
        for planned in plan_blocks(parent, self._request.blocks, seconds):
            self._check(0)
            simulated = self._simulate_block(planned, parent, parent_hash)
            blocks.append(simulated)
            parent, parent_hash = simulated.block.header, simulated.block.hash
            self._hashes.add(parent.number, parent_hash)
        return blocks

    def _simulate_block(self, planned: BlockCalls, parent: Header, parent_hash: bytes) -> SimulatedBlock:
        scope = self._open_block(planned, parent, parent_hash)
        call_before_transactions(scope)
        calls: list[SimulatedCall] = []
        receipts: list[Receipt] = []
        gas_used = log_index = 0
        for call in planned.calls:
            self._check(0)
            simulated = self._simulate_call(scope, call, gas_used, log_index)
            gas_used += simulated.outcome.gas_used
            log_index = simulated.next_log_index
            calls.append(simulated)
            receipts.append(_receipt(simulated, gas_used))
        transactions = tuple(call.transaction for call in calls)
        blobs = sum(len(transaction.transaction.blob_versioned_hashes) for transaction in transactions)
        executed = seal_block(scope, BlockContent(transactions, tuple(receipts), {}, gas_used, blobs))
        self._states.add(executed.state_update)
        return SimulatedBlock(executed.block, tuple(calls))

    def _open_block(self, planned: BlockCalls, parent: Header, parent_hash: bytes) -> BlockScope:
        override = planned.block_override
        timestamp = parent.timestamp if override.timestamp is None else override.timestamp
        rules = block_rules(self._base.rules, timestamp)
        environment = override.apply(self._environment(rules, parent, parent_hash, timestamp))
        if override.parent_beacon_block_root is not None and environment.parent_beacon_block_root is None:
            raise RpcError(SERVER_ERROR, "the block has no beacon root: its fork does not have them yet")
        state_root = parent.state_root
        if planned.state_overrides:
            update = overridden_state(self._states, state_root, planned.state_overrides)
            self._states.add(update)
            state_root = update.state_root
        overrides = ScopeOverrides(
            precompiles=overridden_precompiles(precompiles_of(rules), planned.state_overrides),
            blob_base_fee=override.blob_base_fee,
            checkpoint=self._check,
        )
        world = WorldState(self._states, state_root)
        return BlockScope(rules, environment, world, self._hashes, self._base.verdicts, overrides)

    def _environment(self, rules: BlockRules, parent: Header, parent_hash: bytes, timestamp: int) -> BlockEnvironment:
        cancun = rules.revision >= Revision.CANCUN
        excess = next_excess_blob_gas(rules.revision, parent.excess_blob_gas or 0, parent.blob_gas_used or 0)
        return BlockEnvironment(
            parent_hash=parent_hash,
            number=parent.number + 1,
            timestamp=timestamp,
            coinbase=parent.coinbase,
            gas_limit=parent.gas_limit,
            base_fee_per_gas=self._base_fee_per_gas(parent, timestamp),
            prev_randao=bytes(32),
            parent_beacon_block_root=bytes(32) if cancun else None,
            excess_blob_gas=(excess if rules.l2_fork is None else 0) if cancun else None,
            # On L2 the header carries the parameters of the base fee; elsewhere it says nothing.
            extra_data=parent.extra_data if rules.is_l2_fork(Fork.HOLOCENE) else b"",
        )

    def _base_fee_per_gas(self, parent: Header, timestamp: int) -> int:
        if not self._request.validates:
            # Calls that pay nothing then see a base fee that they could pay.
            return 0
        rules = self._base.rules
        if isinstance(rules, L2Rules):
            return child_base_fee_per_gas(rules.config, parent, timestamp)
        return next_base_fee_per_gas(
            parent.gas_used, parent.gas_limit, parent.base_fee_per_gas or 0, L1_ELASTICITY, L1_BASE_FEE_DENOMINATOR
        )

    def _simulate_call(self, scope: BlockScope, call: CallArguments, gas_used: int, log_index: int) -> SimulatedCall:
        sender = ZERO_ADDRESS if call.sender is None else call.sender
        block_gas_limit = scope.environment.gas_limit
        wanted = block_gas_limit - gas_used if call.gas is None else call.gas
        if gas_used + wanted > block_gas_limit:
            message = f"block gas limit reached: {gas_used + wanted} >= {block_gas_limit}"
            raise RpcError(BLOCK_GAS_LIMIT_REACHED, message)
        gas_limit = min(wanted, self._remaining_gas)
        nonce = scope.world.nonce(sender) if call.nonce is None else call.nonce
        transaction = unsigned_transaction(call, scope.rules.chain_id, nonce, gas_limit)
        tracer = TransferLogs(log_index, self._check) if self._request.traces_transfers else None
        scope.tracer = tracer
        try:
            outcome = apply_simulated_transaction(scope, sender, transaction, self._request.validates)
        except InvalidTransaction as error:
            raise refusal(error, gas_limit) from None
        scope.tracer = None
        self._remaining_gas -= outcome.gas_used
        signed = with_sender(transaction, sender)
        if tracer is not None:
            return SimulatedCall(signed, outcome, tracer.logs(), tracer.next_index)
        logs = tuple(enumerate(outcome.logs, log_index))
        return SimulatedCall(signed, outcome, logs, log_index + len(logs))


def _receipt(simulated: SimulatedCall, cumulative_gas_used: int) -> Receipt:
    outcome = simulated.outcome
    return Receipt(
        transaction_type=simulated.transaction.transaction.transaction_type,
        status=1 if outcome.result.error is None else 0,
        cumulative_gas_used=cumulative_gas_used,
        bloom=logs_bloom(outcome.logs),
        logs=outcome.logs,
    )
