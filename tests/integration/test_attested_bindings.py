"""An attestation holds for its own call alone, and for its own time: moved or outlived, it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from attested_actions import ALICE, BOB, CAROL, DAY, NOTE, Attester, fields_of, signed_fields
from eth_account.signers.local import LocalAccount

from phal2.devnet.process import DevnetProcess
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.building import Call, account_statement_for, multisig_attestation
from phal2.node.protocol.transactions import Attestation

OTHER = bytes.fromhex("00000000000000000000000000000000deadbeef")
SIGNATORIES = [account_of(secret) for secret in (ALICE, BOB, CAROL)]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to attest a call until a time, what is said where it was another call, and its longest validity."""

    attest: Callable[[Call, int], Attestation]
    mismatch: str
    longest: int


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 1)


@pytest.fixture(scope="module")
def enclave(attester: Attester) -> LocalAccount:
    account: LocalAccount = attester.web3.eth.account.create()
    assert attester.register(bytes.fromhex(account.address[2:]))["status"] == 1
    return account


def by_multisig(call: Call, until: int) -> Attestation:
    return multisig_attestation(account_statement_for(call, until, NOTE), 2, SIGNATORIES, [BOB, CAROL])


@pytest.fixture
def way(attester: Attester, enclave: LocalAccount, request: pytest.FixtureRequest) -> Way:
    """The way that the test is parametrized with."""
    ways = {
        "quote": Way(lambda call, until: attester.quoted(call, valid_until=until), "quote's report_data is 0x", DAY),
        "enclave key": Way(
            lambda call, until: attester.enclave_signed(call, bytes(enclave.key), valid_until=until),
            "enclave signature recovers to 0x",
            DAY,
        ),
        "account": Way(
            lambda call, until: attester.account_signed(call, valid_until=until),
            "does not match the statement's text",
            30 * DAY,
        ),
        "multisig": Way(by_multisig, "does not match the statement's text", 30 * DAY),
    }
    return ways[request.param]


in_every_way = pytest.mark.parametrize("way", ["quote", "enclave key", "account", "multisig"], indirect=True)
by_enclaves = pytest.mark.parametrize("way", ["quote", "enclave key"], indirect=True)


CHANGES: list[dict[str, Any]] = [{"to": OTHER}, {"data": b"\xff\xff\xff\xff"}, {"data": b""}, {"chain_id": 1}]
SENDERS_CHANGES: list[dict[str, Any]] = [{"nonce": 10_000}, {"value": 1}]


@in_every_way
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "another " + next(iter(change)))
def test_an_attestation_for_another_call_is_refused(attester: Attester, way: Way, change: dict[str, Any]) -> None:
    call = attester.call()
    attestation = way.attest(replace(call, **change), attester.valid_until())

    message = attester.judged_refusal(attester.sign(call, attestation))

    assert way.mismatch in message


@by_enclaves
@pytest.mark.parametrize("change", SENDERS_CHANGES, ids=lambda change: "another " + next(iter(change)))
def test_quotes_and_enclaves_attest_nonce_and_value_too(attester: Attester, way: Way, change: dict[str, Any]) -> None:
    call = attester.call()
    attestation = way.attest(replace(call, **change), attester.valid_until())

    message = attester.judged_refusal(attester.sign(call, attestation))

    assert way.mismatch in message
    assert "sender, nonce, to, value, data and valid_until" in message


@by_enclaves
def test_quotes_and_enclaves_attest_the_sender(still_devnet: DevnetProcess, attester: Attester, way: Way) -> None:
    thief = Attester.of(still_devnet, 2)
    call = thief.call()
    attestation = way.attest(call, attester.valid_until())

    message = thief.judged_refusal(thief.sign(call, attestation))

    assert way.mismatch in message


@in_every_way
def test_valid_until_is_attested(attester: Attester, way: Way) -> None:
    call, until = attester.call(), attester.valid_until()
    attestation = replace(way.attest(call, until), valid_until=until + 1)

    assert way.mismatch in attester.judged_refusal(attester.sign(call, attestation))


@in_every_way
def test_an_envelope_for_another_chain_is_refused(attester: Attester, way: Way) -> None:
    call = replace(attester.call(), chain_id=1)

    message = attester.judged_refusal(attester.sign(call, way.attest(call, attester.valid_until())))

    assert "chain" in message
    assert "20350" in message


@in_every_way
def test_fees_and_gas_are_not_attested(attester: Attester, way: Way) -> None:
    call = attester.call()
    attestation = way.attest(call, attester.valid_until())
    dearer = replace(call, max_fee_per_gas=2 * call.max_fee_per_gas, gas_limit=call.gas_limit + 1)

    assert attester.send(dearer, attestation)["status"] == 1


@in_every_way
def test_the_last_second_of_validity_is_the_blocks(attester: Attester, way: Way) -> None:
    late = attester.call()
    timestamp = attester.next_timestamp()
    message = attester.judged_refusal(attester.sign(late, way.attest(late, timestamp - 1)))
    punctual = attester.call()

    receipt = attester.send(punctual, way.attest(punctual, attester.next_timestamp()))

    block = attester.web3.eth.get_block(receipt["blockNumber"])
    shown = attester.web3.eth.get_transaction(receipt["transactionHash"])["attestation"]
    assert message.startswith(f"attestation was valid until {timestamp - 1}, but the block's timestamp is {timestamp}")
    assert (receipt["status"], shown["validUntil"]) == (1, hex(block["timestamp"]))


@in_every_way
def test_validity_reaches_no_further_than_its_kind_allows(attester: Attester, way: Way) -> None:
    distant = attester.call()
    too_far = attester.next_timestamp() + way.longest + 1
    message = attester.judged_refusal(attester.sign(distant, way.attest(distant, too_far)))
    farthest = attester.call()

    receipt = attester.send(farthest, way.attest(farthest, attester.next_timestamp() + way.longest))

    assert message.startswith(f"attestation is valid until {too_far}")
    assert message.endswith(f"at most {way.longest} s are allowed")
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
    assert "enclave signature recovers to 0x" in attester.judged_refusal(attester.sign(again, attestation))


def test_an_attestation_cut_out_of_an_envelope_is_no_transaction_of_type_2(attester: Attester) -> None:
    call = attester.call()
    fields = fields_of(attester.sign(call, attester.account_signed(call)))

    as_type_2 = b"\x02" + signed_fields(attester, fields)[1:]

    assert "expected a list of 12 elements" in attester.refusal(as_type_2)
