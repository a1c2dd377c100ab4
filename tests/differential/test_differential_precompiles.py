"""Precompiled contracts 0x01 to 0x11: the same output, gas and failures, called by a contract and by a transaction."""

import pytest
from agreement import assert_agreement
from cast import CHAIN_ID, FEE_RECIPIENT, FORWARDER, SENDERS
from hypothesis import given
from hypothesis import strategies as st
from precompile_inputs import CHEAP_CALLS, DEAR_CALLS
from program_strategies import FORWARDER_CODE
from scenarios import BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.state.genesis import GenesisAccount

Call = tuple[bytes, bytes]

GAS_LIMITS = st.sampled_from([5_000_000, 5_000_000, 5_000_000, 100_000, 40_000])


def play(calls: list[Call], gas_limit: int) -> None:
    """Make each call through a contract that stores its outcome, and the last one from a transaction as well."""
    through = [(FORWARDER, address.rjust(32, b"\0") + data) for address, data in calls]
    transactions = tuple(
        TransactionPlan(2, 0, to, data=data, gas_basis="floor", gas=gas_limit, chain_id=CHAIN_ID)
        for to, data in (*through, calls[-1])
    )
    accounts = L1_SYSTEM_CONTRACTS | {
        SENDERS[0]: GenesisAccount(10**24),
        FORWARDER: GenesisAccount(nonce=1, code=FORWARDER_CODE),
    }
    assert_agreement(Scenario(accounts, (BlockPlan(transactions, FEE_RECIPIENT),)))


@pytest.mark.examples(120)
@given(st.lists(CHEAP_CALLS, min_size=1, max_size=4), GAS_LIMITS)
def test_quick_precompiled_contracts(calls: list[Call], gas_limit: int) -> None:
    play(calls, gas_limit)


@pytest.mark.examples(12)
@given(DEAR_CALLS, GAS_LIMITS)
def test_pairings_and_other_long_work(call: Call, gas_limit: int) -> None:
    play([call], gas_limit)
