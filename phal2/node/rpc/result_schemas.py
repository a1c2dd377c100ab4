"""JSON schemas of what methods return (execution-apis; the OP Stack's and phal2's own fields beside it).

Objects list the fields that are always there as required. Fields that only some forks, types or chains have are named
too, and whatever is not named is not allowed: a result with a misspelt field does not pass.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]


def optional(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": schema}


def map_of(schema: Schema) -> Schema:
    """Return the schema of an object whose names are data."""
    return {"type": "object", "additionalProperties": schema}


def fields(required: Mapping[str, Schema], may_have: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object with the `required` fields, those it `may_have`, and no others."""
    properties = {**required, **(may_have or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _hex(title: str, pattern: str) -> Schema:
    return {"title": title, "type": "string", "pattern": pattern}


NULL: Final[Schema] = {"type": "null"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
INTEGER: Final[Schema] = {"type": "integer"}
QUANTITY: Final = _hex("quantity", "^0x(0|[1-9a-f][0-9a-f]*)$")
DATA: Final = _hex("bytes", "^0x([0-9a-f]{2})*$")
HASH: Final = _hex("32 bytes", "^0x[0-9a-f]{64}$")
ADDRESS: Final = _hex("address", "^0x[0-9a-f]{40}$")
BLOOM: Final = _hex("bloom filter", "^0x[0-9a-f]{512}$")
EIGHT_BYTES: Final = _hex("8 bytes", "^0x[0-9a-f]{16}$")

FILTER_ID: Final = _hex("filter id", "^0x[0-9a-f]+$")
DECIMAL: Final[Schema] = {"title": "decimal digits", "type": "string", "pattern": "^[0-9]+$"}

ACCESS_LIST: Final = list_of(fields({"address": ADDRESS, "storageKeys": list_of(HASH)}))
ACCESS_LIST_RESULT: Final = fields({"accessList": ACCESS_LIST, "gasUsed": QUANTITY}, {"error": TEXT})

LOG: Final = fields(
    {
        "address": ADDRESS,
        "topics": list_of(HASH),
        "data": DATA,
        "blockHash": HASH,
        "blockNumber": QUANTITY,
        "blockTimestamp": QUANTITY,
        "transactionHash": HASH,
        "transactionIndex": QUANTITY,
        "logIndex": QUANTITY,
        "removed": BOOLEAN,
    }
)

AUTHORIZATION: Final = fields(dict.fromkeys(("chainId", "nonce", "yParity", "r", "s"), QUANTITY) | {"address": ADDRESS})

TRANSACTION: Final = fields(
    {
        "blockHash": optional(HASH),
        "blockNumber": optional(QUANTITY),
        "blockTimestamp": optional(QUANTITY),
        "transactionIndex": optional(QUANTITY),
        "hash": HASH,
        "type": QUANTITY,
        "from": ADDRESS,
        "to": optional(ADDRESS),
        "value": QUANTITY,
        "gas": QUANTITY,
        "gasPrice": QUANTITY,
        "nonce": QUANTITY,
        "input": DATA,
        "v": QUANTITY,
        "r": QUANTITY,
        "s": QUANTITY,
    },
    {
        "chainId": QUANTITY,
        "yParity": QUANTITY,
        "accessList": ACCESS_LIST,
        "maxFeePerGas": QUANTITY,
        "maxPriorityFeePerGas": QUANTITY,
        "maxFeePerBlobGas": QUANTITY,
        "blobVersionedHashes": list_of(HASH),
        "authorizationList": list_of(AUTHORIZATION),
        "attestation": {"type": "object"},
        "sourceHash": HASH,
        "mint": QUANTITY,
        "isSystemTx": BOOLEAN,
        "depositReceiptVersion": QUANTITY,
    },
)

SIGNED_TRANSACTION: Final = fields({"raw": DATA, "tx": TRANSACTION})

_HEADER_FIELDS: Final = {
    "number": QUANTITY,
    "hash": HASH,
    "parentHash": HASH,
    "nonce": EIGHT_BYTES,
    "mixHash": HASH,
    "sha3Uncles": HASH,
    "logsBloom": BLOOM,
    "transactionsRoot": HASH,
    "stateRoot": HASH,
    "receiptsRoot": HASH,
    "miner": ADDRESS,
    "difficulty": QUANTITY,
    "extraData": DATA,
    "gasLimit": QUANTITY,
    "gasUsed": QUANTITY,
    "timestamp": QUANTITY,
}
_HEADER_FIELDS_OF_FORKS: Final = {
    "baseFeePerGas": QUANTITY,
    "withdrawalsRoot": HASH,
    "blobGasUsed": QUANTITY,
    "excessBlobGas": QUANTITY,
    "parentBeaconBlockRoot": HASH,
    "requestsHash": HASH,
}
_BODY_FIELDS: Final = {
    "size": QUANTITY,
    "uncles": list_of(HASH),
    "transactions": {"anyOf": [list_of(TRANSACTION), list_of(HASH)]},
}

HEADER: Final = fields(_HEADER_FIELDS, _HEADER_FIELDS_OF_FORKS)
BLOCK: Final = fields(
    # The block that would be built next has no hash yet.
    {**_HEADER_FIELDS, **_BODY_FIELDS, "hash": optional(HASH), "nonce": optional(EIGHT_BYTES)},
    {**_HEADER_FIELDS_OF_FORKS, "withdrawals": list_of({"type": "object"})},
)

RECEIPT: Final = fields(
    {
        "type": QUANTITY,
        "status": QUANTITY,
        "cumulativeGasUsed": QUANTITY,
        "gasUsed": QUANTITY,
        "effectiveGasPrice": QUANTITY,
        "logs": list_of(LOG),
        "logsBloom": BLOOM,
        "transactionHash": HASH,
        "transactionIndex": QUANTITY,
        "blockHash": HASH,
        "blockNumber": QUANTITY,
        "from": ADDRESS,
        "to": optional(ADDRESS),
        "contractAddress": optional(ADDRESS),
    },
    {
        "blobGasUsed": QUANTITY,
        "blobGasPrice": QUANTITY,
        "depositNonce": QUANTITY,
        "depositReceiptVersion": QUANTITY,
        "l1GasPrice": QUANTITY,
        "l1GasUsed": QUANTITY,
        "l1Fee": QUANTITY,
        "l1FeeScalar": TEXT,
        "l1BlobBaseFee": QUANTITY,
        "l1BaseFeeScalar": QUANTITY,
        "l1BlobBaseFeeScalar": QUANTITY,
        "operatorFeeScalar": QUANTITY,
        "operatorFeeConstant": QUANTITY,
    },
)

PROOF: Final = fields(
    {
        "address": ADDRESS,
        "accountProof": list_of(DATA),
        "balance": QUANTITY,
        "codeHash": HASH,
        "nonce": QUANTITY,
        "storageHash": HASH,
        "storageProof": list_of(
            fields(
                {"key": _hex("storage key", "^0x[0-9a-f]{1,64}$"), "value": QUANTITY, "proof": list_of(DATA)},
            )
        ),
    }
)

FEE_HISTORY: Final = fields(
    {"oldestBlock": QUANTITY, "gasUsedRatio": list_of(NUMBER)},
    {
        "baseFeePerGas": list_of(QUANTITY),
        "baseFeePerBlobGas": list_of(QUANTITY),
        "blobGasUsedRatio": list_of(NUMBER),
        "reward": list_of(list_of(QUANTITY)),
    },
)

FILTER_CHANGES: Final = {"anyOf": [list_of(LOG), list_of(HASH)]}

SIMULATED_CALL: Final = fields(
    {
        "returnData": DATA,
        "logs": list_of(LOG),
        "gasUsed": QUANTITY,
        "maxUsedGas": QUANTITY,
        "status": QUANTITY,
    },
    {"error": fields({"code": INTEGER, "message": TEXT}, {"data": DATA})},
)
SIMULATED_BLOCK: Final = fields(
    {**_HEADER_FIELDS, **_BODY_FIELDS, "calls": list_of(SIMULATED_CALL)},
    {**_HEADER_FIELDS_OF_FORKS, "withdrawals": list_of({"type": "object"})},
)

POOL_STATUS: Final = fields({"pending": QUANTITY, "queued": QUANTITY})
POOL_CONTENT: Final = fields({"pending": map_of(map_of(TRANSACTION)), "queued": map_of(map_of(TRANSACTION))})
POOL_CONTENT_OF_ACCOUNT: Final = fields({"pending": map_of(TRANSACTION), "queued": map_of(TRANSACTION)})
POOL_INSPECTION: Final = fields({"pending": map_of(map_of(TEXT)), "queued": map_of(map_of(TEXT))})
