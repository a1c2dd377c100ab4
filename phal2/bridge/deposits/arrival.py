"""Following deposits: which transactions L2 makes of an L1 transaction, and whether it has them yet."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.transactions import Report, transaction_logs
from phal2.bridge.relayed_messages import relaying_of
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import L1Client, MinedTransaction
from phal2.node.l1.errors import EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import JsonObject, as_data, as_object, data, elements, objects, quantity
from phal2.node.protocol.deposits import (
    TRANSACTION_DEPOSITED_TOPIC,
    DepositTransaction,
    deposit_from_log,
    encode_deposit,
)
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER
from phal2.node.protocol.receipts import Log

ARRIVAL_SECONDS: Final = 1_200
"""How long to wait for a deposit by default: OP nodes follow L1 at a distance of some blocks."""

_FIRST_POLL_SECONDS: Final = 0.2
_LONGEST_POLL_SECONDS: Final = 2.0
_REPORT_SECONDS: Final = 15.0


class NoDeposit(Phal2Error):
    """An L1 transaction that is not mined, or that deposited nothing."""


class NotMined(NoDeposit):
    """An L1 transaction of which the endpoint has no receipt."""

    def __init__(self, url: str, transaction_hash: bytes) -> None:
        super().__init__(
            f"{url} has no receipt of transaction 0x{transaction_hash.hex()}: it is not mined yet, or not of this L1"
        )


class DepositNotArrived(Phal2Error):
    """A deposit that L2 does not have within the time given. It still comes: L2 must include it."""

    def __init__(self, transaction_hash: bytes, waited_seconds: float) -> None:
        self.transaction_hash = transaction_hash
        super().__init__(
            f"L2 does not have the deposit after {waited_seconds:g} s; it must include it, so look again later: "
            f"phal2 bridge status 0x{transaction_hash.hex()}"
        )


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit: the L1 block it is in, and the hash of the transaction that L2 makes of it.

    `mined` is that transaction on L2, None where L2 does not have it yet; `relayed` tells whether L2's messenger
    delivered the message inside, None where it holds none.
    """

    l1_block_number: int
    l2_transaction_hash: bytes
    mined: MinedTransaction | None
    relayed: bool | None

    @property
    def failed(self) -> bool:
        """Whether L2 has the deposit, but its call or the message inside failed there."""
        return self.mined is not None and (not self.mined.succeeded or self.relayed is False)


async def deposits_of(l1: L1Client, l2: L1Client, portal: bytes, transaction_hash: bytes) -> Sequence[Deposit]:
    """Return the deposits of an L1 transaction in the order of their logs, at least one.

    Raises `NoDeposit`, `EndpointError`.
    """
    method = "eth_getTransactionReceipt"
    name = f"0x{transaction_hash.hex()}"
    answer = await l1.rpc.call(method, name)
    if answer is None:
        raise NotMined(l1.rpc.url, transaction_hash)
    try:
        fields = as_object(answer, "result")
        if data(fields, "transactionHash", 32) != transaction_hash:
            raise InvalidAnswer(l1.rpc.url, f"{method}: the receipt is of another transaction")
        block_number = quantity(fields, "blockNumber", 8)
        transactions = _l2_transactions(fields, portal)
    except InvalidEncoding as error:
        raise InvalidAnswer(l1.rpc.url, f"{method}: {error}") from None
    if not transactions:
        raise NoDeposit(f"transaction {name} deposited nothing at the portal 0x{portal.hex()}")
    return [await _deposit(l2, block_number, each) for each in transactions]


async def wait_for_arrival(
    l1: L1Client, l2: L1Client, portal: bytes, transaction_hash: bytes, report: Report, seconds: float
) -> Sequence[Deposit]:
    """Return the deposits of an L1 transaction once L2 has all of them.

    A reorganisation of L1 gives them other hashes, and may take the transaction out for a while, so L1 is asked each
    time. Raises `NoDeposit`, `DepositNotArrived`.
    """
    loop = asyncio.get_running_loop()
    polls, started = Backoff(_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS), loop.time()
    reported = started
    while True:
        missing: NotMined | None = None
        try:
            found = await deposits_of(l1, l2, portal, transaction_hash)
            if all(deposit.mined is not None for deposit in found):
                return found
        except EndpointUnavailable as error:
            report(f"{error}; trying again")
        except NotMined as error:
            missing = error
        now = loop.time()
        if now - started >= seconds:
            raise missing or DepositNotArrived(transaction_hash, seconds)
        if now - reported >= _REPORT_SECONDS:
            reported = now
            report(f"still waiting, for {now - started:.0f} s" + (f": {missing}" if missing else ""))
        await asyncio.sleep(polls.next_delay())


async def _deposit(l2: L1Client, l1_block_number: int, transaction: DepositTransaction) -> Deposit:
    transaction_hash = keccak256(encode_deposit(transaction))
    mined = await l2.transaction_receipt(transaction_hash)
    relayed = None
    if mined is not None and mined.succeeded and transaction.to == L2_CROSS_DOMAIN_MESSENGER:
        relaying = relaying_of(await transaction_logs(l2, transaction_hash), L2_CROSS_DOMAIN_MESSENGER)
        relayed = None if relaying is None else relaying.succeeded or await _was_sent_again(l2, relaying.message_hash)
    return Deposit(l1_block_number, transaction_hash, mined, relayed)


async def _was_sent_again(l2: L1Client, message_hash: bytes) -> bool:
    messenger = Contract("L2CrossDomainMessenger", L2_CROSS_DOMAIN_MESSENGER, "L2")
    return bool(await messenger.read(l2.call, "successfulMessages", message_hash))


def _l2_transactions(receipt: JsonObject, portal: bytes) -> list[DepositTransaction]:
    """Return the L2 transactions that a receipt's logs lead to."""
    block_hash = data(receipt, "blockHash", 32)
    transactions = []
    for fields in objects(receipt, "logs"):
        topics = tuple(as_data(topic, "topics", 32) for topic in elements(fields, "topics"))
        log = Log(data(fields, "address", 20), topics, data(fields, "data"))
        if log.address == portal and log.topics[:1] == (TRANSACTION_DEPOSITED_TOPIC,):
            transactions.append(deposit_from_log(log, block_hash, quantity(fields, "logIndex", 8)))
    return transactions
