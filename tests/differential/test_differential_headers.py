"""The rules of headers, and sealed blocks as the specification's whole state transition judges them."""

from dataclasses import replace

import pytest
from agreement import RULES, assert_agreement, deep_recursion
from ethereum.forks.prague.fork import calculate_base_fee_per_gas
from ethereum.forks.prague.vm.gas import calculate_blob_gas_price, calculate_excess_blob_gas
from ethereum_types.numeric import U64, Uint
from hypothesis import given
from hypothesis import strategies as st
from scenario_strategies import genesis_accounts, scenarios, transaction_plans
from scenarios import Scenario
from specification_chain import specification_header, transition_fault

from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.headers import Header
from phal2.node.state.blobs import blob_base_fee
from phal2.node.state.environment import l1_environment
from phal2.node.state.genesis import genesis_state, l1_genesis_block
from phal2.node.state.rules import Revision

GENESIS = l1_genesis_block(RULES, genesis_state({}), 0, 30_000_000, 10**9).block.header


@st.composite
def parents(draw: st.DrawFn) -> Header:
    gas_limit = draw(st.integers(5_000, 2**63 - 1))
    return replace(
        GENESIS,
        gas_limit=gas_limit,
        gas_used=draw(st.sampled_from([0, gas_limit // 2, gas_limit]) | st.integers(0, gas_limit)),
        base_fee_per_gas=draw(st.integers(0, 20) | st.integers(0, 2**100)),
        excess_blob_gas=draw(st.integers(0, 2**28)),
        blob_gas_used=draw(st.integers(0, 9)) * GAS_PER_BLOB,
    )


@pytest.mark.examples(200)
@given(parents())
def test_base_fee_and_blob_gas_follow_the_parent(parent: Header) -> None:
    environment = l1_environment(RULES, parent, bytes(32), 12, bytes(20), bytes(32), parent.gas_limit)
    specified = specification_header(parent)
    assert environment.base_fee_per_gas == calculate_base_fee_per_gas(
        Uint(parent.gas_limit), specified.gas_limit, specified.gas_used, specified.base_fee_per_gas
    )
    assert environment.excess_blob_gas == calculate_excess_blob_gas(specified)
    excess = environment.excess_blob_gas or 0
    assert blob_base_fee(Revision.PRAGUE, excess) == calculate_blob_gas_price(U64(excess))


@pytest.mark.examples(15)
@given(scenarios(genesis_accounts(), transaction_plans()))
def test_sealed_blocks_pass_the_whole_state_transition(scenario: Scenario) -> None:
    from_genesis = replace(scenario, parent_number=0)
    parent, blocks = assert_agreement(from_genesis)
    with deep_recursion():
        assert transition_fault(from_genesis.accounts, parent, [executed.block for executed in blocks]) == ""
