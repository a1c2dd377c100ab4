"""Logs as receipts, eth_getLogs and the subscription logs show them (execution-apis, "Log object")."""

from typing import Any

from phal2.node.protocol.receipts import Log
from phal2.node.rpc.hexadecimal import data, quantity


def format_log(
    log: Log,
    block_hash: bytes,
    block_number: int,
    timestamp: int,
    transaction_hash: bytes,
    transaction_index: int,
    log_index: int,
    removed: bool = False,
) -> dict[str, Any]:
    """Return a log's object; `log_index` counts the logs of the block from 0, `removed` marks one of a left branch."""
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockHash": data(block_hash),
        "blockNumber": quantity(block_number),
        "blockTimestamp": quantity(timestamp),
        "transactionHash": data(transaction_hash),
        "transactionIndex": quantity(transaction_index),
        "logIndex": quantity(log_index),
        "removed": removed,
    }
