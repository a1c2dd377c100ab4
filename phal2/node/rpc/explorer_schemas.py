"""JSON schemas of what the namespace ots (Otterscan's) returns."""

from collections.abc import Mapping
from typing import Any, Final

from phal2.node.rpc.result_schemas import (
    ADDRESS,
    BLOCK,
    BOOLEAN,
    DATA,
    HASH,
    INTEGER,
    NULL,
    QUANTITY,
    RECEIPT,
    TEXT,
    TRANSACTION,
    Schema,
    fields,
    list_of,
    optional,
)


def _changed(schema: Schema, changes: Mapping[str, Schema], left_out: frozenset[str] = frozenset()) -> Schema:
    """Return the schema of an object with some fields otherwise, and some not there."""
    properties: dict[str, Any] = {name: each for name, each in schema["properties"].items() if name not in left_out}
    required = [name for name in schema["required"] if name not in left_out]
    return {
        **schema,
        "properties": {**properties, **changes},
        "required": list(dict.fromkeys((*required, *changes))),
    }


_COUNTED: Final = {"transactionCount": INTEGER, "logsBloom": NULL}
_ISSUANCE: Final = fields({"blockReward": QUANTITY, "uncleReward": QUANTITY, "issuance": QUANTITY})

BLOCK_DETAILS: Final = fields(
    {
        "block": _changed(BLOCK, _COUNTED, frozenset({"transactions"})),
        "issuance": _ISSUANCE,
        "totalFees": QUANTITY,
    }
)
BLOCK_PAGE: Final = fields(
    {
        "fullblock": _changed(BLOCK, _COUNTED),
        "receipts": list_of(_changed(RECEIPT, {"logs": NULL, "logsBloom": NULL})),
    }
)
TRANSACTION_PAGE: Final = fields(
    {
        "txs": list_of(TRANSACTION),
        "receipts": list_of(_changed(RECEIPT, {"timestamp": INTEGER})),
        "firstPage": BOOLEAN,
        "lastPage": BOOLEAN,
    }
)
INTERNAL_OPERATIONS: Final = list_of(fields({"type": INTEGER, "from": ADDRESS, "to": ADDRESS, "value": QUANTITY}))
TRACE_ENTRIES: Final = list_of(
    fields(
        {
            "type": TEXT,
            "depth": INTEGER,
            "from": ADDRESS,
            "to": ADDRESS,
            "value": optional(QUANTITY),
            "input": DATA,
            "output": DATA,
        }
    )
)
CREATOR: Final = fields({"hash": HASH, "creator": ADDRESS})
