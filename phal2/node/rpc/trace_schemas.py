"""JSON schemas of what the namespace debug returns: raw encodings, witnesses, and what geth's tracers give."""

from typing import Final

from phal2.node.rpc.result_schemas import (
    ADDRESS,
    BOOLEAN,
    DATA,
    HASH,
    INTEGER,
    QUANTITY,
    TEXT,
    Schema,
    fields,
    list_of,
    map_of,
    optional,
)

RAW_ITEMS: Final = list_of(DATA)
NOTHING: Final[Schema] = {"type": "array", "maxItems": 0}

WITNESS: Final = fields(dict.fromkeys(("state", "codes", "keys", "headers"), RAW_ITEMS))

_STRUCT_LOG: Final = fields(
    {"pc": INTEGER, "op": TEXT, "gas": INTEGER, "gasCost": INTEGER, "depth": INTEGER},
    {
        "error": TEXT,
        "stack": list_of(QUANTITY),
        "memory": list_of(HASH),
        "storage": map_of(HASH),
        "returnData": DATA,
        "refund": INTEGER,
    },
)
STRUCT_LOGS: Final = fields(
    {"gas": INTEGER, "failed": BOOLEAN, "returnValue": DATA, "structLogs": list_of(_STRUCT_LOG)}
)

_TRACED_LOG: Final = fields(
    {"address": ADDRESS, "topics": list_of(HASH), "data": DATA, "index": QUANTITY, "position": QUANTITY}
)


def _call_frame(inner: Schema) -> Schema:
    return fields(
        {"from": ADDRESS, "gas": QUANTITY, "gasUsed": QUANTITY, "input": DATA, "type": TEXT},
        {
            "to": ADDRESS,
            "value": QUANTITY,
            "output": DATA,
            "error": TEXT,
            "revertReason": TEXT,
            "calls": list_of(inner),
            "logs": list_of(_TRACED_LOG),
        },
    )


# A schema within an OpenRPC document cannot speak of itself, so that what is deeper is described to the third level.
CALL_FRAME: Final = _call_frame(_call_frame(_call_frame({"type": "object"})))

_ACCOUNT: Final = fields(
    {}, {"balance": QUANTITY, "code": DATA, "codeHash": HASH, "nonce": INTEGER, "storage": map_of(HASH)}
)
PRESTATE: Final[Schema] = {
    "type": "object",
    "patternProperties": {"^0x[0-9a-f]{40}$": _ACCOUNT},
    "additionalProperties": False,
}
STATE_DIFFERENCE: Final = fields({"pre": PRESTATE, "post": PRESTATE})

FOUR_BYTES: Final[Schema] = {
    "type": "object",
    "patternProperties": {"^0x[0-9a-f]{8}-[0-9]+$": INTEGER},
    "additionalProperties": False,
}

_FLAT_FRAME: Final = fields(
    {
        "action": {"type": "object"},
        "blockHash": optional(HASH),
        "blockNumber": INTEGER,
        "subtraces": INTEGER,
        "traceAddress": list_of(INTEGER),
        "transactionHash": optional(HASH),
        "transactionPosition": INTEGER,
        "type": TEXT,
    },
    {"error": TEXT, "result": {"type": "object"}},
)
_SINGLE: Final[tuple[Schema, ...]] = (
    STRUCT_LOGS,
    CALL_FRAME,
    PRESTATE,
    STATE_DIFFERENCE,
    FOUR_BYTES,
    list_of(_FLAT_FRAME),
)
_NAMES: Final = ("callTracer", "prestateTracer", "4byteTracer", "flatCallTracer", "noopTracer")

_SEVERAL: Final = fields({}, {name: {"anyOf": list(_SINGLE)} for name in _NAMES})

TRACE: Final[Schema] = {"anyOf": [*_SINGLE, _SEVERAL]}
"""What any tracer gives of one transaction; the last one is muxTracer's."""

BLOCK_TRACE: Final = list_of(fields({"txHash": HASH, "result": TRACE}))
