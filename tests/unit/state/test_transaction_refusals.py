"""Every reason why a signed transaction may not be in a block, with its numbers; the state is left untouched."""

from dataclasses import replace
from typing import Any

import pytest
from small_chain import (
    ALICE,
    ALICE_KEY,
    BOB,
    CONTRACT,
    ETHER,
    GWEI,
    L1,
    L2,
    NOBODY,
    SmallChain,
    authorization,
    deposit,
    rollup_config,
    signed,
    transaction,
)

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.predeploys import L1_BLOCK
from phal2.node.protocol.transactions import AccessListTransaction, LegacyTransaction
from phal2.node.state import transaction_errors as errors
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.rules import L1Rules, L2Rules, Revision


def refusal(chain: SmallChain, **fields: Any) -> InvalidTransaction:
    """Apply a transaction that must be refused, and check that this changed nothing."""
    rules = chain.rules
    with pytest.raises(InvalidTransaction) as caught:
        chain.execution.apply(transaction(rules=rules, **fields))
    assert chain.execution.gas_used == 0
    assert chain.execution.seal().block.header.state_root == chain.open_block().seal().block.header.state_root
    return caught.value


def test_another_chain_id_is_refused() -> None:
    error = refusal(SmallChain(), chain_id=1)
    assert isinstance(error, errors.WrongChainId)
    assert (error.chain_id, error.expected) == (1, 20350)


def test_a_legacy_transaction_without_chain_id_is_accepted() -> None:
    chain = SmallChain()
    unsigned = LegacyTransaction(0, 2 * GWEI, 21_000, NOBODY, 1, b"", 27, 0, 0)
    chain.execution.apply(signed(unsigned, ALICE_KEY))
    assert chain.state.balance(NOBODY) == 1


def test_a_used_nonce_is_refused_in_geths_words() -> None:
    chain = SmallChain(accounts={ALICE: GenesisAccount(ETHER, nonce=5)})
    error = refusal(chain, nonce=3)
    assert isinstance(error, errors.NonceTooLow)
    assert str(error) == "nonce too low: next nonce 5, tx nonce 3"


def test_a_nonce_gap_is_refused() -> None:
    error = refusal(SmallChain(), nonce=1)
    assert isinstance(error, errors.NonceTooHigh)
    assert (error.next_nonce, error.nonce) == (0, 1)


def test_the_last_nonce_is_refused() -> None:
    last = 2**64 - 1
    chain = SmallChain(accounts={ALICE: GenesisAccount(ETHER, nonce=last)})
    assert isinstance(refusal(chain, nonce=last), errors.NonceAtMaximum)


def test_a_sender_with_code_is_refused() -> None:
    chain = SmallChain(accounts={ALICE: GenesisAccount(ETHER, code=b"\x00")})
    assert isinstance(refusal(chain), errors.SenderHasCode)


def test_a_sender_that_delegates_is_accepted() -> None:
    chain = SmallChain(accounts={ALICE: GenesisAccount(ETHER, code=delegation_to(CONTRACT))})
    assert chain.execution.apply(transaction()).receipt.status == 1


def test_a_delegating_sender_is_refused_before_prague() -> None:
    rules = L1Rules(1, Revision.CANCUN)
    chain = SmallChain(rules=rules, accounts={ALICE: GenesisAccount(ETHER, code=delegation_to(CONTRACT))})
    assert isinstance(refusal(chain), errors.SenderHasCode)


def test_a_tip_above_the_fee_cap_is_refused() -> None:
    error = refusal(SmallChain(), max_priority_fee_per_gas=3 * GWEI, max_fee_per_gas=2 * GWEI)
    assert isinstance(error, errors.TipAboveFeeCap)


def test_a_fee_cap_below_the_base_fee_is_refused() -> None:
    error = refusal(SmallChain(), max_priority_fee_per_gas=0, max_fee_per_gas=GWEI - 1)
    assert isinstance(error, errors.FeeCapBelowBaseFee)
    assert (error.max_fee_per_gas, error.base_fee_per_gas) == (GWEI - 1, GWEI)


def test_a_gas_limit_below_the_intrinsic_gas_is_refused() -> None:
    error = refusal(SmallChain(), gas_limit=20_999)
    assert isinstance(error, errors.IntrinsicGasTooLow)
    assert (error.gas_limit, error.needed) == (20_999, 21_000)


def test_the_access_list_counts_in_the_intrinsic_gas() -> None:
    access_list = ((CONTRACT, (bytes(32), b"\x01" * 32)),)
    error = refusal(SmallChain(), gas_limit=21_000, access_list=access_list)
    assert isinstance(error, errors.IntrinsicGasTooLow)
    assert error.needed == 21_000 + 2_400 + 2 * 1_900


def test_a_gas_limit_below_the_floor_of_the_data_is_refused() -> None:
    error = refusal(SmallChain(), gas_limit=25_000, data=b"\x01" * 100 + bytes(10))
    assert isinstance(error, errors.FloorGasTooLow)
    assert error.needed == 21_000 + 10 * (4 * 100 + 10)


def test_there_is_no_floor_before_prague() -> None:
    chain = SmallChain(rules=L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, isthmus_time=None))))
    outcome = chain.execution.apply(transaction(gas_limit=25_000, data=b"\x01" * 100))
    assert outcome.gas_used == 21_000 + 16 * 100


def test_too_long_init_code_is_refused() -> None:
    error = refusal(SmallChain(), to=None, data=bytes(49_153), gas_limit=5_000_000)
    assert isinstance(error, errors.InitCodeTooLong)
    assert (error.length, error.limit) == (49_153, 49_152)


def test_more_gas_than_the_block_has_left_is_refused() -> None:
    chain = SmallChain(environment={"gas_limit": 50_000})
    error = refusal(chain, gas_limit=50_001)
    assert isinstance(error, errors.BlockGasExceeded)
    assert (error.gas_limit, error.remaining) == (50_001, 50_000)


def test_the_balance_must_cover_the_fee_cap_not_only_the_price() -> None:
    cost = 100_000 * 10 * GWEI + 7
    chain = SmallChain(rules=L1, accounts={ALICE: GenesisAccount(cost - 1)})
    error = refusal(chain, value=7)
    assert isinstance(error, errors.InsufficientFunds)
    assert (error.balance, error.cost) == (cost - 1, cost)
    assert str(error).startswith("insufficient funds for gas * price + value: address 0x")


def test_the_balance_must_cover_l1_fee_and_operator_fee() -> None:
    # slot 8: operator fee scalar 1,000,000 (one wei a gas) and constant 5; no L1 fee
    l1_block = GenesisAccount(code=b"\x00", storage={8: 1_000_000 << 64 | 5})
    cost = 100_000 * 10 * GWEI
    chain = SmallChain(accounts={ALICE: GenesisAccount(cost + 100_004), L1_BLOCK: l1_block})
    error = refusal(chain)
    assert isinstance(error, errors.InsufficientFunds)
    assert error.cost == cost + 100_005


def test_an_empty_authorization_list_is_refused() -> None:
    assert isinstance(refusal(SmallChain(), authorization_list=()), errors.EmptyAuthorizationList)


def test_set_code_transactions_wait_for_isthmus() -> None:
    chain = SmallChain(rules=L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, isthmus_time=None))))
    error = refusal(chain, authorization_list=(authorization(ALICE_KEY, CONTRACT),))
    assert isinstance(error, errors.TransactionTypeNotSupported)
    assert error.transaction_type == 4


def test_blob_transactions_are_refused_on_l2() -> None:
    error = refusal(SmallChain(rules=L2), blob_versioned_hashes=(b"\x01" * 32,))
    assert isinstance(error, errors.TransactionTypeNotSupported)


def test_deposits_are_refused_on_l1() -> None:
    with pytest.raises(errors.TransactionTypeNotSupported):
        SmallChain(rules=L1).execution.apply(deposit())


def test_an_unknown_blob_version_is_refused() -> None:
    error = refusal(SmallChain(rules=L1), blob_versioned_hashes=(b"\x01" * 32, b"\x02" * 32))
    assert isinstance(error, errors.BlobHashVersionWrong)
    assert (error.index, error.version) == (1, 2)


def test_a_blob_transaction_without_blobs_is_refused() -> None:
    assert isinstance(refusal(SmallChain(rules=L1), blob_versioned_hashes=()), errors.BlobHashesMissing)


def test_a_blob_fee_cap_below_the_price_is_refused() -> None:
    chain = SmallChain(rules=L1, environment={"excess_blob_gas": 10 * 131_072 * 6})
    error = refusal(chain, blob_versioned_hashes=(b"\x01" * 32,), max_fee_per_blob_gas=1)
    assert isinstance(error, errors.BlobFeeCapTooLow)
    assert error.blob_base_fee == 4


def test_a_tenth_blob_in_a_block_is_refused() -> None:
    error = refusal(SmallChain(rules=L1), blob_versioned_hashes=(b"\x01" * 32,) * 10)
    assert isinstance(error, errors.BlobGasExceeded)
    assert (error.blobs, error.remaining) == (10, 9)


def test_type_1_pays_its_gas_price_as_cap_and_tip() -> None:
    chain = SmallChain(rules=L1)
    unsigned = AccessListTransaction(31337, 0, 3 * GWEI, 21_000, BOB, 0, b"", (), 0, 0, 0)
    assert chain.execution.apply(signed(unsigned, ALICE_KEY)).effective_gas_price == 3 * GWEI
