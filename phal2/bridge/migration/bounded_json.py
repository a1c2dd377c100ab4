"""Reading JSON that others wrote, without being brought down by how deeply it is nested.

The standard library's parser recurses on the C stack as deep as the interpreter's recursion limit allows; an engine in
the same process may have raised that limit beyond what the stack holds. So the text goes first through a parser that
has a limit of its own (1,024).
"""

import json
from typing import Any

import orjson


def parse_json(text: str, **hooks: Any) -> Any:
    """Return what `json.loads` gives with the same hooks.

    Raises RecursionError where the text is nested too deeply, and ValueError where it is not JSON (RFC 8259: no NaN).
    """
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("depth limit"):
            raise RecursionError("nested too deeply") from None
        raise
    return json.loads(text, **hooks)
