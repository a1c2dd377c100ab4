"""The consensus part of a receipt from the JSON of eth_getBlockReceipts and eth_getTransactionReceipt."""

from phal2.node.l1.json_fields import JsonObject, MalformedField, as_data, data, elements, objects, quantity
from phal2.node.protocol.receipts import Log, Receipt


def receipt_from_json(receipt: JsonObject) -> Receipt:
    """Read a receipt of any transaction type but deposits. Raises `MalformedField`."""
    status = quantity(receipt, "status", 1)
    if status > 1:
        raise MalformedField("status", "0x0 or 0x1", receipt["status"])
    return Receipt(
        transaction_type=quantity(receipt, "type", 1) if receipt.get("type") is not None else 0,
        status=status,
        cumulative_gas_used=quantity(receipt, "cumulativeGasUsed", 8),
        bloom=data(receipt, "logsBloom", 256),
        logs=tuple(_log_from_json(log) for log in objects(receipt, "logs")),
    )


def _log_from_json(log: JsonObject) -> Log:
    topics = tuple(as_data(topic, "topics", 32) for topic in elements(log, "topics"))
    return Log(data(log, "address", 20), topics, data(log, "data"))
