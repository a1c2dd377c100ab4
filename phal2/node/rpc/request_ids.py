"""The ids of requests (JSON-RPC 2.0, section 4), which answers repeat to the digit."""

import json
from typing import Any, Final

import orjson

_TYPES: Final = (str, int, float, orjson.Fragment)


def id_of(request: Any) -> Any:
    """Return the id of a decoded request; None where it has none, or one of a type that no id has."""
    request_id = request.get("id") if isinstance(request, dict) else None
    return request_id if isinstance(request_id, _TYPES) and not isinstance(request_id, bool) else None


def with_exact_ids(request: Any, text: bytes | str) -> Any:
    """Return a decoded request or batch with the ids that are numbers as its text has them.

    What is no integer of 64 bits has been read as a float, and so may have lost digits.
    """
    if isinstance(request, dict):
        return _with_exact_ids([request], text)[0] if type(request.get("id")) is float else request
    if isinstance(request, list) and any(isinstance(one, dict) and type(one.get("id")) is float for one in request):
        return _with_exact_ids(request, text)
    return request


def _with_exact_ids(requests: list[Any], text: bytes | str) -> list[Any]:
    try:
        written = json.loads(text, parse_float=str, parse_int=str)
    except RecursionError:
        # Nesting that orjson still reads; such a client can live with the nearest float.
        return requests
    pairs = zip(requests, written if isinstance(written, list) else [written], strict=True)
    return [_with_exact_id(request, exact) for request, exact in pairs]


def _with_exact_id(request: Any, written: Any) -> Any:
    if isinstance(request, dict) and type(request.get("id")) is float:
        return {**request, "id": orjson.Fragment(written["id"])}
    return request
