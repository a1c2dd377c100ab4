"""A block header from the JSON of eth_getBlockBy*."""

from phal2.node.l1.json_fields import JsonObject, data, optional, quantity
from phal2.node.protocol.headers import Header


def header_from_json(block: JsonObject) -> Header:
    """Read the header's fields; the object's own `hash` is not looked at. Raises `MalformedField`."""
    return Header(
        parent_hash=data(block, "parentHash", 32),
        ommers_hash=data(block, "sha3Uncles", 32),
        coinbase=data(block, "miner", 20),
        state_root=data(block, "stateRoot", 32),
        transactions_root=data(block, "transactionsRoot", 32),
        receipts_root=data(block, "receiptsRoot", 32),
        bloom=data(block, "logsBloom", 256),
        difficulty=quantity(block, "difficulty"),
        number=quantity(block, "number", 8),
        gas_limit=quantity(block, "gasLimit", 8),
        gas_used=quantity(block, "gasUsed", 8),
        timestamp=quantity(block, "timestamp", 8),
        extra_data=data(block, "extraData"),
        prev_randao=data(block, "mixHash", 32),
        nonce=data(block, "nonce", 8),
        base_fee_per_gas=optional(block, "baseFeePerGas", quantity),
        withdrawals_root=optional(block, "withdrawalsRoot", _hash),
        blob_gas_used=optional(block, "blobGasUsed", _uint64),
        excess_blob_gas=optional(block, "excessBlobGas", _uint64),
        parent_beacon_block_root=optional(block, "parentBeaconBlockRoot", _hash),
        requests_hash=optional(block, "requestsHash", _hash),
    )


def _hash(container: JsonObject, field: str) -> bytes:
    return data(container, field, 32)


def _uint64(container: JsonObject, field: str) -> int:
    return quantity(container, field, 8)
