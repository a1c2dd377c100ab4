"""The search for the gas limit of a transaction, as geth does it."""

from collections.abc import Callable
from typing import Final

from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.intrinsic_gas import TRANSACTION_GAS
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.revert_reason import call_error
from phal2.node.state.call import CallRequest, CallResult
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.transaction_errors import FloorGasTooLow, IntrinsicGasTooLow
from phal2.node.state.world_state import WorldState

CALL_STIPEND: Final = 2_300

TOLERANCE_PARTS: Final = 15
"""The search ends when its bounds are within so many thousandths of the upper one."""


def estimate_gas(
    call: CallArguments,
    environment: BlockEnvironment,
    state: WorldState,
    execute: Callable[[CallRequest], CallResult],
    gas_cap: int,
) -> int:
    """Return a gas limit with which the call succeeds, at most 1.5 % above the least.

    Raises `RpcError`: with code 3 where the call reverts whatever its gas, or where the sender cannot pay for enough.
    """
    base_fee_per_gas = environment.base_fee_per_gas
    highest = _highest_limit(call, environment, state, gas_cap)

    def attempt(gas_limit: int) -> CallResult | None:
        """Return None where the transaction would not even be valid with this limit."""
        try:
            return execute(call.request(gas_limit, base_fee_per_gas))
        except InvalidTransaction:
            return None

    if _is_plain_transfer(call, state) and highest >= TRANSACTION_GAS:
        transfer = attempt(TRANSACTION_GAS)
        if transfer is not None and transfer.succeeded:
            return TRANSACTION_GAS
    result = _try_highest(call, base_fee_per_gas, highest, execute)
    lowest = result.gas_used - 1
    # Messages keep one 64th of their gas back and transfers of value need a stipend, so this guess is mostly right.
    guess = (result.gas_used + CALL_STIPEND) * 64 // 63
    if guess < highest:
        lowest, highest = (lowest, guess) if _succeeds(attempt(guess)) else (guess, highest)
    while lowest + 1 < highest and (highest - lowest) * 1_000 >= highest * TOLERANCE_PARTS:
        # Most transactions need little more than they use, so the search leans to the lower bound.
        middle = min((highest + lowest) // 2, lowest * 2)
        lowest, highest = (lowest, middle) if _succeeds(attempt(middle)) else (middle, highest)
    return highest


def _succeeds(result: CallResult | None) -> bool:
    return result is not None and result.succeeded


def _highest_limit(call: CallArguments, environment: BlockEnvironment, state: WorldState, gas_cap: int) -> int:
    highest = environment.gas_limit
    if call.gas is not None and call.gas >= TRANSACTION_GAS:
        highest = call.gas
    fee_cap = call.fee_cap
    if fee_cap:
        sender = ZERO_ADDRESS if call.sender is None else call.sender
        balance = state.balance(sender)
        if call.value > balance:
            raise RpcError(SERVER_ERROR, f"insufficient funds for transfer: have {balance} want {call.value}")
        highest = min(highest, (balance - call.value) // fee_cap)
    return min(highest, gas_cap)


def _is_plain_transfer(call: CallArguments, state: WorldState) -> bool:
    is_bare = not (call.data or call.access_list or call.authorization_list or call.attestation)
    return is_bare and call.to is not None and not state.code(call.to)


def _try_highest(
    call: CallArguments, base_fee_per_gas: int, highest: int, execute: Callable[[CallRequest], CallResult]
) -> CallResult:
    try:
        result = execute(call.request(highest, base_fee_per_gas))
    except (IntrinsicGasTooLow, FloorGasTooLow):
        raise _exceeds_allowance(highest) from None
    except InvalidTransaction as error:
        raise RpcError(SERVER_ERROR, f"failed with {highest} gas: {error}") from None
    if result.succeeded:
        return result
    if result.reverted or result.error != "out of gas":
        raise call_error(result)
    raise _exceeds_allowance(highest)


def _exceeds_allowance(gas_limit: int) -> RpcError:
    return RpcError(SERVER_ERROR, f"gas required exceeds allowance ({gas_limit})")
