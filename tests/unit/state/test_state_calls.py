"""Calls without a transaction: what they give, what they refuse, and that they leave no trace."""

from dataclasses import replace
from typing import Any

import pytest
from small_chain import (
    ALICE,
    BOB,
    BOB_KEY,
    CONTRACT,
    ETHER,
    GWEI,
    INVALID,
    L2,
    LOG_AND_STOP,
    NOBODY,
    REVERT_WITH_WORD,
    START_TIME,
    STORE_ONE,
    SmallChain,
    authorization,
    return_word_of,
    transaction,
)
from test_attested_execution import NOTE, READER, SECRET, predeploys

from phal2.node.attestation.account_text import AccountStatement
from phal2.node.attestation.building import account_attestation
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.errors import AttestationExpired
from phal2.node.attestation.gas import attestation_gas
from phal2.node.protocol.addresses import contract_address
from phal2.node.state.call import AttestedCreation, CallRequest, CallResult, execute_call
from phal2.node.state.database import KnownBlockHashes
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.transaction_errors import InsufficientFunds, IntrinsicGasTooLow


def call(chain: SmallChain, **fields: Any) -> CallResult:
    request = CallRequest(**({"sender": ALICE, "to": CONTRACT} | fields))
    return execute_call(
        chain.rules,
        chain.block_environment,
        chain.database,
        chain.state_root,
        KnownBlockHashes(),
        request,
        QuoteVerdicts(),
    )


def with_code(code: bytes) -> SmallChain:
    return SmallChain(accounts={CONTRACT: GenesisAccount(code=code, storage={0: 9})})


def test_a_call_returns_data_gas_and_logs() -> None:
    result = call(with_code(LOG_AND_STOP + return_word_of("6007")))
    assert result.succeeded
    assert int.from_bytes(result.return_data, "big") == 7
    assert [log.address for log in result.logs] == [CONTRACT]
    assert result.gas_used > 21_000


def test_the_gas_is_that_of_the_transaction() -> None:
    chain = with_code(STORE_ONE)
    assert call(chain, gas_limit=100_000).gas_used == chain.execution.apply(transaction(to=CONTRACT)).gas_used


def test_a_call_changes_nothing() -> None:
    chain = with_code(STORE_ONE)
    before = dict(chain.database.records)
    assert call(chain).succeeded
    assert chain.database.records == before
    assert chain.state.storage(CONTRACT, 0) == 9


def test_a_revert_is_told_from_a_halt() -> None:
    reverted, halted = call(with_code(REVERT_WITH_WORD)), call(with_code(INVALID))
    assert (reverted.succeeded, reverted.reverted, reverted.return_data[-1]) == (False, True, 42)
    assert (halted.succeeded, halted.reverted, halted.error) == (False, False, "invalid opcode: INVALID")


def test_a_creation_returns_the_code() -> None:
    result = call(SmallChain(), to=None, data=bytes.fromhex("60015f5360015ff3"), tells_accessed=True)
    assert result.return_data == b"\x01"
    assert contract_address(ALICE, 0) in result.accessed[0]


def test_free_calls_need_a_balance_for_the_value_only() -> None:
    chain = with_code(return_word_of("34"))
    assert int.from_bytes(call(chain, value=ETHER).return_data, "big") == ETHER
    assert call(chain, sender=NOBODY).succeeded
    with pytest.raises(InsufficientFunds):
        call(chain, sender=NOBODY, value=1)


def test_priced_calls_need_a_balance_for_their_gas() -> None:
    with pytest.raises(InsufficientFunds) as caught:
        call(with_code(STORE_ONE), gas_limit=10**11, gas_price=2 * GWEI)
    assert caught.value.cost == 2 * 10**20


def test_free_calls_see_no_base_fee_and_priced_ones_do() -> None:
    chain = with_code(return_word_of("48"))
    assert int.from_bytes(call(chain).return_data, "big") == 0
    assert int.from_bytes(call(chain, gas_price=2 * GWEI).return_data, "big") == GWEI


def test_senders_with_code_may_call() -> None:
    assert call(with_code(STORE_ONE), sender=CONTRACT).succeeded


def test_too_little_gas_is_refused() -> None:
    with pytest.raises(IntrinsicGasTooLow):
        call(with_code(STORE_ONE), gas_limit=20_000)


def test_authorizations_take_part() -> None:
    chain = with_code(return_word_of("6007"))
    result = call(chain, to=BOB, authorization_list=(authorization(BOB_KEY, CONTRACT),))
    assert int.from_bytes(result.return_data, "big") == 7


def test_the_accessed_slots_are_told() -> None:
    result = call(with_code(bytes.fromhex("60055400")), tells_accessed=True)
    assert result.accessed[1] == {(CONTRACT, 5)}


def test_a_call_may_be_attested() -> None:
    chain = SmallChain(accounts=predeploys())
    statement = AccountStatement(L2.chain_id, READER, b"\x01", START_TIME + 60, NOTE)
    attestation = account_attestation(statement, SECRET)
    attested = call(chain, to=READER, data=b"\x01", attestation=attestation, nonce=5)
    assert attested.succeeded
    assert int.from_bytes(attested.return_data[:32], "big") == 3
    assert attested.gas_used > 21_000 + attestation_gas(attestation)
    bare = call(chain, to=READER, data=b"\x01")
    assert (bare.succeeded, bare.reverted) == (False, True)


def test_an_attestation_that_does_not_hold_is_refused() -> None:
    chain = SmallChain(accounts=predeploys())
    statement = AccountStatement(L2.chain_id, READER, b"", START_TIME - 1, NOTE)
    attestation = account_attestation(statement, SECRET)
    with pytest.raises(AttestationExpired):
        call(chain, to=READER, attestation=attestation)
    with pytest.raises(AttestedCreation):
        call(chain, to=None, attestation=replace(attestation, valid_until=START_TIME))
