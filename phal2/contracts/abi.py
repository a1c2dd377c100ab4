"""Calls, results and events of contracts, by the Contract ABI Specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phal2.contracts.abi_types import Abi, AbiEntry, AbiError, decode_values, encode_values, signature
from phal2.contracts.artefact import Artefact
from phal2.node.protocol.keccak import keccak256

SELECTOR_LENGTH = 4


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """An event that a contract logged.

    Attributes:
        name: The event's name.
        arguments: Values by parameter name. Of an indexed string, bytes, array or struct there is only a 32-byte hash.
    """

    name: str
    arguments: Mapping[str, Any]


def encode_call(contract: Artefact | Abi, function_name: str, arguments: Sequence[object] = ()) -> bytes:
    """Return the call data of a function: its selector and the encoded arguments.

    Args:
        contract: An artefact, or an ABI.
        function_name: A name; for a function with overloads of as many parameters a signature, `name(type,…)`.
        arguments: One value a parameter.

    Raises:
        AbiError: if there is no such function, or the arguments do not fit it.
    """
    function = _function(abi_of(contract), function_name, len(arguments))
    return selector(function) + encode_values(function["name"], function["inputs"], arguments)


def encode_constructor(contract: Artefact, arguments: Sequence[object] = ()) -> bytes:
    """Return the data of a creation: the creation code and the encoded constructor arguments.

    Raises:
        AbiError: if the arguments do not fit the constructor.
    """
    constructors = [entry for entry in contract.abi if entry["type"] == "constructor"]
    parameters = constructors[0]["inputs"] if constructors else ()
    return contract.bytecode + encode_values(f"the constructor of {contract.name}", parameters, arguments)


def decode_result(contract: Artefact | Abi, function_name: str, data: bytes) -> tuple[Any, ...]:
    """Return the values that a function returned as `data`, always as a tuple.

    Raises:
        AbiError: if there is no such function, or `data` is not its result; accounts without code answer with no data.
    """
    function = _function(abi_of(contract), function_name, None)
    return decode_values(f"the result of {function['name']}", function["outputs"], data)


def decode_event(contract: Artefact | Abi, topics: Sequence[bytes], data: bytes) -> DecodedEvent:
    """Return the event behind a log's topics and data.

    Raises:
        AbiError: if the ABI has no such event, or the log does not fit it.
    """
    for event in abi_of(contract):
        if event["type"] != "event" or event["anonymous"] or not topics or topics[0] != topic(event):
            continue
        indexed = [parameter for parameter in event["inputs"] if parameter["indexed"]]
        if len(indexed) != len(topics) - 1:
            continue
        plain = [parameter for parameter in event["inputs"] if not parameter["indexed"]]
        values = dict(
            zip((parameter["name"] for parameter in plain), decode_values(event["name"], plain, data), strict=True)
        )
        for parameter, word in zip(indexed, topics[1:], strict=True):
            values[parameter["name"]] = _decode_topic(event["name"], parameter, word)
        return DecodedEvent(
            event["name"], {parameter["name"]: values[parameter["name"]] for parameter in event["inputs"]}
        )
    first = "none" if not topics else f"0x{topics[0].hex()}"
    raise AbiError(f"no event of this contract has the first topic {first} and {len(topics)} topics")


def function_selector(contract: Artefact | Abi, function_name: str) -> bytes:
    """Return the 4-byte selector of a function, given by name or signature.

    Raises:
        AbiError: if there is no such function, or more than one.
    """
    return selector(_function(abi_of(contract), function_name, None))


def event_topic(contract: Artefact | Abi, event_name: str) -> bytes:
    """Return the first topic (32 bytes) of an event's logs.

    Raises:
        AbiError: if there is no such event.
    """
    for entry in abi_of(contract):
        if entry["type"] == "event" and event_name in (entry["name"], signature(entry)):
            return topic(entry)
    raise AbiError(f"the contract has no event {event_name}")


def abi_of(contract: Artefact | Abi) -> Abi:
    """Return the ABI of an artefact; an ABI is returned as it is."""
    return contract.abi if isinstance(contract, Artefact) else contract


def selector(entry: AbiEntry) -> bytes:
    """Return the 4-byte selector of a function's or error's ABI entry."""
    return keccak256(signature(entry).encode())[:SELECTOR_LENGTH]


def topic(event: AbiEntry) -> bytes:
    """Return the first topic of an event's ABI entry."""
    return keccak256(signature(event).encode())


def _function(abi: Abi, name: str, argument_count: int | None) -> AbiEntry:
    functions = [entry for entry in abi if entry["type"] == "function"]
    found = [entry for entry in functions if name in (entry["name"], signature(entry))]
    if not found:
        known = ", ".join(sorted(signature(entry) for entry in functions))
        raise AbiError(f"the contract has no function {name}; it has {known}")
    fitting = [entry for entry in found if argument_count in (None, len(entry["inputs"]))]
    if len(fitting) == 1:
        return fitting[0]
    overloads = ", ".join(signature(entry) for entry in found)
    if not fitting:
        raise AbiError(f"{name} does not take {argument_count} arguments; there is {overloads}")
    raise AbiError(f"the name {name} stands for several functions; give one of the signatures {overloads}")


def _decode_topic(event_name: str, parameter: AbiEntry, word: bytes) -> Any:
    name = parameter["type"]
    if name in ("string", "bytes") or name.startswith("tuple") or name.endswith("]"):
        return word
    return decode_values(f"{event_name}.{parameter['name']}", [parameter], word)[0]
