"""Why a message failed: py-evm's errors in geth's words, so that clients and their users meet the errors they know."""

from typing import Final

from eth.constants import GAS_CODEDEPOSIT
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


class PrecompiledContractFailure(VMError):
    """A precompiled contract refused its input."""


_TEXTS: Final = (
    (Revert, "execution reverted"),
    (OutOfGas, "out of gas"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InsufficientStack, "stack underflow"),
    (FullStack, "stack limit reached 1024"),
    (WriteProtection, "write protection"),
    (OutOfBoundsRead, "return data out of bounds"),
    (ReservedBytesInCode, "invalid code: must not begin with 0xef"),
    (PrecompiledContractFailure, "precompiled contract failed"),
)


_MAXIMUM_CODE: Final = 24_576
"""Bytes of a contract's code (EIP-170)."""


def failure_text(error: VMError) -> str:
    """Return geth's words for an error, where geth has them."""
    if isinstance(error, InvalidInstruction):
        return f"invalid opcode: {error}"
    return next((text for kind, text in _TEXTS if isinstance(error, kind)), "execution failed")


def deposit_failure_text(error: VMError, code_size: int, gas_left: int) -> str:
    """Return why what init code returned did not become a contract's code."""
    if isinstance(error, ReservedBytesInCode):
        return failure_text(error)
    if code_size > _MAXIMUM_CODE and gas_left >= code_size * GAS_CODEDEPOSIT:
        return "max code size exceeded"
    return "contract creation code storage out of gas"
