"""Headers as eth_getBlockBy* and the subscription newHeads show them (execution-apis, "Block object")."""

from typing import Any

from phal2.node.protocol.headers import Header
from phal2.node.rpc.hexadecimal import data, quantity


def format_header(header: Header, block_hash: bytes) -> dict[str, Any]:
    """Return the header's fields; those of forks that the block is not under are left out."""
    fields: dict[str, Any] = {
        "number": quantity(header.number),
        "hash": data(block_hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.prev_randao),
        "sha3Uncles": data(header.ommers_hash),
        "logsBloom": data(header.bloom),
        "transactionsRoot": data(header.transactions_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipts_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "extraData": data(header.extra_data),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
    }
    if header.base_fee_per_gas is not None:
        fields["baseFeePerGas"] = quantity(header.base_fee_per_gas)
    if header.withdrawals_root is not None:
        fields["withdrawalsRoot"] = data(header.withdrawals_root)
    if header.blob_gas_used is not None:
        fields["blobGasUsed"] = quantity(header.blob_gas_used)
    if header.excess_blob_gas is not None:
        fields["excessBlobGas"] = quantity(header.excess_blob_gas)
    if header.parent_beacon_block_root is not None:
        fields["parentBeaconBlockRoot"] = data(header.parent_beacon_block_root)
    if header.requests_hash is not None:
        fields["requestsHash"] = data(header.requests_hash)
    return fields
