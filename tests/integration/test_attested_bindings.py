"""An attestation holds for its own call alone, and for its own time: moved or outlived, it is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from attested_actions import ALICE, BOB, CAROL, DAY, NOTE, Attester, fields_of, signed_fields
from eth_account.signers.local import LocalAccount

from phal2.devnet.process import DevnetProcess
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.building import Call, account_statement_for, multisig_attestation
from phal2.node.protocol.transactions import Attestation

Attest = Callable[[Call, int], Attestation]
OTHER = bytes.fromhex("00000000000000000000000000000000deadbeef")
KINDS = ["quote", "enclave key", "account", "multisig"]
WRONG = {
    "quote": "quote's report_data is 0x",
    "enclave key": "enclave signature recovers to 0x",
    "account": "does not match the statement's text",
    "multisig": "does not match the statement's text",
}
LONGEST = {"quote": DAY, "enclave key": DAY, "account": 30 * DAY, "multisig": 30 * DAY}


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 1)


@pytest.fixture(scope="module")
def enclave(attester: Attester) -> LocalAccount:
    account: LocalAccount = attester.web3.eth.account.create()
    assert attester.register(bytes.fromhex(account.address[2:]))["status"] == 1
    return account


@pytest.fixture
def attest(attester: Attester, enclave: LocalAccount, request: pytest.FixtureRequest) -> Attest:
    """Attests a call until a time, by the kind that the test is parametrized with."""
    return attesting(attester, enclave, request.getfixturevalue("kind"))


def attesting(attester: Attester, enclave: LocalAccount, kind: str) -> Attest:
    def multisig(call: Call, until: int) -> Attestation:
        signatories = [account_of(secret) for secret in (ALICE, BOB, CAROL)]
        return multisig_attestation(account_statement_for(call, until, NOTE), 2, signatories, [BOB, CAROL])

    ways: dict[str, Attest] = {
        "quote": lambda call, until: attester.quoted(call, valid_until=until),
        "enclave key": lambda call, until: attester.enclave_signed(call, bytes(enclave.key), valid_until=until),
        "account": lambda call, until: attester.account_signed(call, valid_until=until),
        "multisig": multisig,
    }
    return ways[kind]


CHANGES: list[dict[str, Any]] = [{"to": OTHER}, {"data": b"\xff\xff\xff\xff"}, {"data": b""}, {"chain_id": 1}]
SENDERS_CHANGES: list[dict[str, Any]] = [{"nonce": 10_000}, {"value": 1}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "another " + next(iter(change)))
def test_an_attestation_for_another_call_is_refused(
    attester: Attester, attest: Attest, kind: str, change: dict[str, Any]
) -> None:
    call = attester.call()
    attestation = attest(replace(call, **change), attester.valid_until())

    message = attester.judged_refusal(attester.sign(call, attestation))

    assert WRONG[kind] in message


@pytest.mark.parametrize("kind", ["quote", "enclave key"])
@pytest.mark.parametrize("change", SENDERS_CHANGES, ids=lambda change: "another " + next(iter(change)))
def test_quotes_and_enclaves_attest_nonce_and_value_too(
    attester: Attester, attest: Attest, kind: str, change: dict[str, Any]
) -> None:
    call = attester.call()
    attestation = attest(replace(call, **change), attester.valid_until())

    message = attester.judged_refusal(attester.sign(call, attestation))

    assert WRONG[kind] in message
    assert "sender, nonce, to, value, data and valid_until" in message


@pytest.mark.parametrize("kind", ["quote", "enclave key"])
def test_quotes_and_enclaves_attest_the_sender(
    still_devnet: DevnetProcess, attester: Attester, attest: Attest, kind: str
) -> None:
    thief = Attester.of(still_devnet, 2)
    call = thief.call()
    attestation = attest(call, attester.valid_until())

    message = thief.judged_refusal(thief.sign(call, attestation))

    assert WRONG[kind] in message


@pytest.mark.parametrize("kind", KINDS)
def test_valid_until_is_attested(attester: Attester, attest: Attest, kind: str) -> None:
    call, until = attester.call(), attester.valid_until()
    attestation = replace(attest(call, until), valid_until=until + 1)

    assert WRONG[kind] in attester.judged_refusal(attester.sign(call, attestation))


@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_for_another_chain_is_refused(attester: Attester, attest: Attest, kind: str) -> None:
    call = replace(attester.call(), chain_id=1)

    message = attester.judged_refusal(attester.sign(call, attest(call, attester.valid_until())))

    assert "chain" in message
    assert "20350" in message


@pytest.mark.parametrize("kind", ["quote", "enclave key", "account"])
def test_fees_and_gas_are_not_attested(attester: Attester, attest: Attest, kind: str) -> None:
    call = attester.call()
    attestation = attest(call, attester.valid_until())
    dearer = replace(call, max_fee_per_gas=2 * call.max_fee_per_gas, gas_limit=call.gas_limit + 1)

    assert attester.send(dearer, attestation)["status"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_second_of_validity_is_the_blocks(attester: Attester, attest: Attest, kind: str) -> None:
    late = attester.call()
    timestamp = attester.next_timestamp()
    message = attester.judged_refusal(attester.sign(late, attest(late, timestamp - 1)))
    punctual = attester.call()

    receipt = attester.send(punctual, attest(punctual, attester.next_timestamp()))

    block = attester.web3.eth.get_block(receipt["blockNumber"])
    shown = attester.web3.eth.get_transaction(receipt["transactionHash"])["attestation"]  # type: ignore[typeddict-item]
    assert message.startswith(f"attestation was valid until {timestamp - 1}, but the block's timestamp is {timestamp}")
    assert (receipt["status"], shown["validUntil"]) == (1, hex(block["timestamp"]))


@pytest.mark.parametrize("kind", KINDS)
def test_validity_reaches_no_further_than_its_kind_allows(attester: Attester, attest: Attest, kind: str) -> None:
    distant = attester.call()
    too_far = attester.next_timestamp() + LONGEST[kind] + 1
    message = attester.judged_refusal(attester.sign(distant, attest(distant, too_far)))
    farthest = attester.call()

    receipt = attester.send(farthest, attest(farthest, attester.next_timestamp() + LONGEST[kind]))

    assert message.startswith(f"attestation is valid until {too_far}")
    assert message.endswith(f"at most {LONGEST[kind]} s are allowed")
    assert receipt["status"] == 1


@pytest.mark.parametrize("until", [0, 2**64 - 1])
def test_absurd_times_are_refused(attester: Attester, until: int) -> None:
    call = attester.call()

    assert f"valid until {until}" in attester.judged_refusal(
        attester.sign(call, attester.account_signed(call, valid_until=until))
    )


def test_a_used_attestation_of_an_enclave_cannot_be_used_again(attester: Attester, enclave: LocalAccount) -> None:
    call = attester.call()
    attestation = attester.enclave_signed(call, bytes(enclave.key))
    raw = attester.sign(call, attestation)
    attester.send(call, attestation)

    with pytest.raises(Exception, match="nonce too low"):
        attester.web3.eth.send_raw_transaction(raw)
    again = replace(call, nonce=call.nonce + 1)
    assert WRONG["enclave key"] in attester.judged_refusal(attester.sign(again, attestation))


def test_an_attestation_cut_out_of_an_envelope_is_no_transaction_of_type_2(attester: Attester) -> None:
    call = attester.call()
    fields = fields_of(attester.sign(call, attester.account_signed(call)))

    as_type_2 = b"\x02" + signed_fields(attester, fields)[1:]

    assert "expected a list of 12 elements" in attester.refusal(as_type_2)
