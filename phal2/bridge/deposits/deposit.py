"""What somebody sends on L1 to move an asset to L2, or to have L2 run a call."""

from typing import Final

from phal2.bridge.assets import Token
from phal2.bridge.chain_access.transactions import ContractFunction
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.contracts import AbiError

BRIDGE_GAS: Final = 200_000
"""Least gas that the bridge on the other side gets, as the OP Stack's own tools give it."""

_RECEIVE_GAS: Final = 100_000
"""What the portal itself gives a plain transfer of ether: enough for a contract that takes note of it."""

_INTRINSIC_GAS: Final = 21_000
_FLOOR_GAS_PER_BYTE: Final = 40


def portal_deposit(
    contracts: RollupContracts, to: bytes, amount: int, data: bytes = b"", gas_limit: int | None = None
) -> ContractFunction:
    """Return a deposit of `amount` wei by the portal, which calls `to` on L2 with `data`.

    Without a `gas_limit` the call has 100,000 gas, or with data 200,000 more than the data costs.
    """
    if gas_limit is None:
        gas_limit = least_gas(data) + BRIDGE_GAS if data else _RECEIVE_GAS
    arguments = (to, amount, gas_limit, False, data)
    return ContractFunction("OptimismPortal", contracts.portal, "depositTransaction", arguments, value=amount)


def least_gas(data: bytes) -> int:
    """Return the least gas limit with which the portal takes a deposit of `data`."""
    return _INTRINSIC_GAS + _FLOOR_GAS_PER_BYTE * len(data)


def bridge_ether(bridge: bytes, artefact: str, to: bytes, amount: int, gas_limit: int | None) -> ContractFunction:
    """Return the call of a standard bridge, on either chain, that moves `amount` wei to `to` on the other one."""
    arguments = (to, BRIDGE_GAS if gas_limit is None else gas_limit, b"")
    return ContractFunction(artefact, bridge, "bridgeETHTo", arguments, value=amount)


def bridge_token(
    bridge: bytes, artefact: str, token: Token, to: bytes, amount: int, gas_limit: int | None
) -> ContractFunction:
    """Return the call of a standard bridge that moves a token to `to` on the other chain.

    `artefact` is L1StandardBridge or L2StandardBridge, and says which side the call is on.
    """
    sides = {
        "L1StandardBridge": (token.l1_address, token.l2_address),
        "L2StandardBridge": (token.l2_address, token.l1_address),
    }
    if artefact not in sides:
        raise AbiError(f"{artefact} is no standard bridge; expected {' or '.join(sides)}")
    local, remote = sides[artefact]
    arguments = (local, remote, to, amount, BRIDGE_GAS if gas_limit is None else gas_limit, b"")
    return ContractFunction(artefact, bridge, "bridgeERC20To", arguments, ("PHAToken", "OptimismMintableERC20"))
