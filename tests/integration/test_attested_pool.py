"""Attested transactions in the pool: their bounds, their place in a block, and their end when they no longer hold."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from attested_actions import Attester
from chain_actions import mine, send
from web3.exceptions import Web3RPCError

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import DevnetProcess
from phal2.node.attestation.building import Call
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_POLICY

GWEI = 10**9
POLICY = load_artefact("AttestationPolicy")
PENDING_AT_MOST = 4


@pytest.fixture
def senders(still_devnet: DevnetProcess) -> Iterator[list[Attester]]:
    """Nine accounts, the policy's owner first, and an empty pool before and after."""
    accounts = [Attester.of(still_devnet, number) for number in range(9)]
    mine(accounts[0].web3)
    assert pool_size(accounts[0]) == 0
    yield accounts
    mine(accounts[0].web3)
    assert pool_size(accounts[0]) == 0


def pool_size(attester: Attester) -> int:
    status = attester.l2.request("txpool_status")
    return int(status["pending"], 16) + int(status["queued"], 16)


def submit(attester: Attester, call: Call) -> bytes:
    """Put an attested call of kind 3 into the pool and return its hash."""
    return bytes(attester.web3.eth.send_raw_transaction(attester.sign(call, attester.account_signed(call))))


def submit_ordinary(attester: Attester, **fields: Any) -> bytes:
    signed = attester.account.sign_transaction(
        {
            "chainId": attester.l2.chain_id,
            "nonce": attester.web3.eth.get_transaction_count(attester.account.address, "pending"),
            "maxFeePerGas": 20 * GWEI,
            "gas": 100_000,
            **fields,
        }
    )
    return bytes(attester.web3.eth.send_raw_transaction(signed.raw_transaction))


def sealed(attester: Attester) -> list[bytes]:
    """Seal a block and return the hashes of its transactions but for the deposit in front."""
    mine(attester.web3)
    return [bytes(transaction_hash) for transaction_hash in attester.web3.eth.get_block("latest")["transactions"][1:]]


def test_a_sender_has_at_most_four_attested_transactions_pending(senders: list[Attester]) -> None:
    busy, other = senders[1], senders[2]
    hashes = [submit(busy, busy.call()) for _ in range(PENDING_AT_MOST)]

    with pytest.raises(Web3RPCError, match="4 attested transactions of this sender are pending, the limit"):
        submit(busy, busy.call())
    hashes += [submit(other, other.call()), submit_ordinary(busy, to=busy.account.address, maxPriorityFeePerGas=0)]

    assert sorted(sealed(busy)) == sorted(hashes)
    assert sealed(busy) == []


def test_after_a_block_the_sender_may_go_on(senders: list[Attester]) -> None:
    busy = senders[1]
    for _ in range(2):
        hashes = [submit(busy, busy.call()) for _ in range(PENDING_AT_MOST)]
        assert sealed(busy) == hashes


def test_attested_transactions_must_follow_at_once(senders: list[Attester]) -> None:
    hasty = senders[1]
    call = hasty.call()

    with pytest.raises(Web3RPCError, match=f"next nonce {call.nonce}, tx nonce {call.nonce + 1}"):
        submit(hasty, replace(call, nonce=call.nonce + 1))

    assert sealed(hasty) == []


def test_an_attested_transaction_may_follow_a_pending_ordinary_one(senders: list[Attester]) -> None:
    sender = senders[1]
    first = submit_ordinary(sender, to=sender.account.address, maxPriorityFeePerGas=1)

    second = submit(sender, sender.call())

    assert sealed(sender) == [first, second]


def test_a_bumped_fee_replaces_without_attesting_anew(senders: list[Attester]) -> None:
    sender = senders[1]
    call = sender.call(tip=GWEI)
    attestation = sender.account_signed(call)
    dearer = replace(call, max_fee_per_gas=2 * call.max_fee_per_gas, max_priority_fee_per_gas=2 * GWEI)

    first, slightly, second = (
        sender.sign(each, attestation) for each in (call, replace(call, gas_limit=call.gas_limit + 1), dearer)
    )
    sender.web3.eth.send_raw_transaction(first)
    with pytest.raises(Web3RPCError, match="already known"):
        sender.web3.eth.send_raw_transaction(first)
    with pytest.raises(Web3RPCError, match="replacement transaction underpriced"):
        sender.web3.eth.send_raw_transaction(slightly)
    sender.web3.eth.send_raw_transaction(second)

    assert sealed(sender) == [keccak256(second)]


def test_what_the_sender_cannot_pay_is_refused(senders: list[Attester]) -> None:
    web3 = senders[0].web3
    poor = Attester(senders[0].l2, web3, web3.eth.account.create())
    call = poor.call()

    assert "insufficient funds" in poor.refusal(poor.sign(call, poor.account_signed(call)))


def test_attested_transactions_come_first_and_tips_decide_among_them(senders: list[Attester]) -> None:
    ordinary = [
        submit_ordinary(senders[number], to=senders[0].account.address, maxPriorityFeePerGas=tip * GWEI)
        for number, tip in ((1, 9), (2, 5), (3, 7))
    ]
    attested = [submit(senders[number], senders[number].call(tip=tip)) for number, tip in ((4, 3), (5, 1_000), (6, 9))]

    block = sealed(senders[0])

    assert block[:3] == [attested[1], attested[2], attested[0]]
    assert block[3:] == [ordinary[0], ordinary[2], ordinary[1]]


def test_attested_transactions_come_first_up_to_half_of_a_blocks_gas(senders: list[Attester]) -> None:
    burner = burning_contract(senders[0])
    gas_limit = senders[0].web3.eth.get_block("latest")["gasLimit"] // 4 + 1
    attested = []
    for number, tip in ((1, 5), (2, 4), (3, 2)):
        call = senders[number].call(burner, b"", gas_limit=gas_limit, tip=tip * GWEI)
        attested.append(submit(senders[number], call))
    above, below = (
        submit_ordinary(senders[number], to=senders[0].account.address, maxPriorityFeePerGas=tip * GWEI)
        for number, tip in ((4, 3), (5, 1))
    )

    assert sealed(senders[0]) == [*attested[:2], above, attested[2], below]


def burning_contract(attester: Attester) -> str:
    """A contract that uses up all gas (INVALID)."""
    receipt = send(attester.web3, attester.account, data=bytes.fromhex("60fe5f5360015ff3"))
    assert bytes(attester.web3.eth.get_code(receipt["contractAddress"])) == b"\xfe"
    return str(receipt["contractAddress"])


def test_a_pending_transaction_that_the_policy_has_dropped_leaves_the_pool(senders: list[Attester]) -> None:
    owner, sender = senders[0], senders[1]
    before = submit_ordinary(sender, to=sender.account.address, maxPriorityFeePerGas=0)
    call = sender.call()
    quoted = bytes(sender.web3.eth.send_raw_transaction(sender.sign(call, sender.quoted(call))))
    change = set_statuses(owner, 0b10, tip=10)

    assert sealed(owner) == [change, before]
    assert sender.l2.request("eth_getTransactionByHash", f"0x{quoted.hex()}") is None

    restored = set_statuses(owner, 0b1111, tip=10)
    assert sealed(owner) == [restored]


def test_a_pending_transaction_that_has_expired_leaves_the_pool(senders: list[Attester]) -> None:
    hog, sender = senders[1], senders[2]
    burner = burning_contract(senders[0])
    whole_block = hog.web3.eth.get_block("latest")["gasLimit"] - 100_000
    hogging = submit(hog, hog.call(burner, b"", gas_limit=whole_block, tip=GWEI))
    call = sender.call()
    raw = sender.sign(call, sender.account_signed(call, valid_until=sender.next_timestamp()))
    waiting = bytes(sender.web3.eth.send_raw_transaction(raw))

    assert sealed(sender) == [hogging]
    assert sender.l2.request("eth_getTransactionByHash", f"0x{waiting.hex()}")["blockNumber"] is None
    assert sealed(sender) == []
    assert sender.l2.request("eth_getTransactionByHash", f"0x{waiting.hex()}") is None


def set_statuses(owner: Attester, statuses: int, tip: int) -> bytes:
    data = encode_call(POLICY, "setAllowedStatuses", [statuses])
    return submit_ordinary(owner, to=f"0x{ATTESTATION_POLICY.hex()}", data=data, maxPriorityFeePerGas=tip * GWEI)
