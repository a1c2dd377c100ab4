"""JSON schemas of what the namespaces optimism and attestation return. Numbers of op-node are JSON integers."""

from typing import Any, Final

from phal2.node.protocol.forks import Fork
from phal2.node.rpc.result_schemas import (
    ADDRESS,
    BOOLEAN,
    DATA,
    HASH,
    INTEGER,
    QUANTITY,
    TEXT,
    fields,
    list_of,
    optional,
)

BLOCK_ID: Final = fields({"hash": HASH, "number": INTEGER})
_REFERENCE: Final[dict[str, Any]] = {"hash": HASH, "number": INTEGER, "parentHash": HASH, "timestamp": INTEGER}
L1_BLOCK_REF: Final = fields(_REFERENCE)
L2_BLOCK_REF: Final = fields(_REFERENCE | {"l1origin": BLOCK_ID, "sequenceNumber": INTEGER})

SYNC_STATUS: Final = fields(
    dict.fromkeys(("current_l1", "current_l1_finalized", "head_l1", "safe_l1", "finalized_l1"), L1_BLOCK_REF)
    | dict.fromkeys(
        ("unsafe_l2", "safe_l2", "finalized_l2", "pending_safe_l2", "cross_unsafe_l2", "local_safe_l2"), L2_BLOCK_REF
    )
)
OUTPUT: Final = fields(
    {
        "version": HASH,
        "outputRoot": HASH,
        "blockRef": L2_BLOCK_REF,
        "withdrawalStorageRoot": HASH,
        "stateRoot": HASH,
        "syncStatus": SYNC_STATUS,
    }
)
SAFE_HEAD: Final = fields({"l1Block": BLOCK_ID, "safeHead": BLOCK_ID})

_SYSTEM_CONFIG: Final = fields(
    {"batcherAddr": ADDRESS, "overhead": HASH, "scalar": HASH, "gasLimit": INTEGER},
    {"eip1559Params": DATA, "operatorFeeParams": HASH, "minBaseFee": INTEGER, "daFootprintGasScalar": INTEGER},
)
_FORK_TIMES: Final = (*(f"{fork.name.lower()}_time" for fork in Fork), "attested_time")
ROLLUP_CONFIG: Final = fields(
    {
        "genesis": fields(
            {"l1": BLOCK_ID, "l2": BLOCK_ID, "l2_time": INTEGER, "system_config": _SYSTEM_CONFIG},
        ),
        "block_time": INTEGER,
        "max_sequencer_drift": INTEGER,
        "seq_window_size": INTEGER,
        "channel_timeout": INTEGER,
        "l1_chain_id": INTEGER,
        "l2_chain_id": INTEGER,
        "batch_inbox_address": ADDRESS,
        "deposit_contract_address": ADDRESS,
        "l1_system_config_address": ADDRESS,
    },
    dict.fromkeys(_FORK_TIMES, INTEGER)
    | {
        "chain_op_config": fields(
            dict.fromkeys(("eip1559Elasticity", "eip1559Denominator", "eip1559DenominatorCanyon"), INTEGER)
        )
    },
)

POLICY: Final = fields(
    {
        "rootCertificates": list_of(fields({"hash": HASH, "der": DATA, "simulated": BOOLEAN})),
        "allowedTcbStatuses": list_of(QUANTITY),
        "leastTcbEvaluationNumber": QUANTITY,
        "anyWorkload": BOOLEAN,
        "anyImage": BOOLEAN,
    }
)
ENCLAVE: Final = fields(
    {
        "enclave": ADDRESS,
        "workload": HASH,
        "image": HASH,
        "rootCa": HASH,
        "expiry": QUANTITY,
        "tcbStatus": QUANTITY,
        "tcbEvaluationNumber": QUANTITY,
        "simulated": BOOLEAN,
        "revoked": BOOLEAN,
        "registrar": ADDRESS,
    }
)
VERIFIED_ATTESTATION: Final = fields(
    {
        "transactionHash": HASH,
        "blockHash": HASH,
        "blockNumber": QUANTITY,
        "kind": QUANTITY,
        "tcbStatus": QUANTITY,
        "validUntil": QUANTITY,
        "sender": ADDRESS,
        "to": ADDRESS,
        "subject": HASH,
        "workload": HASH,
        "evidenceHash": HASH,
        "dataHash": HASH,
        "value": QUANTITY,
        "image": HASH,
        "rootCa": HASH,
        "tcbEvaluationNumber": QUANTITY,
        "simulated": BOOLEAN,
    }
)
VERDICT: Final = fields(
    {
        "valid": BOOLEAN,
        "reason": optional(TEXT),
        "kind": optional(QUANTITY),
        "sender": optional(ADDRESS),
        "subject": optional(HASH),
        "workload": optional(HASH),
        "tcbStatus": optional(QUANTITY),
        "simulated": optional(BOOLEAN),
    }
)
