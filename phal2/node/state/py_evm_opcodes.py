"""Which function runs for which opcode: py-evm's, with some corrected, under the fast instructions."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eth.constants import GAS_CREATE, GAS_SELFDESTRUCT_NEWACCOUNT
from eth.exceptions import Halt, InvalidInstruction, OutOfGas, WriteProtection
from eth.vm import mnemonics, opcode_values
from eth.vm.forks.berlin.constants import COLD_ACCOUNT_ACCESS_COST, WARM_STORAGE_READ_COST
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES
from eth.vm.forks.paris.opcodes import PARIS_OPCODES
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.forks.shanghai.logic import Create2EIP3860, CreateEIP3860
from eth.vm.forks.shanghai.opcodes import SHANGHAI_OPCODES
from eth.vm.forks.tangerine_whistle.constants import GAS_SELFDESTRUCT_EIP150

from phal2.node.state.py_evm_effects import effect_instructions
from phal2.node.state.py_evm_instructions import OpcodeFunction, fast_instructions, push_zero
from phal2.node.state.rules import Revision
from phal2.node.state.tracing_instructions import instructions

if TYPE_CHECKING:
    from phal2.node.state.py_evm_computation import Computation

_PY_EVM_OPCODES = {
    Revision.PARIS: PARIS_OPCODES,
    Revision.SHANGHAI: SHANGHAI_OPCODES,
    Revision.CANCUN: CANCUN_OPCODES,
    Revision.PRAGUE: PRAGUE_OPCODES,
}
_COPY_GAS = 3


@lru_cache(maxsize=len(Revision))
def opcode_functions(revision: Revision) -> tuple[OpcodeFunction, ...]:
    """Return the function of each of the 256 opcodes."""
    functions = list(plain_opcode_functions(revision))
    if revision >= Revision.SHANGHAI:
        functions[opcode_values.PUSH0] = push_zero
    for value, function in (fast_instructions() | effect_instructions()).items():
        functions[value] = function
    return tuple(functions)


@lru_cache(maxsize=len(Revision))
def plain_opcode_functions(revision: Revision) -> tuple[OpcodeFunction, ...]:
    """Return the function of each opcode without the fast instructions, each doing the work of one alone."""
    functions: list[OpcodeFunction] = [_invalid_instruction] * 256
    for value, opcode in _PY_EVM_OPCODES[revision].items():
        # A bound method is called without C in between, an object with __call__ is not: nested calls must not eat the
        # C stack.
        functions[value] = opcode.__call__
    functions[opcode_values.EXTCODECOPY] = _copy_external_code
    functions[opcode_values.SELFDESTRUCT] = _self_destruct_if_created if revision >= Revision.CANCUN else _self_destruct
    if revision >= Revision.SHANGHAI:
        functions[opcode_values.CREATE] = _limited_create(CreateEIP3860, mnemonics.CREATE)
        functions[opcode_values.CREATE2] = _limited_create(Create2EIP3860, mnemonics.CREATE2)
    return tuple(functions)


def _invalid_instruction(computation: "Computation") -> None:
    # Revisions before Prague lack instructions that have their names nonetheless.
    opcode = computation.msg.code[computation.code.program_counter - 1]
    raise InvalidInstruction(instructions(Revision.PRAGUE)[opcode].name)


def _limited_create(base: Any, mnemonic: str) -> OpcodeFunction:
    """Return CREATE or CREATE2 that fails on too long init code before anything else can (EIP-3860)."""
    create = base.configure(__name__=f"opcode:{mnemonic}", mnemonic=mnemonic, gas_cost=GAS_CREATE)().__call__

    def instruction(computation: "Computation") -> None:
        words = computation.words
        if len(words) >= 3:
            length = words[-3]
            if (int.from_bytes(length, "big") if isinstance(length, bytes) else length) > MAX_INITCODE_SIZE:
                raise OutOfGas("max initcode size exceeded")
        create(computation)

    return instruction


def _copy_external_code(computation: "Computation") -> None:
    """EXTCODECOPY, charged in full before the code is read."""
    address = _address(computation.stack_pop1_bytes())
    memory_start, code_start, size = computation.stack_pop_ints(3)
    computation.consume_gas(_access_gas(computation, address) + _COPY_GAS * ((size + 31) // 32), mnemonics.EXTCODECOPY)
    computation.extend_memory(memory_start, size)
    code = computation.state.world.code(address)
    computation.memory_write(memory_start, size, code[code_start : code_start + size].ljust(size, b"\0"))


def _self_destruct_if_created(computation: "Computation") -> None:
    """SELFDESTRUCT since EIP-6780: the balance moves, but the account goes only where this transaction created it."""
    beneficiary = _charge_self_destruct(computation)
    world, address = computation.state.world, computation.msg.storage_address
    balance = world.balance(address)
    if world.is_created(address):
        _destroy(computation, beneficiary, balance)
    world.add_balance(address, -balance)
    world.add_balance(beneficiary, balance)
    raise Halt("SELFDESTRUCT")


def _self_destruct(computation: "Computation") -> None:
    """SELFDESTRUCT before EIP-6780: the balance moves and the account goes."""
    beneficiary = _charge_self_destruct(computation)
    _destroy(computation, beneficiary, computation.state.world.balance(computation.msg.storage_address))


def _destroy(computation: "Computation", beneficiary: bytes, balance: int) -> None:
    world, address = computation.state.world, computation.msg.storage_address
    world.add_balance(beneficiary, balance)
    # Last, so that what a contract leaves to itself is gone.
    world.set_balance(address, 0)
    world.mark_destroyed(address)
    raise Halt("SELFDESTRUCT")


def _charge_self_destruct(computation: "Computation") -> bytes:
    """Charge for a SELFDESTRUCT and return its beneficiary."""
    if computation.msg.is_static:
        raise WriteProtection("Cannot modify state while inside of a STATICCALL context")
    computation.consume_gas(GAS_SELFDESTRUCT_EIP150, mnemonics.SELFDESTRUCT)
    beneficiary = _address(computation.stack_pop1_bytes())
    world = computation.state.world
    if not computation.state.world.is_warm_address(beneficiary):
        world.warm_address(beneficiary)
        computation.consume_gas(COLD_ACCOUNT_ACCESS_COST, mnemonics.SELFDESTRUCT)
    if world.is_empty(beneficiary) and world.balance(computation.msg.storage_address):
        computation.consume_gas(GAS_SELFDESTRUCT_NEWACCOUNT, mnemonics.SELFDESTRUCT)
    return beneficiary


def _access_gas(computation: "Computation", address: bytes) -> int:
    if computation.state.world.is_warm_address(address):
        return WARM_STORAGE_READ_COST
    computation.state.world.warm_address(address)
    return COLD_ACCOUNT_ACCESS_COST


def _address(word: bytes) -> bytes:
    return word[-20:].rjust(20, b"\0")
