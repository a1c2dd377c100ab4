"""Storage, logs and the ends of messages, without py-evm's layers of calls (EIP-2200, EIP-2929, EIP-3529).

They take `Computation` as py-evm's instructions do, and share its stack, on which words are integers or big-endian
bytes.
"""

from typing import TYPE_CHECKING, Final

from eth.exceptions import Halt, InsufficientStack, OutOfGas, Revert, WriteProtection

from phal2.node.protocol.receipts import Log
from phal2.node.state.py_evm_instructions import OpcodeFunction, as_int, charge

if TYPE_CHECKING:
    from phal2.node.state.py_evm_computation import Computation

_WARM_ACCESS_GAS: Final = 100
_COLD_SLOT_GAS: Final = 2_100
_SET_GAS: Final = 20_000
_RESET_GAS: Final = 2_900
_CLEAR_REFUND: Final = 4_800
_CALL_STIPEND: Final = 2_300

_LOG_GAS: Final = 375
_LOG_TOPIC_GAS: Final = 375
_LOG_BYTE_GAS: Final = 8


def effect_instructions() -> dict[int, OpcodeFunction]:
    """Return the functions by opcode."""
    table: dict[int, OpcodeFunction] = {0x54: _sload, 0x55: _sstore, 0xF3: _return, 0xFD: _revert}
    for topics in range(5):
        table[0xA0 + topics] = _log(topics)
    return table


def load_storage(computation: "Computation", slot: int) -> int:
    """Charge for an SLOAD and return the word."""
    world, address = computation.state.world, computation.msg.storage_address
    charge(computation, _WARM_ACCESS_GAS if world.is_warm_slot(address, slot) else _COLD_SLOT_GAS)
    world.warm_slot(address, slot)
    word: int = world.storage(address, slot)
    return word


def _sload(computation: "Computation") -> None:
    words = computation.words
    if not words:
        raise InsufficientStack("Wanted 1 stack item, had none")
    words[-1] = load_storage(computation, as_int(words[-1]))


def _sstore(computation: "Computation") -> None:
    if computation.msg.is_static:
        raise WriteProtection("Cannot modify state while inside of a STATICCALL context")
    meter = computation._gas_meter
    if meter.gas_remaining <= _CALL_STIPEND:
        raise OutOfGas(f"SSTORE needs more than {_CALL_STIPEND} gas left, had {meter.gas_remaining}")
    words = computation.words
    if len(words) < 2:
        raise InsufficientStack(f"Wanted 2 stack items, had {len(words)}")
    slot, value = as_int(words.pop()), as_int(words.pop())
    world, address = computation.state.world, computation.msg.storage_address
    gas = 0
    if not world.is_warm_slot(address, slot):
        world.warm_slot(address, slot)
        gas = _COLD_SLOT_GAS
    present = world.storage(address, slot)
    if value == present:
        charge(computation, gas + _WARM_ACCESS_GAS)
        return
    original = world.original_storage(address, slot)
    if original == present:
        gas += _RESET_GAS if original else _SET_GAS
    else:
        gas += _WARM_ACCESS_GAS
    charge(computation, gas)
    meter.gas_refunded += _refund(original, present, value)
    world.set_storage(address, slot, value)


def _refund(original: int, present: int, value: int) -> int:
    """Return what a write of `value` over another word adds to the refund counter, or takes from it (EIP-3529)."""
    if original == present:
        return 0 if value else _CLEAR_REFUND
    refund = 0
    if original:
        refund += (0 if value else _CLEAR_REFUND) - (0 if present else _CLEAR_REFUND)
    if value == original:
        refund += (_RESET_GAS if original else _SET_GAS) - _WARM_ACCESS_GAS
    return refund


def _log(topic_count: int) -> OpcodeFunction:
    operands = topic_count + 2
    gas = _LOG_GAS + _LOG_TOPIC_GAS * topic_count

    def instruction(computation: "Computation") -> None:
        if computation.msg.is_static:
            raise WriteProtection("Cannot modify state while inside of a STATICCALL context")
        words = computation.words
        if len(words) < operands:
            raise InsufficientStack(f"Wanted {operands} stack items, had {len(words)}")
        offset, size = as_int(words.pop()), as_int(words.pop())
        topics = tuple(as_int(words.pop()).to_bytes(32, "big") for _ in range(topic_count))
        charge(computation, gas + _LOG_BYTE_GAS * size)
        computation.extend_memory(offset, size)
        data = bytes(computation._memory._bytes[offset : offset + size])
        computation.state.world.add_log(Log(computation.msg.storage_address, topics, data))

    return instruction


def _return(computation: "Computation") -> None:
    computation._output = _pop_memory(computation)
    raise Halt("RETURN")


def _revert(computation: "Computation") -> None:
    computation._output = _pop_memory(computation)
    raise Revert(computation._output)


def _pop_memory(computation: "Computation") -> bytes:
    """Pop an offset and a size, and return that part of the memory, grown as it must be."""
    words = computation.words
    if len(words) < 2:
        raise InsufficientStack(f"Wanted 2 stack items, had {len(words)}")
    offset, size = as_int(words.pop()), as_int(words.pop())
    computation.extend_memory(offset, size)
    return bytes(computation._memory._bytes[offset : offset + size]) if size else b""
