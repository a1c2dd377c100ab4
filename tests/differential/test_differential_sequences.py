"""Blocks of transactions do the same on phal2's L1 profile and on execution-specs (Prague).

Compared are whether each transaction may be in its block, its receipt to the byte (status, gas, logs, bloom), and
every field of each block's header that execution determines.
"""

import pytest
from agreement import assert_agreement
from hypothesis import given
from scenario_strategies import (
    DELEGATING_KINDS,
    deployments,
    genesis_accounts,
    scenarios,
    senders_only,
    transaction_plans,
    transfers,
)
from scenarios import Scenario


@pytest.mark.examples(150)
@given(scenarios(genesis_accounts(), transaction_plans()))
def test_transactions_of_all_types(scenario: Scenario) -> None:
    assert_agreement(scenario)


@pytest.mark.examples(120)
@given(scenarios(genesis_accounts(), transaction_plans(DELEGATING_KINDS), maximum_blocks=2))
def test_delegations(scenario: Scenario) -> None:
    assert_agreement(scenario)


@pytest.mark.examples(120)
@given(deployments())
def test_contracts_that_are_deployed_again(scenario: Scenario) -> None:
    assert_agreement(scenario)


@pytest.mark.examples(150)
@given(scenarios(senders_only(), transfers(), maximum_blocks=2))
def test_transactions_at_the_edge_of_what_is_allowed(scenario: Scenario) -> None:
    assert_agreement(scenario)
