"""Parses JSON documents that others made: bounded in depth, and with every name once in an object."""

import json
from typing import Any

import orjson

from phal2.node.protocol.configuration_fields import InvalidConfiguration


def parse_document(text: bytes) -> object:
    """Return the document; raise `InvalidConfiguration` where it is not JSON or has a name twice in one object."""
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
