"""PHA on both sides."""

import pytest
from contract_chain import Chain, Contract

from phal2.node.protocol.predeploys import L2_STANDARD_BRIDGE, PHA_TOKEN

HOLDER = b"\x01" * 20
OTHER = b"\x02" * 20
TOKEN = PHA_TOKEN


@pytest.fixture
def l2_token(chain: Chain) -> Contract:
    token = chain.place("L2PHAToken", TOKEN)
    token.transact("initialize", OTHER, sender=HOLDER)
    return token


def test_l1_has_a_fixed_supply(chain: Chain) -> None:
    token = chain.deploy("PHAToken", HOLDER, sender=OTHER)
    names = [token.read(view) for view in ("name", "symbol", "decimals")]
    assert names == ["Phala", "PHA", 18]
    assert token.read("balanceOf", HOLDER) == token.read("totalSupply") == 10**9 * 10**18


def test_l2_has_its_names_without_a_constructor(l2_token: Contract) -> None:
    views = ("name", "symbol", "decimals", "totalSupply", "bridge", "remoteToken")
    assert [l2_token.read(view) for view in views] == ["Phala", "PHA", 18, 0, L2_STANDARD_BRIDGE, OTHER]


def test_the_bridge_mints_and_burns(l2_token: Contract) -> None:
    minted = l2_token.transact("mint", HOLDER, 5, sender=L2_STANDARD_BRIDGE)
    burned = l2_token.transact("burn", HOLDER, 2, sender=L2_STANDARD_BRIDGE)
    assert [event.name for event in l2_token.events(minted)] == ["Transfer", "Mint"]
    assert [event.name for event in l2_token.events(burned)] == ["Transfer", "Burn"]
    assert l2_token.read("balanceOf", HOLDER) == l2_token.read("totalSupply") == 3


@pytest.mark.parametrize("function", ["mint", "burn"])
def test_nobody_else_mints_or_burns(l2_token: Contract, function: str) -> None:
    assert l2_token.refuse(function, HOLDER, 0, sender=HOLDER).startswith("NotBridge(")


def test_the_l1_token_is_set_once(l2_token: Contract) -> None:
    assert l2_token.refuse("initialize", HOLDER, sender=HOLDER).startswith("AlreadyInitialized(")


def test_the_l1_token_is_no_zero_address(chain: Chain) -> None:
    assert chain.place("L2PHAToken", TOKEN).refuse("initialize", bytes(20), sender=HOLDER) == "ZeroRemoteToken()"
