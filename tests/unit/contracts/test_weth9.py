"""Ether as a token."""

import pytest
from contract_chain import Chain, Contract
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol.predeploys import WETH9

ALICE, BOB, CAROL = (bytes([number]) * 20 for number in (1, 2, 3))
RICHES = 10**21
FOREVER = 2**256 - 1


def new_weth() -> Contract:
    chain = Chain()
    for account in (ALICE, BOB, CAROL):
        chain.state.set_balance(account, RICHES)
    return chain.place("WETH9", WETH9)


@pytest.fixture
def weth() -> Contract:
    return new_weth()


def test_it_names_itself(weth: Contract) -> None:
    assert [weth.read(view) for view in ("name", "symbol", "decimals")] == ["Wrapped Ether", "WETH", 18]


@pytest.mark.parametrize("call", ["deposit", "transfer of ether", "any call"])
def test_ether_is_wrapped(weth: Contract, call: str) -> None:
    data = {"deposit": weth.data("deposit"), "transfer of ether": b"", "any call": b"\x12\x34\x56\x78"}[call]
    outcome = weth.chain.transact(WETH9, data, sender=ALICE, value=7)
    assert (weth.event(outcome).name, weth.event(outcome).arguments) == ("Deposit", {"dst": ALICE, "wad": 7})
    assert weth.read("balanceOf", ALICE) == weth.read("totalSupply") == 7


def test_ether_is_unwrapped(weth: Contract) -> None:
    weth.transact("deposit", sender=ALICE, value=7)
    outcome = weth.transact("withdraw", 3, sender=ALICE)
    assert (weth.event(outcome).name, weth.event(outcome).arguments) == ("Withdrawal", {"src": ALICE, "wad": 3})
    assert weth.read("balanceOf", ALICE) == 4
    assert weth.chain.state.get_balance(ALICE) == RICHES - 4


def test_nobody_unwraps_or_transfers_more_than_they_have(weth: Contract) -> None:
    weth.transact("deposit", sender=ALICE, value=7)
    for call in (("withdraw", 8), ("transfer", BOB, 8)):
        assert weth.refuse(*call, sender=ALICE) == f"InsufficientBalance(owner: 0x{'01' * 20}, balance: 7, needed: 8)"


def test_an_allowance_is_used_up(weth: Contract) -> None:
    weth.transact("deposit", sender=ALICE, value=7)
    approved = weth.transact("approve", BOB, 5, sender=ALICE)
    assert weth.event(approved).arguments == {"src": ALICE, "guy": BOB, "wad": 5}
    moved = weth.transact("transferFrom", ALICE, CAROL, 4, sender=BOB)
    assert (weth.event(moved).name, weth.event(moved).arguments) == ("Transfer", {"src": ALICE, "dst": CAROL, "wad": 4})
    assert weth.read("allowance", ALICE, BOB) == 1
    assert weth.refuse("transferFrom", ALICE, CAROL, 2, sender=BOB).startswith("InsufficientAllowance(")


def test_an_allowance_for_ever_is_not_used_up(weth: Contract) -> None:
    weth.transact("deposit", sender=ALICE, value=7)
    weth.transact("approve", BOB, FOREVER, sender=ALICE)
    weth.transact("transferFrom", ALICE, CAROL, 4, sender=BOB)
    assert weth.read("allowance", ALICE, BOB) == FOREVER


def test_a_receiver_that_reverts_keeps_its_wrapped_ether(weth: Contract) -> None:
    weth.transact("deposit", sender=ALICE, value=7)
    weth.chain.state.set_code(ALICE, bytes.fromhex("5f5ffd"))
    assert weth.refuse("withdraw", 7, sender=ALICE).startswith("TransferFailed(")
    assert weth.read("balanceOf", ALICE) == 7


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["deposit", "withdraw", "transfer"]),
            st.sampled_from([ALICE, BOB, CAROL]),
            st.integers(0, 9),
        ),
        max_size=12,
    )
)
@settings(max_examples=20)
def test_all_wrapped_ether_is_backed(steps: list[tuple[str, bytes, int]]) -> None:
    weth = new_weth()
    for function, account, amount in steps:
        arguments = {"deposit": (), "withdraw": (amount,), "transfer": (BOB, amount)}[function]
        call = weth.data(function, *arguments)
        weth.chain.transact(WETH9, call, sender=account, value=amount if function == "deposit" else 0)
    assert sum(weth.read("balanceOf", account) for account in (ALICE, BOB, CAROL)) == weth.read("totalSupply")
