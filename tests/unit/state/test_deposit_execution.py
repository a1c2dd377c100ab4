"""Deposit transactions: free, always included, their mint and nonce kept whatever happens."""

from dataclasses import replace

import pytest
from small_chain import (
    BOB,
    CONTRACT,
    ETHER,
    INVALID,
    NOBODY,
    REVERT_WITH_WORD,
    STORE_ONE,
    SmallChain,
    deposit,
    return_word_of,
    rollup_config,
    transaction,
)

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.predeploys import BASE_FEE_VAULT, L1_FEE_VAULT, SEQUENCER_FEE_VAULT
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.rules import L2Rules
from phal2.node.state.transaction_errors import BlockGasExceeded


def test_a_deposit_mints_and_moves_without_any_fee() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(deposit(mint=3 * ETHER, value=ETHER, to=BOB))
    assert (outcome.receipt.status, outcome.gas_used, outcome.effective_gas_price) == (1, 21_000, 0)
    assert chain.state.balance(NOBODY) == 2 * ETHER
    assert chain.state.balance(BOB) == 101 * ETHER
    assert [chain.state.balance(vault) for vault in (BASE_FEE_VAULT, L1_FEE_VAULT, SEQUENCER_FEE_VAULT)] == [0, 0, 0]


def test_the_receipt_has_nonce_and_version() -> None:
    chain = SmallChain(accounts={NOBODY: GenesisAccount(nonce=6)})
    receipt = chain.execution.apply(deposit()).receipt
    assert (receipt.transaction_type, receipt.deposit_nonce, receipt.deposit_receipt_version) == (0x7E, 6, 1)
    assert chain.state.nonce(NOBODY) == 7


def test_before_canyon_the_receipt_has_neither() -> None:
    bedrock = replace(
        ALL_THROUGH_ISTHMUS,
        canyon_time=None,
        delta_time=None,
        ecotone_time=None,
        fjord_time=None,
        granite_time=None,
        holocene_time=None,
        isthmus_time=None,
        attested_time=None,
    )
    receipt = SmallChain(rules=L2Rules(rollup_config(bedrock))).execution.apply(deposit()).receipt
    assert (receipt.deposit_nonce, receipt.deposit_receipt_version) == (None, None)


def test_a_reverting_deposit_keeps_mint_and_nonce_and_uses_real_gas() -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=STORE_ONE + REVERT_WITH_WORD)})
    outcome = chain.execution.apply(deposit(mint=ETHER, value=ETHER, to=CONTRACT))
    assert outcome.receipt.status == 0
    assert 21_000 < outcome.gas_used < 100_000
    assert chain.state.balance(NOBODY) == ETHER
    assert chain.state.nonce(NOBODY) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"value": 2 * ETHER},  # more than the mint
        {"gas_limit": 20_999},  # below the intrinsic gas
        {"gas_limit": 24_000, "data": b"\x01" * 100},  # below the floor
        {"is_system_transaction": True},
        {"to": None, "data": bytes(49_153), "gas_limit": 1_000_000},  # init code too long
    ],
)
def test_a_deposit_that_cannot_run_uses_all_its_gas(fields: dict[str, object]) -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(deposit(mint=ETHER, **fields))
    assert outcome.receipt.status == 0
    assert outcome.gas_used == fields.get("gas_limit", 100_000)
    assert outcome.error is not None
    assert outcome.error.startswith("failed deposit: ")
    assert chain.state.balance(NOBODY) == ETHER
    assert chain.state.nonce(NOBODY) == 1


def test_a_halting_deposit_burns_its_gas_only() -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=INVALID)})
    outcome = chain.execution.apply(deposit(mint=ETHER, to=CONTRACT))
    assert (outcome.gas_used, outcome.error) == (100_000, "invalid opcode: INVALID")
    assert chain.state.balance(NOBODY) == ETHER


def test_a_creating_deposit_uses_the_nonce_before_it() -> None:
    chain = SmallChain(accounts={NOBODY: GenesisAccount(nonce=9)})
    outcome = chain.execution.apply(deposit(to=None, data=bytes.fromhex("60015f5360015ff3")))
    assert outcome.contract_address == contract_address(NOBODY, 9)
    assert chain.state.code(contract_address(NOBODY, 9)) == b"\x01"


def test_a_sender_with_code_may_deposit() -> None:
    chain = SmallChain(accounts={NOBODY: GenesisAccount(code=INVALID)})
    assert chain.execution.apply(deposit()).receipt.status == 1


def test_the_gas_price_is_zero_within_a_deposit() -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=return_word_of("3a"))})
    assert chain.execution.apply(deposit(to=CONTRACT)).return_data == bytes(32)


def test_deposits_count_in_the_blocks_gas() -> None:
    chain = SmallChain(environment={"gas_limit": 130_000})
    chain.execution.apply(deposit())
    assert chain.execution.remaining_gas == 109_000
    with pytest.raises(BlockGasExceeded):
        chain.execution.apply(deposit(gas_limit=109_001))
    chain.execution.apply(transaction(gas_limit=21_000))
    assert chain.execution.gas_used == 42_000
