"""Reading a raw export of a Substrate chain's state.

Understood are three JSON forms: a raw chain specification (`build-spec --raw`, `export-state`), the answer of
`state_getPairs` (bare or with its JSON-RPC envelope), that is a list of [key, value], and an object of key to value.
Keys and values are hex with `0x`. An export comes from elsewhere, so whatever is ambiguous in it is refused.
"""

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from phal2.bridge.migration.bounded_json import parse_json
from phal2.bridge.migration.errors import InvalidExport, StateRootMismatch, StateRootUnavailable
from phal2.bridge.migration.state_trie import STATE_VERSIONS, compute_state_root
from phal2.bridge.migration.storage_keys import CHILD_STORAGE_PREFIX, CODE_KEY

LARGEST_FILE: Final = 1 << 30
LONGEST_KEY: Final = 4_096

_FORMS: Final = (
    "a raw chain specification (an object with genesis.raw.top), the list of [key, value] that state_getPairs gives, "
    "or an object of key to value"
)
# Archives of chain specifications leave the runtime code out and write its length in its place.
_REMOVED_VALUE: Final = re.compile(r"0x<stripped \d{1,10} bytes>")
_SHOWN_LENGTH: Final = 180


@dataclass(frozen=True, slots=True)
class StateExport:
    """The whole state of a block: storage key to value.

    `children` holds the storage of each child trie under the state's key that its root belongs at (where the export has
    it; else `entries` has the root). `removed` names keys whose values the export admits to leave out; without them
    there is no state root.
    """

    entries: Mapping[bytes, bytes]
    children: Mapping[bytes, Mapping[bytes, bytes]] = field(default_factory=dict)
    removed: tuple[bytes, ...] = ()

    def state_root(self, state_version: int = 0) -> bytes:
        """Return the state root under trie layout version 0 or 1. Raises StateRootUnavailable."""
        if self.removed:
            raise StateRootUnavailable(self.removed)
        if not self.children:
            return compute_state_root(self.entries, state_version)
        roots = {key: compute_state_root(storage, state_version) for key, storage in self.children.items()}
        return compute_state_root({**self.entries, **roots}, state_version)

    def verify_state_root(self, expected: bytes, state_version: int | None = None) -> int:
        """Return the layout version (the given one, or 0 then 1) under which the state root is `expected`.

        Raises StateRootMismatch, StateRootUnavailable.
        """
        computed: dict[int, bytes] = {}
        for version in STATE_VERSIONS if state_version is None else (state_version,):
            computed[version] = self.state_root(version)
            if computed[version] == expected:
                return version
        raise StateRootMismatch(expected, computed)


def read_export(path: Path) -> StateExport:
    """Read an export from a file of at most 1 GiB. Raises InvalidExport; its text begins with the file's name."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidExport(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise InvalidExport(f"{path} is larger than {LARGEST_FILE} bytes, the largest export that is read")
    try:
        return parse_export(content)
    except InvalidExport as error:
        raise InvalidExport(f"{path}: {error}") from None


def parse_export(content: bytes) -> StateExport:
    """Parse an export in any of its forms. Raises InvalidExport."""
    try:
        document = parse_json(content.decode("utf-8"), object_pairs_hook=_refuse_duplicates)
    except UnicodeDecodeError as error:
        raise InvalidExport(f"not UTF-8 at byte {error.start}; expected {_FORMS}, as JSON") from None
    except RecursionError:
        raise InvalidExport(f"nested too deeply; expected {_FORMS}") from None
    except ValueError as error:
        raise InvalidExport(f"not JSON ({error}); expected {_FORMS}") from None
    # An answer saved as it came from a node.
    if isinstance(document, dict) and "jsonrpc" in document and "result" in document:
        document = document["result"]
    if isinstance(document, list):
        return collect_export(_pairs_of_list(document))
    if isinstance(document, dict) and "genesis" in document:
        return _parse_chain_specification(document["genesis"])
    if isinstance(document, dict):
        return collect_export(document.items())
    raise InvalidExport(f"expected {_FORMS}")


def collect_export(pairs: Iterable[tuple[Any, Any]]) -> StateExport:
    """Decode pairs of hex key and hex value, as JSON gave them. Raises InvalidExport, naming the key."""
    entries: dict[bytes, bytes] = {}
    removed: list[bytes] = []
    for name, text in pairs:
        key = _decode_key(name)
        if key in entries or key in removed:
            raise InvalidExport(f"storage key {_shown(name)} occurs twice; nobody could tell which value holds")
        if key == CODE_KEY and isinstance(text, str) and _REMOVED_VALUE.fullmatch(text):
            removed.append(key)
            continue
        entries[key] = _decode_value(text, name)
    return StateExport(entries, removed=tuple(removed))


def _parse_chain_specification(genesis: Any) -> StateExport:
    raw = genesis.get("raw") if isinstance(genesis, dict) else None
    if not isinstance(raw, dict) or not isinstance(raw.get("top"), dict):
        raise InvalidExport(
            "the chain specification has no genesis.raw.top: it is not raw; make it so with `build-spec --raw`"
        )
    unknown = sorted(set(raw) - {"top", "childrenDefault"})
    if unknown:
        raise InvalidExport(f"genesis.raw has the unknown member {unknown[0]!r}; expected top and childrenDefault")
    top = collect_export(raw["top"].items())
    children = raw.get("childrenDefault", {})
    if not isinstance(children, dict):
        raise InvalidExport("genesis.raw.childrenDefault is not an object of child tries")
    return StateExport(top.entries, _parse_children(top, children), top.removed)


def _parse_children(top: StateExport, children: Mapping[str, Any]) -> dict[bytes, Mapping[bytes, bytes]]:
    parsed: dict[bytes, Mapping[bytes, bytes]] = {}
    for name, storage in children.items():
        key = CHILD_STORAGE_PREFIX + _decode_key(name)
        if key in parsed:
            raise InvalidExport(f"child trie {_shown(name)} occurs twice; nobody could tell which holds")
        if not isinstance(storage, dict):
            raise InvalidExport(f"child trie {_shown(name)} is not an object of key to value")
        child = collect_export(storage.items())
        if child.removed:
            raise InvalidExport(f"child trie {_shown(name)} has a removed value, so its root cannot be computed")
        # An empty child trie has no entry in the state.
        if child.entries:
            parsed[key] = child.entries
        stated = top.entries.get(key)
        if stated is not None and stated not in [child.state_root(version) for version in STATE_VERSIONS]:
            raise InvalidExport(
                f"child trie {_shown(name)} has the root 0x{child.state_root().hex()}, but the state holds "
                f"0x{stated.hex()} at its key"
            )
    return parsed


def _pairs_of_list(document: list[Any]) -> Iterable[tuple[Any, Any]]:
    for index, pair in enumerate(document):
        if not isinstance(pair, list) or len(pair) != 2:
            raise InvalidExport(f"entry {index} of the list is not a pair [key, value]")
        yield pair[0], pair[1]


def _decode_key(name: Any) -> bytes:
    try:
        key = _decode_hex(name)
    except ValueError as error:
        raise InvalidExport(f"storage key {_shown(name)} is not hex: {error}") from None
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidExport(f"storage key {_shown(name)} has {len(key)} bytes, expected 1 to {LONGEST_KEY}")
    return key


def _decode_value(text: Any, name: Any) -> bytes:
    try:
        return _decode_hex(text)
    except ValueError as error:
        raise InvalidExport(f"the value of storage key {_shown(name)} is not hex: {error}") from None


def _decode_hex(text: Any) -> bytes:
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError("expected text that begins with 0x")
    # Unlike bytes.fromhex, this takes no blanks between the digits.
    return binascii.unhexlify(text[2:])


def _shown(name: Any) -> str:
    text = repr(name)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidExport(f"{_shown(name)} occurs twice in one object; nobody could tell which value holds")
            seen.add(name)
    return members
