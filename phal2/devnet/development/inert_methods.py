"""Methods that change nothing here: some may be answered as if they did, the others say why they cannot."""

from collections.abc import Awaitable, Callable
from typing import Final

from phal2.devnet.development.chain import NotOnThisChain
from phal2.node.rpc.parameter_types import AnyValue
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import NULL

_ACCEPTED: Final = (
    "anvil_setLoggingEnabled",
    "hardhat_setLoggingEnabled",
    "anvil_enableTraces",
)
"""What is logged and traced does not depend on them."""

_NO_FORK: Final = "this chain forks no other one, so there is no URL of a fork"
_REFUSALS: Final = {
    "anvil_setMinGasPrice": "there is no least gas price beside the base fee (EIP-1559)",
    "hardhat_setMinGasPrice": "there is no least gas price beside the base fee (EIP-1559)",
    "anvil_setRpcUrl": _NO_FORK,
    "hardhat_setRpcUrl": _NO_FORK,
    "anvil_setChainId": "the chain id is part of the genesis; start the devnet with another one",
}


def register_inert_methods(registry: MethodRegistry) -> None:
    """Offer the methods."""
    for name in _ACCEPTED:
        registry.add(name, _accept, result=NULL)
    for name, reason in _REFUSALS.items():
        registry.add(name, refusing(reason), result=NULL)


async def _accept(value: AnyValue | None = None) -> None:
    """Do nothing."""


def refusing(reason: str) -> Callable[[object, object], Awaitable[None]]:
    """Return a method that refuses, whatever it is given."""

    async def refuse(first: AnyValue | None = None, second: AnyValue | None = None) -> None:  # noqa: ARG001 - any will do
        """Say why this chain cannot do this."""
        raise NotOnThisChain(reason)

    return refuse
