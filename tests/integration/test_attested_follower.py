"""Attested transactions on the follower, which verifies them anew, and attested calls that come as deposits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from attested_actions import (
    ALICE,
    BOB,
    CAROL,
    NOTE,
    READ_CONTEXT,
    WORKLOAD,
    Attester,
    enter,
    workload_hash,
)
from chain_actions import contract_at, deploy, mine, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.building import account_attestation, account_statement_for
from phal2.node.protocol import rlp
from phal2.node.protocol.deposits import deposit_from_log
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, ATTESTATION_POLICY
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import Attestation

FundedAccounts = Callable[..., LocalAccount]
Until = Callable[[Callable[[], Any]], Any]


def assert_same_chain(web3: Web3, follower: Web3, last: int) -> None:
    for number in range(last + 1):
        assert follower.eth.get_block(number)["hash"] == web3.eth.get_block(number)["hash"], number


def send_mixed_load(attester: Attester) -> list[Any]:
    """Send attested transactions of every kind, some of which fail, between ordinary ones; return the receipts."""
    web3 = attester.web3
    enclave: LocalAccount = web3.eth.account.create()
    receipts = [attester.register(bytes.fromhex(enclave.address[2:]))]
    gates = [deploy(web3, attester.account, "WorkloadGate", workload_hash(name)) for name in (WORKLOAD, "another")]
    for gate in gates:
        call = attester.call(gate.address, enter())
        receipts.append(attester.send(call, attester.enclave_signed(call, bytes(enclave.key))))
        call = attester.call(gate.address, enter())
        receipts.append(attester.send(call, attester.quoted(call, platform=SimulatedPlatform(tee="SGX"))))
        receipts.append(send(web3, attester.account, to=gate.address, data=enter(), gas=100_000))
    for secret in (ALICE, BOB, CAROL):
        call = attester.call(value=0)
        receipts.append(attester.send(call, attester.account_signed(call, secret)))
    call = attester.call(web3.eth.account.create().address, b"", value=7)
    signatories = [account_of(secret) for secret in (ALICE, BOB, CAROL)]
    receipts.append(attester.send(call, attester.multisig_signed(call, 2, signatories, [ALICE, CAROL])))
    return receipts


def test_the_follower_has_the_sequencers_blocks_after_mixed_attested_load(
    l2: Endpoint, follower: Endpoint, web3: Web3, follower_web3: Web3, funded: FundedAccounts, until: Until
) -> None:
    receipts = send_mixed_load(Attester(l2, web3, funded()))

    last = receipts[-1]["blockNumber"]
    until(lambda: follower_web3.eth.block_number >= last)

    assert {receipt["type"] for receipt in receipts} == {2, 0x54}
    assert [receipt["status"] for receipt in receipts] == [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert_same_chain(web3, follower_web3, last)
    for receipt in receipts:
        name = f"0x{receipt['transactionHash'].hex()}"
        for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt", "attestation_getByTransactionHash"):
            assert follower.request(method, name) == l2.request(method, name)
    assert follower.request("attestation_getPolicy") == l2.request("attestation_getPolicy")


def test_the_follower_keeps_up_with_a_policy_that_changes(still_devnet: DevnetProcess, until: Until) -> None:
    attester, owner = Attester.of(still_devnet, 8), Attester.of(still_devnet, 0)
    follower = Web3(Web3.HTTPProvider(still_devnet.follower.url))
    for least_number in (20, 0):
        data = encode_call(load_artefact("AttestationPolicy"), "setLeastTcbEvaluationNumber", [least_number])
        send(owner.web3, owner.account, to=f"0x{ATTESTATION_POLICY.hex()}", data=data)
        last = send_mixed_load(attester)[-1]["blockNumber"]

    def caught_up() -> bool:
        mine(attester.web3)
        return bool(follower.eth.block_number >= last)

    until(caught_up)

    assert_same_chain(attester.web3, follower, last)


def deposit(l1: Endpoint, l1_web3: Web3, web3: Web3, account: LocalAccount, data: bytes) -> Any:
    """Send a user deposit to AttestationContext through the portal; return its receipt on L2."""
    portal = contract_at(l1_web3, "OptimismPortal", l1.contracts["OptimismPortal"])
    context = Web3.to_checksum_address(ATTESTATION_CONTEXT)
    call = portal.functions.depositTransaction(context, 0, 500_000, False, data)
    l1_receipt = send(l1_web3, account, to=portal.address, data=call._encode_transaction_data())
    (log,) = l1_receipt["logs"]
    topics = tuple(bytes(topic) for topic in log["topics"])
    transaction = deposit_from_log(
        Log(bytes.fromhex(log["address"][2:]), topics, bytes(log["data"])),
        bytes(l1_receipt["blockHash"]),
        log["logIndex"],
    )
    transaction_hash = keccak256(encode_transaction(transaction))
    return web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.1)


def attested_call(
    web3: Web3, l2: Endpoint, account: LocalAccount, change: Callable[[Attestation], Attestation]
) -> bytes:
    """The deposit's data: rlp([to, data, attestation]) with an attestation of kind 3, changed after it was made."""
    attester = Attester(l2, web3, account)
    statement = account_statement_for(attester.call(), web3.eth.get_block("latest")["timestamp"] + 3_600, NOTE)
    attestation = change(account_attestation(statement, ALICE))
    kind, valid_until = rlp.encode_uint(attestation.kind), rlp.encode_uint(attestation.valid_until)
    return rlp.encode([ATTESTATION_CONTEXT, READ_CONTEXT, [kind, valid_until, attestation.evidence]])


def test_an_attested_call_that_comes_as_a_deposit_needs_no_sequencers_consent(
    l1: Endpoint, l1_web3: Web3, l2: Endpoint, web3: Web3, funded: FundedAccounts
) -> None:
    account = funded(on_l1=True)

    receipt = deposit(l1, l1_web3, web3, account, attested_call(web3, l2, account, lambda attestation: attestation))

    shown = l2.request("attestation_getByTransactionHash", f"0x{receipt['transactionHash'].hex()}")
    assert (receipt["type"], receipt["status"]) == (0x7E, 1)
    assert (shown["kind"], shown["subject"]) == ("0x3", f"0x{account_of(ALICE).hex()}")
    assert shown["sender"] == account.address.lower()


@pytest.mark.parametrize(
    "change",
    [
        lambda attestation: replace(attestation, valid_until=attestation.valid_until + 1),
        lambda attestation: replace(attestation, valid_until=1),
        lambda attestation: Attestation(2, attestation.valid_until, (bytes(20), bytes(65))),
        lambda attestation: Attestation(9, attestation.valid_until, ()),
    ],
    ids=["changed", "expired", "another kind", "an unknown kind"],
)
def test_a_deposit_whose_attestation_does_not_hold_fails_in_its_block(
    l1: Endpoint,
    l1_web3: Web3,
    l2: Endpoint,
    web3: Web3,
    funded: FundedAccounts,
    change: Callable[[Attestation], Attestation],
) -> None:
    account = funded(on_l1=True)

    receipt = deposit(l1, l1_web3, web3, account, attested_call(web3, l2, account, change))

    assert (receipt["type"], receipt["status"]) == (0x7E, 0)
    assert l2.request("attestation_getByTransactionHash", f"0x{receipt['transactionHash'].hex()}") is None


def test_a_deposit_to_the_context_that_is_no_attested_call_fails(
    l1: Endpoint, l1_web3: Web3, web3: Web3, follower_web3: Web3, funded: FundedAccounts, until: Until
) -> None:
    receipt = deposit(l1, l1_web3, web3, funded(on_l1=True), READ_CONTEXT)

    until(lambda: follower_web3.eth.block_number >= receipt["blockNumber"])
    assert receipt["status"] == 0
    assert follower_web3.eth.get_block(receipt["blockNumber"])["hash"] == receipt["blockHash"]
