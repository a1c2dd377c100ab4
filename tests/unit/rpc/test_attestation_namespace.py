"""Attested transactions as JSON-RPC shows and judges them."""

from dataclasses import replace

from served_chain import ALICE, CHAIN_ID, START_TIME, TIP, Served

from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.building import Call, account_attestation, account_statement_for, sign_attested
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transactions import Attestation
from phal2.node.rpc.hexadecimal import data

SECRET = AccountSecret(1, b"\x31" * 32)
VALID_UNTIL = START_TIME + 3_600
CALL = Call(
    chain_id=CHAIN_ID,
    nonce=0,
    to=b"\x77" * 20,
    value=0,
    data=b"\x01\x02",
    gas_limit=200_000,
    max_priority_fee_per_gas=TIP,
    max_fee_per_gas=10**10,
)


def attest(call: Call = CALL, valid_until: int = VALID_UNTIL) -> Attestation:
    return account_attestation(account_statement_for(call, valid_until, b"a note"), SECRET)


def signed(call: Call = CALL, attestation: Attestation | None = None) -> str:
    return data(sign_attested(call, attest(call) if attestation is None else attestation, bytes(ALICE.key)))


async def test_a_mined_attested_transaction_shows_what_was_verified(l2: Served):
    raw = signed()
    transaction_hash = await l2.call("eth_sendRawTransaction", raw)
    pending = await l2.call("eth_getTransactionByHash", transaction_hash)
    assert pending["attestation"].keys() == {"kind", "validUntil", "evidence"}
    l2.chain.seal()

    transaction = await l2.call("eth_getTransactionByHash", transaction_hash)
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    found = await l2.call("attestation_getByTransactionHash", transaction_hash)

    assert transaction["type"] == receipt["type"] == "0x54"
    assert receipt["status"] == "0x1"
    attestation = transaction["attestation"]
    assert attestation["kind"] == found["kind"] == "0x3"
    assert attestation["validUntil"] == found["validUntil"] == hex(VALID_UNTIL)
    assert attestation["subject"] == found["subject"] == data(account_of(SECRET))
    assert attestation["workload"] == found["workload"] == data(keccak256(b"a note"))
    assert attestation["simulated"] is found["simulated"] is False
    assert attestation["evidence"] == pending["attestation"]["evidence"]
    assert found["sender"] == ALICE.address.lower()
    assert found["dataHash"] == data(keccak256(CALL.data))


async def test_other_transactions_have_no_attestation(l2: Served):
    transaction_hash = await l2.send(to=b"\x77" * 20)
    l2.chain.seal()
    assert await l2.call("attestation_getByTransactionHash", transaction_hash) is None
    assert await l2.call("attestation_getByTransactionHash", "0x" + "99" * 32) is None


async def test_a_transaction_can_be_judged_before_it_is_sent(l2: Served):
    verdict = await l2.call("attestation_verify", signed())
    assert verdict == {
        "valid": True,
        "reason": None,
        "kind": "0x3",
        "sender": ALICE.address.lower(),
        "subject": data(account_of(SECRET)),
        "workload": data(keccak256(b"a note")),
        "tcbStatus": "0x0",
        "simulated": False,
    }


async def test_a_judgement_says_which_condition_failed(l2: Served):
    other_data = replace(CALL, data=b"\x01\x03")
    other_chain = replace(CALL, chain_id=1)
    for raw, reason in (
        (signed(other_data, attest(CALL)), "is not over"),
        (signed(CALL, attest(CALL, START_TIME - 1)), "attestation was valid until"),
        (signed(other_chain), "invalid chain id for signer: have 1 want 20350"),
        (signed(CALL, Attestation(9, VALID_UNTIL, ())), "attestation kind 9 is unknown"),
        ("0x54c0", "expected a list of 13 elements, found 0"),
        ("0x", "an empty byte string is no transaction"),
        (signed() + "00", "trailing bytes"),
    ):
        verdict = await l2.call("attestation_verify", raw)
        assert verdict["valid"] is False
        assert reason in verdict["reason"] or "signature" in verdict["reason"]
        assert verdict["subject"] is verdict["workload"] is verdict["simulated"] is None


async def test_a_transaction_of_another_type_is_no_attested_one(l2: Served):
    transaction_hash = await l2.send(to=b"\x77" * 20)
    raw = await l2.call("eth_getRawTransactionByHash", transaction_hash)
    verdict = await l2.call("attestation_verify", raw)
    assert (verdict["valid"], verdict["kind"]) == (False, None)
    assert verdict["reason"] == "transaction of type 0x2, expected 0x54"
    assert verdict["sender"] == ALICE.address.lower()


async def test_calls_and_estimates_take_an_attestation(l2: Served):
    attestation = attest()
    call = {
        "from": ALICE.address,
        "to": data(CALL.to),
        "data": data(CALL.data),
        "attestation": {
            "kind": "0x3",
            "validUntil": hex(VALID_UNTIL),
            "evidence": [data(part) for part in attestation.evidence if isinstance(part, bytes)],
        },
    }
    assert await l2.call("eth_call", call) == "0x"
    plain = int(await l2.call("eth_estimateGas", {**call, "attestation": None}), 16)
    assert int(await l2.call("eth_estimateGas", call), 16) >= plain + 20_000
    code, message = await l2.fails("eth_call", {**call, "data": "0x05"})
    assert code == -32000
    assert "signature" in message


async def test_policy_and_registry_of_a_chain_without_them_are_empty(l2: Served):
    assert await l2.call("attestation_getPolicy") == {
        "rootCertificates": [],
        "allowedTcbStatuses": [],
        "leastTcbEvaluationNumber": "0x0",
        "anyWorkload": False,
        "anyImage": False,
    }
    assert await l2.call("attestation_getEnclave", ALICE.address) is None
