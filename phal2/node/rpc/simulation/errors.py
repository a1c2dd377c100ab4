"""The errors of eth_simulateV1 with their codes (execution-apis, "eth_simulateV1")."""

from typing import Final

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.rpc.errors import INTERNAL_ERROR, INVALID_PARAMS, RpcError
from phal2.node.state.transaction_errors import (
    FeeCapBelowBaseFee,
    FloorGasTooLow,
    InitCodeTooLong,
    InsufficientFunds,
    IntrinsicGasTooLow,
    NonceTooHigh,
    NonceTooLow,
    TipAboveFeeCap,
)

NONCE_TOO_LOW: Final = -38010
NONCE_TOO_HIGH: Final = -38011
BASE_FEE_TOO_LOW: Final = -38012
INTRINSIC_GAS_TOO_LOW: Final = -38013
INSUFFICIENT_FUNDS: Final = -38014
BLOCK_GAS_LIMIT_REACHED: Final = -38015
BLOCK_NUMBER_INVALID: Final = -38020
BLOCK_TIMESTAMP_INVALID: Final = -38021
INIT_CODE_TOO_LONG: Final = -38025
CLIENT_LIMIT_EXCEEDED: Final = -38026

EXECUTION_FAILED: Final = -32015
"""The code within a call's result where its code failed otherwise than by a REVERT."""

_CODES: Final = (
    (NonceTooLow, NONCE_TOO_LOW),
    (NonceTooHigh, NONCE_TOO_HIGH),
    (FeeCapBelowBaseFee, BASE_FEE_TOO_LOW),
    (IntrinsicGasTooLow, INTRINSIC_GAS_TOO_LOW),
    (FloorGasTooLow, INTRINSIC_GAS_TOO_LOW),
    (InsufficientFunds, INSUFFICIENT_FUNDS),
    (InitCodeTooLong, INIT_CODE_TOO_LONG),
    (TipAboveFeeCap, INVALID_PARAMS),
)


def refusal(error: InvalidTransaction, gas_limit: int) -> RpcError:
    """Return the error for a call that cannot be in its block."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL_ERROR)
    return RpcError(code, f"err: {error} (supplied gas {gas_limit})")
