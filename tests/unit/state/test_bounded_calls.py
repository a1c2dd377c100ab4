"""Calls with a checkpoint, which may end them, and with other precompiled contracts than their block has."""

from typing import Any

import pytest
from small_chain import ALICE, CONTRACT, SmallChain

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.errors import Phal2Error
from phal2.node.state.block_scope import ScopeOverrides
from phal2.node.state.call import CallRequest, CallResult, execute_call
from phal2.node.state.database import KnownBlockHashes
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.precompiles.precompile import Precompile, fixed_gas
from phal2.node.state.transaction_errors import InsufficientFunds

COUNT_DOWN = bytes.fromhex("6127105b60019003806003575f5260205ff3")
"""A loop of 10,000 rounds."""

CALL_CONTRACT_EIGHT_TIMES = bytes.fromhex("5f5f5f5f5f305af150" * 8 + "00")
ENDLESS = bytes.fromhex("5b5f56")


class Enough(Phal2Error):
    """A checkpoint's end of an execution."""


def call(code: bytes, overrides: ScopeOverrides | None, **fields: Any) -> CallResult:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=code)})
    request = CallRequest(**({"sender": ALICE, "to": CONTRACT} | fields))
    return execute_call(
        chain.rules,
        chain.block_environment,
        chain.database,
        chain.state_root,
        KnownBlockHashes(),
        request,
        QuoteVerdicts(),
        overrides,
    )


@pytest.mark.parametrize("runs", [1, 40], ids=["cold", "compiled"])
def test_a_checkpoint_changes_no_result(runs: int) -> None:
    visits = []
    overrides = ScopeOverrides(checkpoint=lambda _: visits.append(None))
    for _ in range(runs):
        assert call(COUNT_DOWN, overrides) == call(COUNT_DOWN, None)
    assert len(visits) > runs


def test_what_a_checkpoint_raises_ends_an_endless_loop() -> None:
    visits = iter(range(5))

    def stop_at_the_fifth(_: int) -> None:
        if next(visits) == 4:
            raise Enough

    with pytest.raises(Enough):
        call(ENDLESS, ScopeOverrides(checkpoint=stop_at_the_fifth), gas_limit=10**18)


def test_each_message_is_a_checkpoint() -> None:
    visits = []
    # Each contract calls itself eight times, until the gas is gone.
    call(CALL_CONTRACT_EIGHT_TIMES, ScopeOverrides(checkpoint=lambda _: visits.append(None)), gas_limit=100_000)
    assert len(visits) > 8


STACK_FAULTS = {
    "01": "stack underflow (0 <=> 2)",
    "5f5f5f5f55": None,
    "5f5f5f5f5f5ff1": "stack underflow (6 <=> 7)",
    "5f5fa1": "stack underflow (2 <=> 3)",
    "5f5050": "stack underflow (0 <=> 1)",
    "5b5f5f56": "stack limit reached 1024 (1023)",
}


@pytest.mark.parametrize("code", STACK_FAULTS)
@pytest.mark.parametrize("creates", [False, True], ids=["call", "creation"])
def test_what_the_stack_lacks_is_told_as_geth_tells_it(code: str, creates: bool) -> None:
    fields = {"to": None, "data": bytes.fromhex(code)} if creates else {}
    result = call(bytes.fromhex(code), ScopeOverrides(checkpoint=lambda _: None), gas_limit=100_000, **fields)
    assert result.error == STACK_FAULTS[code]
    assert (result.gas_used == 100_000) == (not result.succeeded)


def test_what_the_stack_lacks_is_told_also_of_compiled_code() -> None:
    code = bytes.fromhex("600a5b6001900380600257" + "5001")  # a loop of ten rounds, then POP and ADD on an empty stack
    overrides = ScopeOverrides(checkpoint=lambda _: None)
    errors = {call(code, overrides, gas_limit=100_000).error for _ in range(200)}
    assert errors == {"stack underflow (0 <=> 2)"}


def test_the_reason_of_a_stack_fault_is_looked_for_no_longer_than_the_call_may_take() -> None:
    code = bytes.fromhex("6103e85b6001900380600357" + "5001")  # a loop of 1,000 rounds
    spent = []

    def stop_after_the_call(_: int) -> None:
        spent.append(None)
        if len(spent) > limit:
            raise Enough

    limit = 10**9
    assert call(code, ScopeOverrides(checkpoint=stop_after_the_call)).error == "stack underflow (0 <=> 2)"
    limit, spent = len(spent) - 1, []
    with pytest.raises(Enough):
        call(code, ScopeOverrides(checkpoint=stop_after_the_call))


def test_overridden_precompiles_stand_in_for_those_of_the_rules() -> None:
    there, sha256 = b"\x4d" * 20, (2).to_bytes(20, "big")
    overrides = ScopeOverrides(precompiles={there: Precompile(fixed_gas(500), lambda data: data[::-1])})
    found = call(b"", overrides, to=there, data=b"abc")
    assert (found.return_data, found.gas_used) == (b"cba", 21_000 + 3 * 16 + 500)
    assert call(b"", overrides, to=sha256, data=b"abc").return_data == b""
    assert len(call(b"", None, to=sha256, data=b"abc").return_data) == 32


def test_the_sender_must_have_what_gas_costs_at_the_most() -> None:
    poor = b"\x99" * 20
    chain_price = {"sender": poor, "gas_limit": 100_000, "gas_price": 0}
    assert call(b"", None, **chain_price).succeeded
    with pytest.raises(InsufficientFunds) as caught:
        call(b"", None, **chain_price, max_fee_per_gas=7)
    assert caught.value.cost == 700_000
