"""Reading contracts on L1 by their artefacts' ABIs, and saying why a call reverts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phal2.contracts import AbiError, decode_result, decode_revert, encode_call, load_artefact
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused, InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_data


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract at a 20-byte address, with the ABI of the artefact of that name."""

    artefact: str
    address: bytes

    def call_data(self, function: str, *arguments: object) -> bytes:
        """Return the call data of a function."""
        return encode_call(load_artefact(self.artefact), function, arguments)

    async def read(self, l1: L1Client, function: str, *arguments: object) -> tuple[Any, ...]:
        """Call a view and return its values. Raises an `EndpointError`: `EndpointRefused` where it reverts."""
        return self.values(l1, function, await l1.call(self.address, self.call_data(function, *arguments)))

    def values(self, l1: L1Client, function: str, answer: bytes) -> tuple[Any, ...]:
        """Return the values of a view's answer. Raises `InvalidAnswer`."""
        try:
            return decode_result(load_artefact(self.artefact), function, answer)
        except AbiError as error:
            raise InvalidAnswer(
                l1.rpc.url, f"0x{self.address.hex()} does not answer as a {self.artefact}: {error}"
            ) from error


async def read_all(
    l1: L1Client, function: str, calls: Sequence[tuple[Contract, Sequence[object]]]
) -> list[tuple[Any, ...]]:
    """Call a view of several contracts, or with several arguments, in one request; else as `Contract.read`."""
    method = "eth_call"
    requests = [
        {"to": f"0x{contract.address.hex()}", "data": f"0x{contract.call_data(function, *arguments).hex()}"}
        for contract, arguments in calls
    ]
    answers = await l1.rpc.batch([(method, [request, "latest"]) for request in requests])
    try:
        results = [as_data(answer, "result") for answer in answers]
    except MalformedField as error:
        raise InvalidAnswer(l1.rpc.url, f"{method}: {error}") from error
    return [contract.values(l1, function, result) for (contract, _), result in zip(calls, results, strict=True)]


def revert_reason(error: EndpointRefused, artefacts: Sequence[str]) -> str | None:
    """Return what a revert says by the errors of `artefacts`; None where the endpoint refused for another reason."""
    data = error.data
    if isinstance(data, str) and data.startswith("0x"):
        try:
            raw = bytes.fromhex(data[2:])
        except ValueError:
            return None
        return decode_revert([load_artefact(name) for name in artefacts], raw)
    return error.message if "revert" in error.message.lower() else None
