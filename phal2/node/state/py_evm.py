"""py-evm as an engine behind `Evm`: the only place that knows both sides."""

import sys
from functools import lru_cache
from typing import Any, Final

from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import (
    FullStack,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfBoundsRead,
    OutOfGas,
    ReservedBytesInCode,
    Revert,
    VMError,
    WriteProtection,
)
from eth.vm.message import Message as PyEvmMessage

from phal2.node.state.database import BlockHashes
from phal2.node.state.delegation import delegated_address
from phal2.node.state.evm import BlockContext, Message, MessageResult, TransactionContext
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.py_evm_computation import Computation, PrecompiledContractFailure, computation_class
from phal2.node.state.py_evm_opcodes import opcode_functions
from phal2.node.state.py_evm_state import PyEvmState
from phal2.node.state.rules import BlockRules
from phal2.node.state.world_state import WorldState

# A call nested 1,024 deep has up to nine frames a level, on top of whatever called the state module.
RECURSION_LIMIT: Final = 12_000

# geth's words where geth has them, so that clients and their users meet the errors they know.
_ERROR_TEXTS: Final = (
    (Revert, "execution reverted"),
    (OutOfGas, "out of gas"),
    (InvalidInstruction, "invalid opcode"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InsufficientStack, "stack underflow"),
    (FullStack, "stack limit reached 1024"),
    (WriteProtection, "write protection"),
    (OutOfBoundsRead, "return data out of bounds"),
    (ReservedBytesInCode, "invalid code: must not begin with 0xef"),
    (PrecompiledContractFailure, "precompiled contract failed"),
)


def open_py_evm(block: BlockContext, world: WorldState, block_hashes: BlockHashes) -> "PyEvm":
    """Open py-evm for a block."""
    if sys.getrecursionlimit() < RECURSION_LIMIT:
        sys.setrecursionlimit(RECURSION_LIMIT)
    return PyEvm(block, PyEvmState(block, world, block_hashes))


class PyEvm:
    """An engine opened for one block."""

    def __init__(self, block: BlockContext, state: PyEvmState) -> None:
        self._state = state
        if block.precompiles is None:
            self._computation = _computation_of(block.rules)
        else:
            self._computation = computation_class(opcode_functions(block.rules.revision), block.precompiles)

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
        call = PyEvmMessage(
            gas=message.gas,
            to=message.to,  # type: ignore[arg-type]  # py-evm's own name for bytes
            sender=message.sender,  # type: ignore[arg-type]  # py-evm's own name for bytes
            value=message.value,
            data=message.data,
            code=code,
            code_address=delegate,  # type: ignore[arg-type]  # py-evm's own name for bytes
            is_delegation=delegate is not None,
        )
        return _result(self._computation.apply_message(self._state, call, context))

    def _create(self, message: Message, context: TransactionContext) -> MessageResult:
        address = message.created_address
        if address is None:
            raise ValueError("a creation needs the address that it creates at")
        if self._state.has_code_or_nonce(address):
            return MessageResult(0, 0, b"", "contract address collision", reverted=False)
        creation = PyEvmMessage(
            gas=message.gas,
            to=CREATE_CONTRACT_ADDRESS,
            sender=message.sender,  # type: ignore[arg-type]  # py-evm's own name for bytes
            value=message.value,
            data=b"",
            code=message.data,
            create_address=address,  # type: ignore[arg-type]  # py-evm's own name for bytes
        )
        return _result(self._computation.apply_create_message(self._state, creation, context))


@lru_cache(maxsize=16)
def _computation_of(rules: BlockRules) -> type[Computation]:
    return computation_class(opcode_functions(rules.revision), precompiles_of(rules))


def _result(computation: Any) -> MessageResult:
    error = computation._error
    if error is None:
        meter = computation._gas_meter
        return MessageResult(meter.gas_remaining, meter.gas_refunded, computation.output, None, reverted=False)
    return MessageResult(
        gas_left=computation.get_gas_remaining(),
        gas_refund=0,
        output=computation.output,
        error=_error_text(error),
        reverted=isinstance(error, Revert),
    )


def _error_text(error: VMError) -> str:
    return next((text for kind, text in _ERROR_TEXTS if isinstance(error, kind)), "execution failed")
