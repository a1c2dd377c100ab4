"""Withdrawals that a transaction on L2 has initiated."""

from dataclasses import dataclass

from phal2.bridge.withdrawals.errors import NoWithdrawal
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import as_object, data, quantity
from phal2.node.l1.json_receipt import receipt_from_json
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.receipts import Receipt
from phal2.node.protocol.withdrawals import MESSAGE_PASSED_TOPIC, Withdrawal, withdrawal_from_log, withdrawal_hash


@dataclass(frozen=True, slots=True)
class InitiatedWithdrawal:
    """A message to L1, its hash, and the L2 transaction and block in which it went out.

    `timestamp` is that of the block, in Unix seconds.
    """

    withdrawal: Withdrawal
    hash: bytes
    transaction_hash: bytes
    block_number: int
    timestamp: int


async def initiated_withdrawals(l2: L1Client, transaction_hash: bytes) -> tuple[InitiatedWithdrawal, ...]:
    """Return the withdrawals of a mined L2 transaction, in the order of their logs, at least one.

    Raises `NoWithdrawal`, `EndpointError`.
    """
    method = "eth_getTransactionReceipt"
    answer = await l2.rpc.call(method, f"0x{transaction_hash.hex()}")
    if answer is None:
        raise NoWithdrawal(
            f"{l2.rpc.url} has no receipt of transaction 0x{transaction_hash.hex()}: it is not mined yet, or it is "
            "not a transaction of this L2"
        )
    try:
        fields = as_object(answer, "result")
        if data(fields, "transactionHash", 32) != transaction_hash:
            raise InvalidAnswer(l2.rpc.url, f"{method}: the receipt is of another transaction")
        block_number = quantity(fields, "blockNumber", 8)
        receipt = receipt_from_json(fields)
        found = _withdrawals(receipt)
    except InvalidEncoding as error:
        raise InvalidAnswer(l2.rpc.url, f"{method}: {error}") from None
    if not found:
        failed = " (it failed)" if receipt.status == 0 else ""
        raise NoWithdrawal(
            f"transaction 0x{transaction_hash.hex()} sent no message to L1{failed}: give the hash of the L2 "
            "transaction that initiated the withdrawal"
        )
    block = await l2.header(block_number)
    if block is None:
        raise EndpointUnavailable(l2.rpc.url, f"L2 block {block_number} is gone: it was reorganised")
    timestamp = block[0].timestamp
    return tuple(
        InitiatedWithdrawal(withdrawal, withdrawal_hash(withdrawal), transaction_hash, block_number, timestamp)
        for withdrawal in found
    )


def _withdrawals(receipt: Receipt) -> list[Withdrawal]:
    return [
        withdrawal_from_log(log)
        for log in receipt.logs
        if log.address == L2_TO_L1_MESSAGE_PASSER and log.topics[:1] == (MESSAGE_PASSED_TOPIC,)
    ]
