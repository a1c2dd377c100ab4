"""The engine is what a setting names."""

import counting_engine
import pytest
from small_chain import CONTRACT, NOBODY, STORE_ONE, SmallChain, transaction

from phal2.node.state.engines import ENGINE_VARIABLE, NoSuchEngine
from phal2.node.state.genesis import GenesisAccount


def test_another_engine_needs_its_module_and_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "counting_engine:open_counting_engine")
    before = counting_engine.executed[CONTRACT]
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=STORE_ONE)})

    outcome = chain.execution.apply(transaction(to=CONTRACT))

    assert outcome.receipt.status == 1
    assert counting_engine.executed[CONTRACT] == before + 1
    assert chain.state.storage(CONTRACT, 0) == 1


def test_plain_transfers_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "counting_engine:open_counting_engine")

    SmallChain().execution.apply(transaction(to=NOBODY, value=1))

    assert counting_engine.executed[NOBODY] == 0


@pytest.mark.parametrize("name", ["no_such_module:open", "counting_engine:nothing", "counting_engine", ":"])
def test_a_setting_that_names_nothing_is_an_error_that_says_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, name)
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=STORE_ONE)})

    with pytest.raises(NoSuchEngine, match="expected module:function"):
        chain.execution.apply(transaction(to=CONTRACT))
