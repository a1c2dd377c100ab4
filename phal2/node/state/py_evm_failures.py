"""Why a message failed: py-evm's errors in geth's words, so that clients and their users meet the errors they know."""

from typing import Final

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


def failure_text(error: VMError) -> str:
    """Return geth's words for an error, where geth has them."""
    if isinstance(error, InvalidInstruction):
        return f"invalid opcode: {error}"
    return next((text for kind, text in _TEXTS if isinstance(error, kind)), "execution failed")
