"""The project's contracts: their compiled artefacts, and a small ABI coder to talk to them.

The Solidity sources lie in `l1` and `l2`; `build` compiles them into `artefacts`, which are committed.
"""

from phal2.contracts.abi import (
    DecodedEvent,
    decode_event,
    decode_result,
    encode_call,
    encode_constructor,
    event_topic,
    function_selector,
)
from phal2.contracts.abi_types import Abi, AbiEntry, AbiError
from phal2.contracts.artefact import Artefact, UnknownArtefactError, artefact_names, load_artefact
from phal2.contracts.reverts import decode_revert

__all__ = [
    "Abi",
    "AbiEntry",
    "AbiError",
    "Artefact",
    "DecodedEvent",
    "UnknownArtefactError",
    "artefact_names",
    "decode_event",
    "decode_result",
    "decode_revert",
    "encode_call",
    "encode_constructor",
    "event_topic",
    "function_selector",
    "load_artefact",
]
