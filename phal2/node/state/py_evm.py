"""py-evm as an engine behind `Evm`: the only place that knows both sides."""

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import Revert

from phal2.node.state.database import BlockHashes
from phal2.node.state.delegation import delegated_address
from phal2.node.state.evm import BlockContext, Evm, Message, MessageResult, TransactionContext
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.py_evm_bounded import BoundedComputation
from phal2.node.state.py_evm_computation import Computation, computation_class
from phal2.node.state.py_evm_message import EngineMessage
from phal2.node.state.py_evm_opcodes import opcode_functions
from phal2.node.state.py_evm_retelling import RETOLD_FAILURES, retelling_computation
from phal2.node.state.py_evm_state import PyEvmState
from phal2.node.state.py_evm_tracing import tracing_computation
from phal2.node.state.rules import BlockRules
from phal2.node.state.traced_evm import TracedEvm
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState

# A call nested 1,024 deep has up to twelve frames a level under a tracer, on top of whatever called the state module.
RECURSION_LIMIT: Final = 15_000


def open_py_evm(block: BlockContext, world: WorldState, block_hashes: BlockHashes, tracer: Tracer | None = None) -> Evm:
    """Open py-evm for a block; with a tracer, for one message that it watches."""
    if sys.getrecursionlimit() < RECURSION_LIMIT:
        sys.setrecursionlimit(RECURSION_LIMIT)
    state = PyEvmState(block, world, block_hashes)
    if tracer is None:
        return PyEvm(state, _block_computation(block), _retelling(block))
    precompiles = precompiles_of(block.rules) if block.precompiles is None else block.precompiles
    return TracedEvm(PyEvm(state, tracing_computation(block.rules.revision, precompiles, tracer)), tracer)


class PyEvm:
    """An engine opened for one block. `retell`, where given, makes what runs a message that its stack failed again."""

    def __init__(
        self, state: PyEvmState, computation: type[Computation], retell: Callable[[], type[Computation]] | None = None
    ) -> None:
        self._state = state
        self._computation = computation
        self._retell = retell

    def execute(self, message: Message, context: TransactionContext) -> MessageResult:
        """Run a message to its end."""
        if message.to is None:
            return self._create(message, context)
        world = self._state.world
        code = world.code(message.to)
        delegate = delegated_address(code)
        if delegate is not None:
            world.warm_address(delegate)
            code = world.code(delegate)
        call = EngineMessage(
            gas=message.gas,
            to=message.to,
            sender=message.sender,
            value=message.value,
            data=message.data,
            code=code,
            code_address=delegate,
            is_delegation=delegate is not None,
        )
        return self._run(call, context)

    def _create(self, message: Message, context: TransactionContext) -> MessageResult:
        address = message.created_address
        if address is None:
            raise ValueError("a creation needs the address that it creates at")
        if self._state.has_code_or_nonce(address):
            return MessageResult(0, 0, b"", "contract address collision", reverted=False)
        creation = EngineMessage(
            gas=message.gas,
            to=CREATE_CONTRACT_ADDRESS,
            sender=message.sender,
            value=message.value,
            data=b"",
            code=message.data,
            create_address=address,
        )
        return self._run(creation, context)

    def _run(self, message: EngineMessage, context: TransactionContext) -> MessageResult:
        ended = _apply(self._computation, self._state, message, context)
        if self._retell is not None and isinstance(ended._error, RETOLD_FAILURES):
            ended = _apply(self._retell(), self._state, message, context)
        return _result(ended)


def _apply(
    computation: type[Computation], state: PyEvmState, message: EngineMessage, context: TransactionContext
) -> Computation:
    apply = computation.apply_create_message if message.is_create else computation.apply_message
    return apply(state, message, context)


def _retelling(block: BlockContext) -> Callable[[], type[Computation]] | None:
    """Return what makes the computation that retells: for calls alone, whose reason somebody reads."""
    return None if block.checkpoint is None else partial(retelling_computation, block, block.checkpoint)


def _block_computation(block: BlockContext) -> type[Computation]:
    base = Computation if block.checkpoint is None else BoundedComputation
    if block.precompiles is None:
        return _computation_of(block.rules, base)
    return computation_class(opcode_functions(block.rules.revision), block.precompiles, base)


@lru_cache(maxsize=16)
def _computation_of(rules: BlockRules, base: type[Computation]) -> type[Computation]:
    return computation_class(opcode_functions(rules.revision), precompiles_of(rules), base)


def _result(computation: Any) -> MessageResult:
    error = computation._error
    if error is None:
        meter = computation._gas_meter
        return MessageResult(meter.gas_remaining, meter.gas_refunded, computation.output, None, reverted=False)
    return MessageResult(
        gas_left=computation.get_gas_remaining(),
        gas_refund=0,
        output=computation.output,
        error=computation.failure(),
        reverted=isinstance(error, Revert),
    )
