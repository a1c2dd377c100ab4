"""What an L2 transaction pays to whom, by fork and by what L1Block holds: vaults, refunds, the floor, deposits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_chain import (
    ALICE,
    CLEAR_SLOT,
    CONTRACT,
    ETHER,
    GWEI,
    INVALID,
    NOBODY,
    SmallChain,
    deposit,
    rollup_config,
    transaction,
)

from phal2.node.protocol.fees import L1FeeParameters, l1_fee, operator_fee
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    L1_BLOCK,
    L1_FEE_VAULT,
    OPERATOR_FEE_VAULT,
    SEQUENCER_FEE_VAULT,
)
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.rules import L2Rules

VAULTS = (SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT)
FORKS = [fork for fork in Fork if Fork.REGOLITH <= fork <= Fork.ISTHMUS]

BEDROCK_SLOTS = {1: 1_000_000_000, 5: 188, 6: 684_000}
ECOTONE_SLOTS = {3: 1_368 << 96 | 810_949 << 64 | 9, 7: 1_000_000}
OPERATOR_SLOT = {8: 2_000_000 << 64 | 123}
PARAMETERS = L1FeeParameters(
    l1_base_fee=1_000_000_000,
    overhead=188,
    scalar=684_000,
    base_fee_scalar=1_368,
    blob_base_fee_scalar=810_949,
    blob_base_fee=1_000_000,
    operator_fee_scalar=2_000_000,
    operator_fee_constant=123,
)
BEDROCK_PARAMETERS = L1FeeParameters(1_000_000_000, overhead=188, scalar=684_000)

WRITE_L1_BLOCK = bytes.fromhex("60003560015500")
"""sstore(1, calldataload(0)): what the L1 attributes deposit does, as far as fees see it"""

LONG_DATA = b"\x01" * 400


def chain_of(fork: Fork, slots: dict[int, int], **accounts: Any) -> SmallChain:
    times = {f"{name.name.lower()}_time": 0 for name in FORKS if name <= fork}
    ecotone = fork >= Fork.ECOTONE
    environment = {} if ecotone else {"parent_beacon_block_root": None, "excess_blob_gas": None}
    l1_block = GenesisAccount(nonce=1, code=WRITE_L1_BLOCK, storage=slots)
    return SmallChain(
        L2Rules(rollup_config(ForkSchedule(**times))), {L1_BLOCK: l1_block, **accounts.get("accounts", {})}, environment
    )


def gains(chain: SmallChain) -> dict[bytes, int]:
    return {vault: chain.state.balance(vault) for vault in VAULTS}


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.name)
def test_each_fork_has_its_fees(fork: Fork) -> None:
    chain = chain_of(fork, BEDROCK_SLOTS | ECOTONE_SLOTS | OPERATOR_SLOT)
    sent = transaction(rules=chain.rules, data=b"\x01" * 300, value=7)

    outcome = chain.execution.apply(sent)

    data_fee = l1_fee(sent.raw, PARAMETERS, fork)
    assert data_fee > 0
    expected = {
        SEQUENCER_FEE_VAULT: outcome.gas_used * GWEI,
        BASE_FEE_VAULT: outcome.gas_used * GWEI,
        L1_FEE_VAULT: data_fee,
        OPERATOR_FEE_VAULT: outcome.gas_used * 2 + 123 if fork >= Fork.ISTHMUS else 0,
    }
    assert gains(chain) == expected
    assert chain.state.balance(ALICE) == 100 * ETHER - 7 - sum(expected.values())


@pytest.mark.parametrize("fork", [Fork.ECOTONE, Fork.FJORD, Fork.ISTHMUS], ids=lambda fork: fork.name)
def test_until_ecotones_scalars_are_set_bedrocks_fee_is_paid(fork: Fork) -> None:
    # The sequence number in the scalars' slot is not one of them.
    chain = chain_of(fork, BEDROCK_SLOTS | {3: 9})
    sent = transaction(rules=chain.rules)

    chain.execution.apply(sent)

    assert chain.state.balance(L1_FEE_VAULT) == l1_fee(sent.raw, BEDROCK_PARAMETERS, Fork.REGOLITH) > 0


@pytest.mark.parametrize("slots", [{3: 5 << 96}, {3: 5 << 64, 7: 1}, {7: 10**9}])
def test_one_of_ecotones_values_is_enough_for_its_formula(slots: dict[int, int]) -> None:
    chain = chain_of(Fork.ECOTONE, BEDROCK_SLOTS | slots)
    sent = transaction(rules=chain.rules)

    chain.execution.apply(sent)

    scalars = slots.get(3, 0)
    parameters = L1FeeParameters(
        l1_base_fee=1_000_000_000,
        blob_base_fee=slots.get(7, 0),
        base_fee_scalar=scalars >> 96,
        blob_base_fee_scalar=scalars >> 64 & 0xFFFFFFFF,
    )
    assert chain.state.balance(L1_FEE_VAULT) == l1_fee(sent.raw, parameters, Fork.ECOTONE)


@pytest.mark.parametrize("fork", [Fork.REGOLITH, Fork.ECOTONE, Fork.ISTHMUS], ids=lambda fork: fork.name)
def test_a_block_pays_by_the_attributes_that_its_own_first_deposit_sets(fork: Fork) -> None:
    chain = chain_of(fork, {**BEDROCK_SLOTS, **ECOTONE_SLOTS, 1: 5})
    sent = transaction(rules=chain.rules)

    chain.execution.apply(deposit(to=L1_BLOCK, data=(10**9).to_bytes(32, "big")))
    chain.execution.apply(sent)

    assert chain.state.balance(L1_FEE_VAULT) == l1_fee(sent.raw, PARAMETERS, fork)


def test_the_operators_fee_is_paid_for_the_gas_used_and_the_rest_comes_back() -> None:
    clears = GenesisAccount(code=CLEAR_SLOT, storage={0: 1})
    chain = chain_of(Fork.ISTHMUS, OPERATOR_SLOT, accounts={CONTRACT: clears})

    outcome = chain.execution.apply(transaction(to=CONTRACT, gas_limit=90_000))

    # 21,000, the clearing and its refund of 4,800, of which a fifth of the gas used is the most
    assert outcome.gas_used == 21_000 + 2 * 2 + 5_000 - 4_800
    assert chain.state.balance(OPERATOR_FEE_VAULT) == outcome.gas_used * 2 + 123
    assert chain.state.balance(ALICE) == 100 * ETHER - sum(gains(chain).values())


def test_the_floor_is_what_every_fee_is_paid_for() -> None:
    chain = chain_of(Fork.ISTHMUS, OPERATOR_SLOT)

    outcome = chain.execution.apply(transaction(data=LONG_DATA))

    assert outcome.gas_used == 21_000 + 40 * 400
    assert gains(chain) == {
        SEQUENCER_FEE_VAULT: outcome.gas_used * GWEI,
        BASE_FEE_VAULT: outcome.gas_used * GWEI,
        L1_FEE_VAULT: 0,
        OPERATOR_FEE_VAULT: outcome.gas_used * 2 + 123,
    }


def test_before_isthmus_there_is_no_floor() -> None:
    chain = chain_of(Fork.HOLOCENE, {})

    assert chain.execution.apply(transaction(rules=chain.rules, data=LONG_DATA)).gas_used == 21_000 + 16 * 400


def test_all_gas_of_a_failed_transaction_is_paid_for() -> None:
    chain = chain_of(Fork.ISTHMUS, OPERATOR_SLOT | ECOTONE_SLOTS, accounts={CONTRACT: GenesisAccount(code=INVALID)})

    outcome = chain.execution.apply(transaction(to=CONTRACT, value=5, gas_limit=70_000))

    assert (outcome.receipt.status, outcome.gas_used) == (0, 70_000)
    assert chain.state.balance(OPERATOR_FEE_VAULT) == 140_123
    assert chain.state.balance(ALICE) == 100 * ETHER - sum(gains(chain).values())


@pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.name)
def test_a_deposit_pays_nothing(fork: Fork) -> None:
    chain = chain_of(fork, BEDROCK_SLOTS | ECOTONE_SLOTS | OPERATOR_SLOT)

    outcome = chain.execution.apply(deposit(mint=9, value=4, to=CONTRACT, data=LONG_DATA))

    assert outcome.gas_used == 21_000 + (40 if fork >= Fork.ISTHMUS else 16) * 400
    assert gains(chain) == dict.fromkeys(VAULTS, 0)
    assert (chain.state.balance(NOBODY), chain.state.balance(CONTRACT)) == (5, 4)


@given(
    slots=st.fixed_dictionaries(
        {
            1: st.integers(0, 10**12),
            3: st.integers(0, 2**128 - 1),
            5: st.integers(0, 10_000),
            6: st.integers(0, 10**7),
            7: st.integers(0, 10**9),
            8: st.integers(0, 2**40 - 1),
        }
    ),
    fork=st.sampled_from(FORKS),
    data=st.binary(max_size=500),
    gas_limit=st.integers(100_000, 200_000),
)
def test_no_wei_is_made_or_lost(slots: dict[int, int], fork: Fork, data: bytes, gas_limit: int) -> None:
    chain = chain_of(fork, slots)
    sent = transaction(rules=chain.rules, data=data, gas_limit=gas_limit, value=3)

    outcome = chain.execution.apply(sent)

    assert chain.state.balance(ALICE) + chain.state.balance(NOBODY) + sum(gains(chain).values()) == 100 * ETHER
    scalars = slots[3]
    parameters = L1FeeParameters(
        l1_base_fee=slots[1],
        blob_base_fee=slots[7],
        base_fee_scalar=scalars >> 96,
        blob_base_fee_scalar=scalars >> 64 & 0xFFFFFFFF,
        overhead=slots[5],
        scalar=slots[6],
        operator_fee_constant=slots[8],
    )
    assert chain.state.balance(L1_FEE_VAULT) == l1_fee(sent.raw, parameters, fork)
    assert chain.state.balance(OPERATOR_FEE_VAULT) == operator_fee(outcome.gas_used, parameters, fork)
