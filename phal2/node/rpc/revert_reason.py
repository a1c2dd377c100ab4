"""What a REVERT's data says in words (Solidity's Error(string) and Panic(uint256))."""

from typing import Final

from phal2.node.rpc.errors import EXECUTION_REVERTED, SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.state.call import CallResult

ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")
PANIC_SELECTOR: Final = bytes.fromhex("4e487b71")

_PANIC_REASONS: Final = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}


def revert_reason(output: bytes) -> str | None:
    """Return the reason that the data of a REVERT gives, None where it is neither of Solidity's two."""
    if output[:4] == PANIC_SELECTOR and len(output) >= 36:
        code = int.from_bytes(output[4:36], "big")
        return _PANIC_REASONS.get(code, f"unknown panic code: {quantity(code)}")
    if output[:4] != ERROR_SELECTOR:
        return None
    body = output[4:]
    offset = int.from_bytes(body[:32], "big")
    length = int.from_bytes(body[offset : offset + 32], "big")
    text = body[offset + 32 : offset + 32 + length]
    if len(body) < 64 or offset + 32 > len(body) or len(text) != length:
        return None
    return text.decode("utf-8", errors="replace")


def revert_error(output: bytes) -> RpcError:
    """Return the error for a REVERT: code 3, the reason in words where there is one, and the data."""
    reason = revert_reason(output)
    message = "execution reverted" if reason is None else f"execution reverted: {reason}"
    return RpcError(EXECUTION_REVERTED, message, data(output))


def call_error(result: CallResult) -> RpcError:
    """Return the error for a call that did not succeed: code 3 with the data for a REVERT, else -32000."""
    if result.reverted:
        return revert_error(result.return_data)
    return RpcError(SERVER_ERROR, result.error or "execution failed")
