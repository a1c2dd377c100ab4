"""The block that would be built next, as the tag "pending" shows it: not executed, so without roots and hash."""

from collections.abc import Sequence
from typing import Any

from phal2.node.protocol.headers import EMPTY_OMMERS_HASH, EMPTY_TRIE_ROOT
from phal2.node.protocol.receipts import EMPTY_BLOOM
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.state.environment import BlockEnvironment

_UNKNOWN_HASH = bytes(32)


def format_pending_block(
    environment: BlockEnvironment, transactions: Sequence[RecoveredTransaction], full: bool
) -> dict[str, Any]:
    """Return the block with what the pool holds for it; hash and nonce are null."""
    fields: dict[str, Any] = {
        "number": quantity(environment.number),
        "hash": None,
        "parentHash": data(environment.parent_hash),
        "nonce": None,
        "mixHash": data(environment.prev_randao),
        "sha3Uncles": data(EMPTY_OMMERS_HASH),
        "logsBloom": data(EMPTY_BLOOM),
        "transactionsRoot": data(_UNKNOWN_HASH),
        "stateRoot": data(_UNKNOWN_HASH),
        "receiptsRoot": data(_UNKNOWN_HASH),
        "miner": data(environment.coinbase),
        "difficulty": "0x0",
        "extraData": data(environment.extra_data),
        "gasLimit": quantity(environment.gas_limit),
        "gasUsed": "0x0",
        "timestamp": quantity(environment.timestamp),
        "baseFeePerGas": quantity(environment.base_fee_per_gas),
        "size": "0x0",
        "uncles": [],
        "withdrawals": [],
        "withdrawalsRoot": data(EMPTY_TRIE_ROOT),
        "transactions": [
            format_transaction(transaction, None) if full else data(transaction.hash) for transaction in transactions
        ],
    }
    if environment.excess_blob_gas is not None:
        fields["blobGasUsed"] = "0x0"
        fields["excessBlobGas"] = quantity(environment.excess_blob_gas)
    if environment.parent_beacon_block_root is not None:
        fields["parentBeaconBlockRoot"] = data(environment.parent_beacon_block_root)
    return fields
