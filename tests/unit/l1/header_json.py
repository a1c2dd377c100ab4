"""Headers as the fields of a block in JSON-RPC, written without the code that the tests are about."""

from typing import Any

from phal2.node.protocol.headers import Header


def header_json(header: Header) -> dict[str, Any]:
    """Return a header as eth_getBlockByNumber has it; fields of later forks are null."""
    return {
        "parentHash": _hex(header.parent_hash),
        "sha3Uncles": _hex(header.ommers_hash),
        "miner": _hex(header.coinbase),
        "stateRoot": _hex(header.state_root),
        "transactionsRoot": _hex(header.transactions_root),
        "receiptsRoot": _hex(header.receipts_root),
        "logsBloom": _hex(header.bloom),
        "difficulty": hex(header.difficulty),
        "number": hex(header.number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "extraData": _hex(header.extra_data),
        "mixHash": _hex(header.prev_randao),
        "nonce": _hex(header.nonce),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "withdrawalsRoot": _optional(header.withdrawals_root),
        "blobGasUsed": None if header.blob_gas_used is None else hex(header.blob_gas_used),
        "excessBlobGas": None if header.excess_blob_gas is None else hex(header.excess_blob_gas),
        "parentBeaconBlockRoot": _optional(header.parent_beacon_block_root),
        "requestsHash": _optional(header.requests_hash),
    }


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


def _optional(data: bytes | None) -> str | None:
    return None if data is None else _hex(data)
