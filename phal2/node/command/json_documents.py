"""Parses JSON documents that others made: bounded in depth and values, and with every name once in an object."""

import json
from typing import Any, Final

import orjson

from phal2.node.protocol.configuration_fields import InvalidConfiguration

MOST_VALUES: Final = 1 << 24
"""Of a document: some eight million accounts with a balance each. An empty array takes 3 bytes there, 72 when read."""


def parse_document(text: bytes) -> object:
    """Return the document.

    Raises `InvalidConfiguration` where it is not JSON, has a name twice in one object, or has too many values.
    """
    # Counted too high where texts have such characters, which addresses, numbers and bytes have not.
    values = text.count(b",") + text.count(b"[") + text.count(b"{")
    if values > MOST_VALUES:
        raise InvalidConfiguration(f"has {values} values, of which at most {MOST_VALUES} are read")
    try:
        # The standard library's parser finds names that come twice, but follows any depth down the C stack, whose end
        # the recursion limit does not guard while an EVM raises it. orjson has a limit of its own, so it goes first.
        orjson.loads(text)
        document: object = json.loads(text, object_pairs_hook=_object_of_unique_names)
    except (ValueError, RecursionError) as error:
        raise InvalidConfiguration(f"is not JSON: {error}") from None
    return document


def _object_of_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidConfiguration(f"{name[:80]} is there twice in one object")
            seen.add(name)
    return fields
