"""Tokens that stand for those of the other chain, and the factory that makes them."""

import pytest
from contract_chain import START_TIME, Chain, Contract
from eth_account import Account

from phal2.contracts import load_artefact
from phal2.node.protocol.predeploys import L2_STANDARD_BRIDGE, OPTIMISM_MINTABLE_ERC20_FACTORY
from phal2.node.protocol.signatures import address_of_private_key

ANYONE = b"\x02" * 20
SPENDER = b"\x03" * 20
REMOTE = b"\x04" * 20
HOLDER_KEY = b"\x11" * 32
HOLDER = address_of_private_key(HOLDER_KEY)
CHAIN_ID = 20350
ERC165, OPTIMISM, LEGACY = (bytes.fromhex(digits) for digits in ("01ffc9a7", "ec4fc8e3", "1d1d8b63"))


@pytest.fixture
def factory(chain: Chain) -> Contract:
    factory = chain.place_behind_proxy("OptimismMintableERC20Factory", OPTIMISM_MINTABLE_ERC20_FACTORY)
    factory.transact("initialize", L2_STANDARD_BRIDGE, sender=ANYONE)
    return factory


@pytest.fixture
def token(factory: Contract) -> Contract:
    made = factory.transact("createOptimismMintableERC20WithDecimals", REMOTE, "A Token", "TKN", 6, sender=ANYONE)
    address = factory.events(made)[1].arguments["localToken"]
    return Contract(factory.chain, load_artefact("OptimismMintableERC20"), address)


@pytest.mark.parametrize(
    ("function", "decimals"),
    [
        ("createStandardL2Token", None),
        ("createOptimismMintableERC20", None),
        ("createOptimismMintableERC20WithDecimals", 6),
    ],
)
def test_anybody_makes_a_token(factory: Contract, function: str, decimals: int | None) -> None:
    arguments = (REMOTE, "A Token", "TKN") if decimals is None else (REMOTE, "A Token", "TKN", decimals)
    outcome = factory.transact(function, *arguments, sender=ANYONE)
    address = outcome.output[12:]
    legacy, created = factory.events(outcome)
    assert (legacy.name, legacy.arguments) == (
        "StandardL2TokenCreated",
        {"remoteToken": REMOTE, "localToken": address},
    )
    assert (created.name, created.arguments) == (
        "OptimismMintableERC20Created",
        {"localToken": address, "remoteToken": REMOTE, "deployer": ANYONE},
    )
    assert factory.read("deployments", address) == REMOTE
    token = Contract(factory.chain, load_artefact("OptimismMintableERC20"), address)
    assert [token.read(view) for view in ("name", "symbol", "decimals")] == ["A Token", "TKN", decimals or 18]


def test_a_token_knows_its_bridge_and_its_counterpart_by_all_their_names(token: Contract) -> None:
    assert {token.read(view) for view in ("bridge", "l2Bridge", "BRIDGE")} == {L2_STANDARD_BRIDGE}
    assert {token.read(view) for view in ("remoteToken", "l1Token", "REMOTE_TOKEN")} == {REMOTE}


def test_a_token_is_made_once(factory: Contract, token: Contract) -> None:
    arguments = (REMOTE, "A Token", "TKN", 6)
    refusal = factory.refuse("createOptimismMintableERC20WithDecimals", *arguments, sender=ANYONE)
    assert refusal == "reverted without data"
    assert factory.read("deployments", token.address) == REMOTE


def test_a_token_stands_for_another(factory: Contract) -> None:
    refusal = factory.refuse("createOptimismMintableERC20", bytes(20), "A Token", "TKN", sender=ANYONE)
    assert refusal == "ZeroRemoteToken()"


def test_the_factory_knows_its_bridge_and_is_initialized_once(factory: Contract) -> None:
    assert factory.read("bridge") == factory.read("BRIDGE") == L2_STANDARD_BRIDGE
    assert factory.refuse("initialize", ANYONE, sender=ANYONE) == "InvalidInitialization()"


def test_the_bridge_alone_mints_and_burns(token: Contract) -> None:
    minted = token.transact("mint", HOLDER, 5, sender=L2_STANDARD_BRIDGE)
    burned = token.transact("burn", HOLDER, 2, sender=L2_STANDARD_BRIDGE)
    assert [(event.name, list(event.arguments.values())) for event in token.events(minted)] == [
        ("Transfer", [bytes(20), HOLDER, 5]),
        ("Mint", [HOLDER, 5]),
    ]
    assert [event.name for event in token.events(burned)] == ["Transfer", "Burn"]
    assert token.read("balanceOf", HOLDER) == token.read("totalSupply") == 3
    for function in ("mint", "burn"):
        assert token.refuse(function, HOLDER, 0, sender=HOLDER).startswith("NotBridge(")


@pytest.mark.parametrize(
    ("interface", "supported"),
    [(ERC165, True), (OPTIMISM, True), (LEGACY, True), (b"\xff" * 4, False), (bytes(4), False)],
)
def test_it_says_which_interfaces_it_has(token: Contract, interface: bytes, supported: bool) -> None:
    assert token.read("supportsInterface", interface) is supported


def permit_signature(
    token: Contract, value: int, deadline: int, nonce: int = 0, key: bytes = HOLDER_KEY
) -> tuple[object, ...]:
    """Return (v, r, s) of an ERC-2612 permit, signed by eth-account."""
    message = {"owner": HOLDER, "spender": SPENDER, "value": value, "nonce": nonce, "deadline": deadline}
    types = {
        "Permit": [
            {"name": "owner", "type": "address"},
            {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"},
            {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ]
    }
    domain = {
        "name": token.read("name"),
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": "0x" + token.address.hex(),
    }
    signed = Account.sign_typed_data(key, domain, types, message)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


@pytest.mark.parametrize("which", ["token of the factory", "PHA"])
def test_an_allowance_is_given_by_signature(token: Contract, which: str) -> None:
    if which == "PHA":
        token = token.chain.place("L2PHAToken", b"\x58" * 20)
    signature = permit_signature(token, 9, START_TIME)
    outcome = token.transact("permit", HOLDER, SPENDER, 9, START_TIME, *signature, sender=ANYONE)
    assert token.event(outcome).name == "Approval"
    assert token.read("allowance", HOLDER, SPENDER) == 9
    assert token.read("nonces", HOLDER) == 1
    refusal = token.refuse("permit", HOLDER, SPENDER, 9, START_TIME, *signature, sender=ANYONE)
    assert refusal.startswith("WrongSigner(")


def test_a_signature_of_another_or_for_something_else_gives_nothing(token: Contract) -> None:
    other = b"\x22" * 32
    by_another = permit_signature(token, 9, START_TIME, key=other)
    for arguments in ((9, *by_another), (10, *permit_signature(token, 9, START_TIME))):
        value, *signature = arguments
        refusal = token.refuse("permit", HOLDER, SPENDER, value, START_TIME, *signature, sender=ANYONE)
        assert refusal.startswith("WrongSigner(")


def test_a_late_signature_gives_nothing(token: Contract) -> None:
    signature = permit_signature(token, 9, START_TIME - 1)
    refusal = token.refuse("permit", HOLDER, SPENDER, 9, START_TIME - 1, *signature, sender=ANYONE)
    assert refusal.startswith("PermitExpired(")
