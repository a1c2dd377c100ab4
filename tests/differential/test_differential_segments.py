"""Programs that compute do the same compiled to segments, from their first run on, as on execution-specs."""

from collections.abc import Iterator

import pytest
from agreement import assert_agreement
from cast import CHAIN_ID, CONTRACTS, FEE_RECIPIENT, SENDERS
from computing_programs import computing_programs
from hypothesis import given
from hypothesis import strategies as st
from scenario_strategies import genesis_accounts, scenarios, transaction_plans
from scenarios import BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.state import py_evm_segments
from phal2.node.state.genesis import GenesisAccount


@pytest.fixture(scope="module", autouse=True)
def _compile_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as thresholds:
        thresholds.setattr(py_evm_segments, "BUSY_AFTER_RUNS", 1)
        thresholds.setattr(py_evm_segments, "COMPILED_AFTER_VISITS", 1)
        yield


@pytest.mark.examples(150)
@given(
    computing_programs(), st.binary(max_size=64), st.sampled_from([23_000, 50_000, 200_000, 200_000, 200_000, 200_000])
)
def test_programs_that_compute(code: bytes, data: bytes, gas_limit: int) -> None:
    accounts = L1_SYSTEM_CONTRACTS | {
        SENDERS[0]: GenesisAccount(10**20),
        CONTRACTS[0]: GenesisAccount(nonce=1, code=code, storage={0: 5}),
    }
    call = TransactionPlan(2, 0, CONTRACTS[0], data=data, gas=gas_limit, chain_id=CHAIN_ID)
    assert_agreement(Scenario(accounts, (BlockPlan((call, call), FEE_RECIPIENT),)))


@pytest.mark.examples(60)
@given(scenarios(genesis_accounts(), transaction_plans(), maximum_blocks=2))
def test_transactions_of_all_types_with_compiled_code(scenario: Scenario) -> None:
    assert_agreement(scenario)
