"""Attested transactions of all three kinds through JSON-RPC, and what nodes and contracts then say of them."""

from collections.abc import Callable
from typing import Any

import pytest
from attested_actions import (
    ALICE,
    BOB,
    CAROL,
    CONTEXT,
    DAY,
    NOTE,
    READ_CONTEXT,
    Attester,
    enter,
    workload_hash,
)
from chain_actions import contract_at, deploy, send
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.logs import DISCARD

from phal2.contracts import decode_result
from phal2.devnet.process import Endpoint, RequestRefused
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, ENCLAVE_REGISTRY
from phal2.node.protocol.rlp import encode
from phal2.node.protocol.transactions import Attestation

FundedAccounts = Callable[..., LocalAccount]
INTEL, SIMULATED = (f"0x{keccak256(der).hex()}" for der in (INTEL_ROOT_CA_DER, SIMULATOR_ROOT_CA_DER))
SIGNATORIES = [account_of(secret) for secret in (ALICE, BOB, CAROL)]


@pytest.fixture
def attester(l2: Endpoint, web3: Web3, funded: FundedAccounts) -> Attester:
    return Attester(l2, web3, funded())


@pytest.fixture
def enclave(web3: Web3, attester: Attester) -> LocalAccount:
    """A registered enclave key."""
    account: LocalAccount = web3.eth.account.create()
    assert attester.register(bytes.fromhex(account.address[2:]))["status"] == 1
    return account


def shown(web3: Web3, receipt: Any) -> Any:
    """The `attestation` of a transaction as web3.py gives it."""
    return web3.eth.get_transaction(receipt["transactionHash"])["attestation"]


def test_the_policy_trusts_intel_and_the_simulator(l2: Endpoint) -> None:
    policy = l2.request("attestation_getPolicy")

    assert policy["rootCertificates"] == [
        {"hash": INTEL, "der": f"0x{INTEL_ROOT_CA_DER.hex()}", "simulated": False},
        {"hash": SIMULATED, "der": f"0x{SIMULATOR_ROOT_CA_DER.hex()}", "simulated": True},
    ]
    assert policy["allowedTcbStatuses"] == ["0x0", "0x1", "0x2", "0x3"]
    assert (policy["anyWorkload"], policy["anyImage"], policy["leastTcbEvaluationNumber"]) == (True, True, "0x0")


def test_a_quote_registers_an_enclave_key(l2: Endpoint, web3: Web3, attester: Attester) -> None:
    enclave = web3.eth.account.create().address

    receipt = attester.register(bytes.fromhex(enclave[2:]), valid_for=2 * DAY)

    registry = contract_at(web3, "EnclaveRegistry", f"0x{ENCLAVE_REGISTRY.hex()}")
    (registered,) = registry.events.Registered().process_receipt(receipt, errors=DISCARD)
    timestamp = web3.eth.get_block(receipt["blockNumber"])["timestamp"]
    assert (receipt["type"], receipt["status"]) == (0x54, 1)
    assert registered["args"]["enclave"] == enclave
    assert registered["args"]["workload"] == workload_hash()
    assert l2.request("attestation_getEnclave", enclave) == {
        "enclave": enclave.lower(),
        "workload": f"0x{workload_hash().hex()}",
        "image": "0x" + "00" * 32,
        "rootCa": SIMULATED,
        "expiry": hex(timestamp + 2 * DAY),
        "tcbStatus": "0x0",
        "tcbEvaluationNumber": "0x14",
        "simulated": True,
        "revoked": False,
        "registrar": attester.account.address.lower(),
    }


def test_an_unknown_enclave_has_no_record(l2: Endpoint, web3: Web3) -> None:
    assert l2.request("attestation_getEnclave", web3.eth.account.create().address) is None


def test_a_quote_is_shown_with_the_transaction_that_it_attests(l2: Endpoint, web3: Web3, attester: Attester) -> None:
    call = attester.call()
    attestation = attester.quoted(call)

    receipt = attester.send(call, attestation)

    transaction = web3.eth.get_transaction(receipt["transactionHash"])
    subject = keccak256(bytes(attestation.evidence[0])[48:632])
    assert transaction["type"] == 0x54
    assert dict(transaction["attestation"]) == {
        "kind": "0x1",
        "validUntil": hex(attestation.valid_until),
        "subject": f"0x{subject.hex()}",
        "workload": f"0x{workload_hash().hex()}",
        "image": "0x" + "00" * 32,
        "tcbStatus": "0x0",
        "simulated": True,
        "evidence": evidence_as_hex(attestation.evidence),
    }
    assert l2.request("attestation_getByTransactionHash", f"0x{receipt['transactionHash'].hex()}") == {
        "transactionHash": f"0x{receipt['transactionHash'].hex()}",
        "blockHash": f"0x{receipt['blockHash'].hex()}",
        "blockNumber": hex(receipt["blockNumber"]),
        "kind": "0x1",
        "tcbStatus": "0x0",
        "validUntil": hex(attestation.valid_until),
        "sender": attester.account.address.lower(),
        "to": f"0x{ATTESTATION_CONTEXT.hex()}",
        "subject": f"0x{subject.hex()}",
        "workload": f"0x{workload_hash().hex()}",
        "evidenceHash": f"0x{keccak256(encode(attestation.evidence)).hex()}",
        "dataHash": f"0x{keccak256(READ_CONTEXT).hex()}",
        "value": "0x0",
        "image": "0x" + "00" * 32,
        "rootCa": SIMULATED,
        "tcbEvaluationNumber": "0x14",
        "simulated": True,
    }


def test_verify_tells_what_a_transaction_proves_without_sending_it(l2: Endpoint, attester: Attester) -> None:
    call = attester.call()
    raw = attester.sign(call, attester.account_signed(call))

    judgement = l2.request("attestation_verify", f"0x{raw.hex()}")

    assert judgement == {
        "valid": True,
        "reason": None,
        "kind": "0x3",
        "sender": attester.account.address.lower(),
        "subject": f"0x{account_of(ALICE).hex()}",
        "workload": f"0x{keccak256(NOTE).hex()}",
        "tcbStatus": "0x0",
        "simulated": False,
    }
    assert l2.request("eth_getTransactionByHash", f"0x{keccak256(raw).hex()}") is None


def test_an_enclave_key_passes_the_gate_of_its_workload(web3: Web3, attester: Attester, enclave: LocalAccount) -> None:
    gate = deploy(web3, attester.account, "WorkloadGate", workload_hash())
    call = attester.call(gate.address, enter(b"\x11" * 32))

    receipt = attester.send(call, attester.enclave_signed(call, bytes(enclave.key)))

    (entered,) = gate.events.Entered().process_receipt(receipt)
    subject = bytes.fromhex(enclave.address[2:]).rjust(32, b"\0")
    assert dict(entered["args"]) == {
        "subject": subject,
        "sender": attester.account.address,
        "word": b"\x11" * 32,
        "simulated": True,
    }
    attestation = shown(web3, receipt)
    assert (attestation["kind"], attestation["simulated"]) == ("0x2", True)
    assert attestation["subject"] == f"0x{subject.hex()}"
    assert attestation["workload"] == f"0x{workload_hash().hex()}"


def test_a_gate_of_another_workload_lets_nobody_else_in(web3: Web3, attester: Attester, enclave: LocalAccount) -> None:
    gate = deploy(web3, attester.account, "WorkloadGate", workload_hash("another"))
    call = attester.call(gate.address, enter())
    attestation = attester.enclave_signed(call, bytes(enclave.key))

    reason = attester.revert_reason(call, attestation)
    receipt = attester.send(call, attestation)

    assert reason.startswith(f"OtherWorkload(attested: 0x{workload_hash().hex()}")
    assert (receipt["status"], receipt["logs"]) == (0, [])
    assert gate.functions.entries().call() == 0


def test_a_gate_takes_quotes_and_refuses_substrate_accounts(web3: Web3, attester: Attester) -> None:
    gate = deploy(web3, attester.account, "WorkloadGate", workload_hash())
    call = attester.call(gate.address, enter())

    quoted = attester.send(call, attester.quoted(call))
    again = attester.call(gate.address, enter())

    assert (quoted["status"], len(quoted["logs"])) == (1, 1)
    assert attester.revert_reason(again, attester.account_signed(again)) == "AttestationKindRefused(kind: 3)"


@pytest.mark.parametrize("secret", [ALICE, BOB, CAROL], ids=["sr25519", "ed25519", "ecdsa"])
@pytest.mark.parametrize("wrap_in_bytes", [False, True], ids=["bare", "wrapped"])
def test_a_substrate_account_attests_a_call(
    web3: Web3, attester: Attester, secret: AccountSecret, wrap_in_bytes: bool
) -> None:
    call = attester.call(value=0)

    receipt = attester.send(call, attester.account_signed(call, secret, wrap_in_bytes=wrap_in_bytes))

    assert (receipt["type"], receipt["status"]) == (0x54, 1)
    attestation = shown(web3, receipt)
    assert (attestation["kind"], attestation["tcbStatus"], attestation["simulated"]) == ("0x3", "0x0", False)
    assert attestation["subject"] == f"0x{account_of(secret).hex()}"
    assert attestation["workload"] == f"0x{keccak256(NOTE).hex()}"


@pytest.mark.parametrize("secrets", [[ALICE, BOB], [BOB, CAROL], [CAROL, ALICE]], ids=["1+0", "0+2", "2+1"])
def test_two_of_three_signatories_of_different_schemes_attest_a_call(
    web3: Web3, attester: Attester, secrets: list[AccountSecret]
) -> None:
    call = attester.call()

    receipt = attester.send(call, attester.multisig_signed(call, 2, SIGNATORIES, secrets))

    assert (receipt["type"], receipt["status"]) == (0x54, 1)
    assert shown(web3, receipt)["subject"] == f"0x{multisig_account(2, tuple(sorted(SIGNATORIES))).hex()}"


def test_anyone_may_send_what_a_substrate_account_signed(l2: Endpoint, web3: Web3, funded: FundedAccounts) -> None:
    first, second = Attester(l2, web3, funded()), Attester(l2, web3, funded())
    call = first.call()
    attestation = first.account_signed(call)

    receipts = [sender.send(sender.call(), attestation) for sender in (first, second)]

    assert [receipt["status"] for receipt in receipts] == [1, 1]


def test_contracts_see_the_attestation_and_calls_can_carry_one(l2: Endpoint, attester: Attester) -> None:
    call = attester.call(value=0)
    attestation = attester.quoted(call)

    answer = l2.request("eth_call", attester.call_object(call, attestation), "latest")

    ((kind, status, until, sender, to, subject, workload, *hashes, value, image, root, number, simulated),) = (
        decode_result(CONTEXT, "current", bytes.fromhex(answer[2:]))
    )
    assert (kind, status, until) == (1, 0, attestation.valid_until)
    assert (sender, to, value) == (attester.sender, ATTESTATION_CONTEXT, 0)
    assert subject == keccak256(bytes(attestation.evidence[0])[48:632])
    assert (workload, image) == (workload_hash(), bytes(32))
    assert hashes == [keccak256(encode(attestation.evidence)), keccak256(READ_CONTEXT)]
    assert (root, number, simulated) == (keccak256(SIMULATOR_ROOT_CA_DER), 20, True)


def test_ordinary_transactions_and_calls_see_no_attestation(web3: Web3, attester: Attester) -> None:
    context = f"0x{ATTESTATION_CONTEXT.hex()}"

    receipt = send(web3, attester.account, to=context, data=READ_CONTEXT, gas=100_000)

    assert receipt["status"] == 0
    assert attester.revert_reason(attester.call(), None) == "NotAttested()"


def test_calls_with_an_attestation_are_judged_as_transactions_are(l2: Endpoint, attester: Attester) -> None:
    call = attester.call()
    other = attester.account_signed(attester.call(data=b"\x01"))

    for method in ("eth_call", "eth_estimateGas", "eth_createAccessList"):
        with pytest.raises(RequestRefused, match="sr25519 signature"):
            l2.request(method, attester.call_object(call, other), "latest")


def of_every_kind(attester: Attester, enclave: LocalAccount, call: Any) -> list[tuple[Attestation, int]]:
    """An attestation of each shape, and the part of its gas that is for its signatures."""
    return [
        (attester.quoted(call), 200_000),
        (attester.enclave_signed(call, bytes(enclave.key)), 12_000),
        (attester.account_signed(call), 20_000),
        (attester.multisig_signed(call, 2, SIGNATORIES, [ALICE, CAROL]), 40_000),
    ]


def test_attestation_gas_is_added_to_the_intrinsic_gas(web3: Web3, attester: Attester, enclave: LocalAccount) -> None:
    recipient = web3.eth.account.create().address
    for index in range(4):
        call = attester.call(recipient, b"", value=index)
        attestation, signature_gas = of_every_kind(attester, enclave, call)[index]

        receipt = attester.send(call, attestation)

        expected = 21_000 + 16 * len(encode(attestation.evidence)) + signature_gas
        assert (receipt["status"], receipt["gasUsed"]) == (1, expected)
        assert receipt["effectiveGasPrice"] * expected + int(receipt["l1Fee"], 16) + index == balance_change(
            web3, attester.account.address, receipt["blockNumber"]
        )


def test_attestation_gas_is_added_to_the_floor_of_call_data(web3: Web3, attester: Attester) -> None:
    call = attester.call(web3.eth.account.create().address, b"\0\xff" * 500)
    attestation = attester.account_signed(call)

    receipt = attester.send(call, attestation)

    tokens = 500 + 4 * 500
    assert receipt["gasUsed"] == 21_000 + 10 * tokens + 16 * len(encode(attestation.evidence)) + 20_000


def test_the_estimate_suffices_and_less_than_the_intrinsic_gas_does_not(
    l2: Endpoint, web3: Web3, attester: Attester, enclave: LocalAccount
) -> None:
    gate = deploy(web3, attester.account, "WorkloadGate", workload_hash())
    call = attester.call(gate.address, enter())
    attestation = attester.enclave_signed(call, bytes(enclave.key))
    estimate = int(l2.request("eth_estimateGas", attester.call_object(call, attestation)), 16)

    too_low = attester.call(gate.address, enter(), gas_limit=33_000, nonce=call.nonce)
    enough = attester.call(gate.address, enter(), gas_limit=estimate, nonce=call.nonce)

    assert "intrinsic gas too low" in attester.refusal(attester.sign(too_low, attestation))
    assert attester.send(enough, attestation)["status"] == 1


def balance_change(web3: Web3, address: str, number: int) -> int:
    """By how much a block reduced a balance."""
    return web3.eth.get_balance(address, number - 1) - web3.eth.get_balance(address, number)
