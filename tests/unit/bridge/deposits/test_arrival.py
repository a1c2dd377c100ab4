"""Following deposits over an L1 that is reorganised, and over messages that fail on L2."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from scripted_chains import Endpoint

from phal2.bridge.deposits.arrival import Deposit, DepositNotArrived, NotMined, deposits_of, wait_for_arrival
from phal2.contracts import event_topic, load_artefact
from phal2.node.l1.client import L1Client
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER

PORTAL = b"\x9a" * 20
SENT = b"\x5e" * 32
MESSAGE = b"\x3e" * 32
MESSENGER = load_artefact("L1CrossDomainMessenger")
RELAYED = event_topic(MESSENGER, "RelayedMessage")
FAILED = event_topic(MESSENGER, "FailedRelayedMessage")


def hex_of(data: bytes) -> str:
    return f"0x{data.hex()}"


def log(address: bytes, topics: list[bytes], data: bytes = b"") -> dict[str, Any]:
    shown = {"address": hex_of(address), "topics": [hex_of(topic) for topic in topics], "data": hex_of(data)}
    return shown | {"logIndex": "0x0"}


def receipt(name: str, logs: list[dict[str, Any]], block_hash: bytes = b"\xb1" * 32) -> dict[str, Any]:
    return {
        "transactionHash": name,
        "blockHash": hex_of(block_hash),
        "blockNumber": "0x7",
        "status": "0x1",
        "gasUsed": "0x1",
        "cumulativeGasUsed": "0x1",
        "logsBloom": hex_of(bytes(256)),
        "logs": logs,
    }


@dataclass
class L1(Endpoint):
    """Has the transaction in one block, then for two questions in none, then in another."""

    to: bytes = L2_CROSS_DOMAIN_MESSENGER
    is_reorganised: bool = False
    is_gone_for_good: bool = False
    questions: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, method: str, params: list[Any]) -> Any:
        assert method == "eth_getTransactionReceipt"
        self.questions += 1
        if self.is_gone_for_good or (self.is_reorganised and self.questions in (2, 3)):
            return None
        opaque = bytes(64) + (300_000).to_bytes(8, "big") + b"\x00"
        data = (32).to_bytes(32, "big") + len(opaque).to_bytes(32, "big") + opaque.ljust(96, b"\0")
        topics = [TRANSACTION_DEPOSITED_TOPIC, bytes(12) + b"\x01" * 20, bytes(12) + self.to, bytes(32)]
        block_hash = b"\xb2" * 32 if self.is_reorganised and self.questions > 1 else b"\xb1" * 32
        return receipt(params[0], [log(PORTAL, topics, data)], block_hash)


@dataclass
class L2(Endpoint):
    """Has every transaction that it is asked for, but for the `missing` ones, with these logs."""

    logs: list[dict[str, Any]]
    missing: tuple[str, ...] = ()
    is_sent_again: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_call":
            assert params[0]["to"] == hex_of(L2_CROSS_DOMAIN_MESSENGER)
            return hex_of(int(self.is_sent_again).to_bytes(32, "big"))
        assert method == "eth_getTransactionReceipt"
        return None if params[0] in self.missing else receipt(params[0], self.logs)


@dataclass
class Ends:
    l1: L1
    l2: L2
    l1_client: L1Client
    l2_client: L1Client

    async def deposit(self) -> Deposit:
        (deposit,) = await deposits_of(self.l1_client, self.l2_client, PORTAL, SENT)
        return deposit


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    l1, l2 = L1(), L2([])
    await l1.start()
    await l2.start()
    ends = Ends(l1, l2, L1Client(l1.url), L1Client(l2.url))
    yield ends
    await ends.l1_client.close()
    await ends.l2_client.close()
    await l1.stop()
    await l2.stop()


async def test_a_transaction_that_a_reorganisation_takes_out_is_waited_for(ends: Ends) -> None:
    before = await ends.deposit()
    ends.l1.is_reorganised = True
    ends.l2.missing = (hex_of(before.l2_transaction_hash),)

    (after,) = await wait_for_arrival(ends.l1_client, ends.l2_client, PORTAL, SENT, lambda _: None, 60)

    assert ends.l1.questions == 4
    assert after.l2_transaction_hash != before.l2_transaction_hash
    assert after.mined is not None


async def test_what_does_not_come_in_time_is_told_by_what_is_missing(ends: Ends) -> None:
    ends.l2.missing = (hex_of((await ends.deposit()).l2_transaction_hash),)
    with pytest.raises(DepositNotArrived, match="phal2 bridge status 0x5e5e"):
        await wait_for_arrival(ends.l1_client, ends.l2_client, PORTAL, SENT, lambda _: None, 0)

    ends.l1.is_gone_for_good = True
    with pytest.raises(NotMined, match="has no receipt of transaction 0x5e5e"):
        await wait_for_arrival(ends.l1_client, ends.l2_client, PORTAL, SENT, lambda _: None, 0)


@pytest.mark.parametrize(
    ("address", "topic", "is_sent_again", "relayed"),
    [
        (L2_CROSS_DOMAIN_MESSENGER, RELAYED, False, True),
        (L2_CROSS_DOMAIN_MESSENGER, FAILED, False, False),
        (L2_CROSS_DOMAIN_MESSENGER, FAILED, True, True),
        (b"\x77" * 20, FAILED, False, None),
    ],
)
async def test_the_messenger_alone_tells_what_became_of_its_message(
    ends: Ends, address: bytes, topic: bytes, is_sent_again: bool, relayed: bool | None
) -> None:
    ends.l2.logs, ends.l2.is_sent_again = [log(address, [topic, MESSAGE])], is_sent_again

    deposit = await ends.deposit()

    assert (deposit.relayed, deposit.failed) == (relayed, relayed is False)


async def test_a_call_of_another_contract_holds_no_message(ends: Ends) -> None:
    ends.l1.to = b"\x22" * 20
    ends.l2.logs = [log(L2_CROSS_DOMAIN_MESSENGER, [FAILED, MESSAGE])]

    assert (await ends.deposit()).relayed is None
