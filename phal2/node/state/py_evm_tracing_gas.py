"""What an instruction is about to cost, for traces: known before it runs, as geth reports it.

py-evm charges part by part while an instruction runs. A trace shows one number for each instruction before it runs,
the gas that a call hands on included, and geth's words where it cannot be paid. Nothing here decides anything: what
is charged, and whether an instruction fails, remains with the instructions themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from phal2.node.protocol.errors import Phal2Error
from phal2.node.state.delegation import delegated_address
from phal2.node.state.rules import Revision
from phal2.node.state.world_state import WorldState

if TYPE_CHECKING:
    from phal2.node.state.py_evm_tracing import TracingComputation

_UINT64_LIMIT: Final = 1 << 64
_MEMORY_LIMIT: Final = 0x1FFFFFFFE0
_MAXIMUM_INIT_CODE: Final = 49_152

_COLD_ACCOUNT: Final = 2_600
_COLD_SLOT: Final = 2_100
_WARM: Final = 100
_SENTRY: Final = 2_300
_STORE_NEW: Final = 20_000
_STORE_CHANGE: Final = 5_000 - _COLD_SLOT
_CLEAR_REFUND: Final = 4_800
_CALL_VALUE: Final = 9_000
_NEW_ACCOUNT: Final = 25_000
_WORD_COPY: Final = 3
_WORD_HASH: Final = 6
_WORD_INIT_CODE: Final = 2

_OUT_OF_GAS: Final = "out of gas"
_OVERFLOW: Final = "gas uint64 overflow"

Operand: TypeAlias = Callable[[int], int]
"""Gives a word of the stack by its distance from the top."""


class _Unpayable(Phal2Error):
    """Why the gas of an instruction cannot be worked out, in geth's words."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """An instruction before it runs: the memory that it needs, in bytes, and the gas left after its constant part."""

    computation: "TracingComputation"
    operand: Operand
    memory_size: int
    left: int

    @property
    def world(self) -> WorldState:
        world: WorldState = self.computation.state.world
        return world

    @property
    def address(self) -> bytes:
        address: bytes = self.computation.msg.storage_address
        return address

    @property
    def revision(self) -> Revision:
        return self.computation.trace.revision

    def memory_gas(self) -> int:
        """Return what it costs to grow the memory to what the instruction needs."""
        if self.memory_size > _MEMORY_LIMIT:
            raise _Unpayable(_OVERFLOW)
        present, words = len(self.computation._memory._bytes) // 32, _words(self.memory_size)
        if words <= present:
            return 0
        return 3 * (words - present) + words * words // 512 - present * present // 512


_Rule: TypeAlias = Callable[[_Pending], int]
"""Gives the gas beyond the constant part."""


def instruction_gas(
    computation: "TracingComputation", opcode: int, constant: int, operand: Operand
) -> tuple[int, str | None]:
    """Return the gas of an instruction whose operands are on the stack, and why it cannot be paid, if so."""
    gas = computation._gas_meter.gas_remaining
    if gas < constant:
        return constant, _OUT_OF_GAS
    rule = _RULES.get(opcode)
    if rule is None:
        return constant, None
    left = gas - constant
    memory_size = _memory_size(opcode, operand)
    if memory_size > _UINT64_LIMIT - 32:
        return constant, _OVERFLOW
    try:
        further = rule(_Pending(computation, operand, memory_size, left))
    except _Unpayable as error:
        return constant, f"{_OUT_OF_GAS}: {error}"
    return constant + further, _OUT_OF_GAS if further > left else None


def _memory_size(opcode: int, operand: Operand) -> int:
    ranges = _MEMORY_RANGES.get(opcode)
    if ranges is None:
        return 0
    return max(_end(operand(start), operand(length) if length >= 0 else -length) for start, length in ranges)


def _end(start: int, length: int) -> int:
    return start + length if length else 0


def _words(size: int) -> int:
    if size >= _UINT64_LIMIT:
        raise _Unpayable(_OVERFLOW)
    return (size + 31) // 32


def _memory_alone(pending: _Pending) -> int:
    return pending.memory_gas()


def _copy(length: int, word_gas: int = _WORD_COPY) -> _Rule:
    def rule(pending: _Pending) -> int:
        return pending.memory_gas() + word_gas * _words(pending.operand(length))

    return rule


def _copy_external_code(pending: _Pending) -> int:
    copied = pending.memory_gas() + _WORD_COPY * _words(pending.operand(3))
    return copied + _account(pending)


def _power(pending: _Pending) -> int:
    return 10 + 50 * ((pending.operand(1).bit_length() + 7) // 8)


def _account(pending: _Pending) -> int:
    return 0 if pending.world.is_warm_address(_address(pending.operand(0))) else _COLD_ACCOUNT - _WARM


def _load(pending: _Pending) -> int:
    is_warm = pending.world.is_warm_slot(pending.address, pending.operand(0))
    return _WARM if is_warm else _COLD_SLOT


def _store(pending: _Pending) -> int:
    if pending.left <= _SENTRY:
        raise _Unpayable("not enough gas for reentrancy sentry")
    world, address, slot, value = pending.world, pending.address, pending.operand(0), pending.operand(1)
    access = 0 if world.is_warm_slot(address, slot) else _COLD_SLOT
    present, original = world.storage(address, slot), world.original_storage(address, slot)
    if present == value or present != original:
        return access + _WARM
    return access + (_STORE_NEW if original == 0 else _STORE_CHANGE)


def store_refund(computation: "TracingComputation", operand: Operand) -> int:
    """Return what an SSTORE is about to add to the refund counter (EIP-2200, EIP-3529)."""
    world, address, slot, value = computation.state.world, computation.msg.storage_address, operand(0), operand(1)
    present, original = world.storage(address, slot), world.original_storage(address, slot)
    if present == value:
        return 0
    refund = 0
    if original and not value:
        refund = _CLEAR_REFUND
    elif original and not present:
        refund = -_CLEAR_REFUND
    if original == value and present != original:
        refund += (_STORE_CHANGE if original else _STORE_NEW) - _WARM
    return refund


def _log(topics: int) -> _Rule:
    def rule(pending: _Pending) -> int:
        if pending.operand(1) >= _UINT64_LIMIT:
            raise _Unpayable(_OVERFLOW)
        gas = pending.memory_gas() + 375 * (1 + topics) + 8 * pending.operand(1)
        if gas >= _UINT64_LIMIT:
            raise _Unpayable(_OVERFLOW)
        return gas

    return rule


def _create(word_gas_before_shanghai: int) -> _Rule:
    def rule(pending: _Pending) -> int:
        memory, size = pending.memory_gas(), pending.operand(2)
        word_gas = word_gas_before_shanghai
        if pending.revision >= Revision.SHANGHAI:
            if size > _MAXIMUM_INIT_CODE:
                raise _Unpayable(f"max initcode size exceeded: code size {size} limit {_MAXIMUM_INIT_CODE}")
            word_gas += _WORD_INIT_CODE
        return memory + word_gas * _words(size)

    return rule


def _call(has_value: bool, makes_accounts: bool) -> _Rule:
    def rule(pending: _Pending) -> int:
        world, target = pending.world, _address(pending.operand(1))
        cost = 0 if world.is_warm_address(target) else _COLD_ACCOUNT - _WARM
        _require(pending.left, cost)
        cost += pending.memory_gas()
        if has_value and pending.operand(2):
            cost += _CALL_VALUE
            _require(pending.left, cost)
            if makes_accounts and world.is_empty(target):
                cost += _NEW_ACCOUNT
        _require(pending.left, cost)
        delegate = delegated_address(world.code(target)) if pending.revision >= Revision.PRAGUE else None
        if delegate is not None:
            # A contract that is delegated to itself has been warmed by the access above.
            cost += _WARM if delegate == target or world.is_warm_address(delegate) else _COLD_ACCOUNT
            _require(pending.left, cost)
        available = pending.left - cost
        return cost + min(pending.operand(0), available - available // 64)

    return rule


def _self_destruct(pending: _Pending) -> int:
    world, beneficiary = pending.world, _address(pending.operand(0))
    cost = 0 if world.is_warm_address(beneficiary) else _COLD_ACCOUNT
    _require(pending.left, cost)
    if world.is_empty(beneficiary) and world.balance(pending.address):
        cost += _NEW_ACCOUNT
    return cost


def _require(left: int, cost: int) -> None:
    if left < cost:
        raise _Unpayable(_OUT_OF_GAS)


def _address(word: int) -> bytes:
    return (word & ((1 << 160) - 1)).to_bytes(20, "big")


# Where an instruction reaches into memory: operands with start and length; a negative length is one by itself.
_CALL_RANGES: Final = ((3, 4), (5, 6))
_CALL_RANGES_WITHOUT_VALUE: Final = ((2, 3), (4, 5))
_MEMORY_RANGES: Final[Mapping[int, tuple[tuple[int, int], ...]]] = {
    0x20: ((0, 1),),
    0x37: ((0, 2),),
    0x39: ((0, 2),),
    0x3C: ((1, 3),),
    0x3E: ((0, 2),),
    0x51: ((0, -32),),
    0x52: ((0, -32),),
    0x53: ((0, -1),),
    0x5E: ((0, 2), (1, 2)),
    **{0xA0 + topics: ((0, 1),) for topics in range(5)},
    0xF0: ((1, 2),),
    0xF1: _CALL_RANGES,
    0xF2: _CALL_RANGES,
    0xF3: ((0, 1),),
    0xF4: _CALL_RANGES_WITHOUT_VALUE,
    0xF5: ((1, 2),),
    0xFA: _CALL_RANGES_WITHOUT_VALUE,
    0xFD: ((0, 1),),
}

_RULES: Final[Mapping[int, _Rule]] = {
    0x0A: _power,
    0x20: _copy(1, _WORD_HASH),
    0x31: _account,
    0x37: _copy(2),
    0x39: _copy(2),
    0x3B: _account,
    0x3C: _copy_external_code,
    0x3E: _copy(2),
    0x3F: _account,
    0x51: _memory_alone,
    0x52: _memory_alone,
    0x53: _memory_alone,
    0x54: _load,
    0x55: _store,
    0x5E: _copy(2),
    **{0xA0 + topics: _log(topics) for topics in range(5)},
    0xF0: _create(0),
    0xF1: _call(has_value=True, makes_accounts=True),
    0xF2: _call(has_value=True, makes_accounts=False),
    0xF3: _memory_alone,
    0xF4: _call(has_value=False, makes_accounts=False),
    0xF5: _create(_WORD_HASH),
    0xFA: _call(has_value=False, makes_accounts=False),
    0xFD: _memory_alone,
    0xFF: _self_destruct,
}
