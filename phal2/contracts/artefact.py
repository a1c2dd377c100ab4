"""Compiled contracts, as the build script wrote them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from phal2.contracts.abi_types import Abi
from phal2.node.protocol.errors import Phal2Error


class UnknownArtefactError(Phal2Error):
    """No contract of this name was compiled."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no contract artefact {name!r}; known are {', '.join(known)}")
        self.name = name
        self.known = known


@dataclass(frozen=True, slots=True)
class Artefact:
    """A compiled contract.

    Attributes:
        name: The contract's name.
        abi: The Contract ABI Specification's JSON.
        bytecode: Creation code; constructor arguments follow it.
        deployed_bytecode: Runtime code. Immutables are zero in it.
        storage_layout: solc's storage layout, {storage: [...], types: {...}}, without compilation-wide numbers.
    """

    name: str
    abi: Abi
    bytecode: bytes
    deployed_bytecode: bytes
    storage_layout: Mapping[str, Any]


@cache
def artefact_names() -> tuple[str, ...]:
    """Return the names of all compiled contracts, in alphabetical order."""
    entries = files("phal2.contracts").joinpath("artefacts").iterdir()
    return tuple(sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")))


@cache
def load_artefact(name: str) -> Artefact:
    """Return the compiled contract `name`.

    Raises:
        UnknownArtefactError: if there is none of that name.
    """
    if name not in artefact_names():
        raise UnknownArtefactError(name, artefact_names())
    document = json.loads(files("phal2.contracts").joinpath("artefacts", f"{name}.json").read_bytes())
    return Artefact(
        name=name,
        abi=tuple(document["abi"]),
        bytecode=bytes.fromhex(document["bytecode"].removeprefix("0x")),
        deployed_bytecode=bytes.fromhex(document["deployedBytecode"].removeprefix("0x")),
        storage_layout=document["storageLayout"],
    )
