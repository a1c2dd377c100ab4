"""Reading contracts through one function that calls them, whoever provides it: a client or the node itself."""

from collections.abc import Sequence
from typing import Any, Protocol

from phal2.bridge.chain_access.errors import ContractMissing
from phal2.bridge.chain_access.reverts import revert_data
from phal2.contracts import AbiError, decode_result, encode_call, load_artefact
from phal2.node.l1.errors import EndpointRefused


class ContractCall(Protocol):
    """Calls a contract without a transaction, as eth_call does, and returns what it returns.

    `to` is 20 bytes. Where there is no code the answer is empty; where the call reverts it raises a Phal2Error.
    """

    async def __call__(self, to: bytes, call_data: bytes, /) -> bytes:
        """Return the call's answer."""
        ...


async def read_view(
    call: ContractCall, chain: str, contract: str, address: bytes, function: str, arguments: Sequence[object] = ()
) -> Any:
    """Return the one value of a view function; `contract` names the artefact, `chain` the chain for messages.

    Raises ContractMissing where the answer is not the function's, and what `call` raises.
    """
    (value,) = await read_values(call, chain, contract, address, function, arguments)
    return value


async def read_values(
    call: ContractCall, chain: str, contract: str, address: bytes, function: str, arguments: Sequence[object] = ()
) -> tuple[Any, ...]:
    """Return the values of a view function with several; else as `read_view`."""
    artefact = load_artefact(contract)
    try:
        return decode_result(artefact, function, await call(address, encode_call(artefact, function, arguments)))
    except AbiError:
        raise ContractMissing(contract, address, chain) from None
    except EndpointRefused as error:
        # None of the views reverts, so other code lies at the address.
        if revert_data(error) is None:
            raise
        raise ContractMissing(contract, address, chain) from None
