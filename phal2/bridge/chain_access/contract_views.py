"""Reading contracts by their artefacts' ABIs, through whatever calls them: a client or the node itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from phal2.bridge.chain_access.errors import ContractMissing
from phal2.bridge.chain_access.reverts import revert_data
from phal2.contracts import AbiError, decode_result, encode_call, load_artefact
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused, InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_data


class ContractCall(Protocol):
    """Calls a contract without a transaction, as eth_call does, and returns what it returns.

    `to` is 20 bytes. Where there is no code the answer is empty; where the call reverts it raises a Phal2Error.
    """

    async def __call__(self, to: bytes, call_data: bytes, /) -> bytes:
        """Return the call's answer."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract at a 20-byte address, with the ABI of the artefact of that name; `chain` is for messages."""

    artefact: str
    address: bytes
    chain: str = "L1"

    def call_data(self, function: str, *arguments: object) -> bytes:
        """Return the call data of a function."""
        return encode_call(load_artefact(self.artefact), function, arguments)

    async def read(self, call: ContractCall, function: str, *arguments: object) -> Any:
        """Return the one value of a view function.

        Raises ContractMissing where the answer is not the function's, and what `call` raises.
        """
        (value,) = await self.read_values(call, function, *arguments)
        return value

    async def read_values(self, call: ContractCall, function: str, *arguments: object) -> tuple[Any, ...]:
        """Return the values of a view function with several; else as `read`."""
        try:
            return self.values(function, await call(self.address, self.call_data(function, *arguments)))
        except EndpointRefused as error:
            # None of the views reverts, so other code lies at the address.
            if revert_data(error) is None:
                raise
            raise ContractMissing(self.artefact, self.address, self.chain) from None

    def values(self, function: str, answer: bytes) -> tuple[Any, ...]:
        """Return the values of a view function's answer. Raises ContractMissing."""
        try:
            return decode_result(load_artefact(self.artefact), function, answer)
        except AbiError:
            raise ContractMissing(self.artefact, self.address, self.chain) from None


async def read_at_once(
    client: L1Client, function: str, calls: Sequence[tuple[Contract, Sequence[object]]]
) -> list[tuple[Any, ...]]:
    """Call a view function of several contracts, or with several arguments, in one request.

    Raises ContractMissing, and an `EndpointError`: `EndpointRefused` where one reverts.
    """
    method = "eth_call"
    requests = [
        {"to": f"0x{contract.address.hex()}", "data": f"0x{contract.call_data(function, *arguments).hex()}"}
        for contract, arguments in calls
    ]
    answers = await client.rpc.batch([(method, [request, "latest"]) for request in requests])
    try:
        results = [as_data(answer, "result") for answer in answers]
    except MalformedField as error:
        raise InvalidAnswer(client.rpc.url, f"{method}: {error}") from error
    return [contract.values(function, result) for (contract, _), result in zip(calls, results, strict=True)]
