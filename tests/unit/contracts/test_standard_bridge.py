"""Ether and tokens between the layers, by the standard bridge."""

import pytest
from bridge_layers import (
    ALICE,
    BOB,
    DEPLOYER,
    ETHER,
    L1_BRIDGE,
    L1_MESSENGER,
    PORTAL,
    RICHES,
    SYSTEM_CONFIG,
    Layers,
)
from contract_chain import FORWARDER_CODE, Contract, Outcome

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE

LEGACY_ETHER = bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0000")
NOBODY = bytes(20)
EXTRA = b"extra data"
GAS = 200_000
AMOUNT = 1_000
FORWARDER = b"\xff" * 20
REVERT = bytes.fromhex("5f5ffd")


@pytest.fixture
def layers() -> Layers:
    return Layers()


@pytest.fixture
def l1_token(layers: Layers) -> Contract:
    return layers.l1.deploy("PHAToken", ALICE, sender=DEPLOYER)


@pytest.fixture
def l2_token(layers: Layers, l1_token: Contract) -> Contract:
    return layers.l2_token(l1_token)


def logged(contract: Contract, outcome: Outcome) -> list[tuple[str, list[object]]]:
    return [(event.name, list(event.arguments.values())) for event in contract.events(outcome)]


def deposit_tokens(layers: Layers, l1_token: Contract, l2_token: Contract, amount: int = AMOUNT) -> Outcome:
    l1_token.transact("approve", L1_BRIDGE, amount, sender=ALICE)
    arguments = (l1_token.address, l2_token.address, BOB, amount, GAS, EXTRA)
    return layers.l1_bridge.transact("depositERC20To", *arguments, sender=ALICE)


@pytest.mark.parametrize(
    ("function", "arguments", "receiver"),
    [
        ("depositETH", (GAS, EXTRA), ALICE),
        ("depositETHTo", (BOB, GAS, EXTRA), BOB),
        ("bridgeETH", (GAS, EXTRA), ALICE),
        ("bridgeETHTo", (BOB, GAS, EXTRA), BOB),
    ],
)
def test_ether_goes_to_l2(layers: Layers, function: str, arguments: tuple[object, ...], receiver: bytes) -> None:
    before = layers.l2.state.get_balance(receiver)
    sent = layers.l1_bridge.transact(function, *arguments, sender=ALICE, value=ETHER)
    transfer = [ALICE, receiver, ETHER, EXTRA]
    assert logged(layers.l1_bridge, sent) == [("ETHDepositInitiated", transfer), ("ETHBridgeInitiated", transfer)]
    arrived = layers.to_l2(sent)
    assert logged(layers.l2_bridge, arrived) == [
        ("DepositFinalized", [NOBODY, LEGACY_ETHER, *transfer]),
        ("ETHBridgeFinalized", transfer),
    ]
    assert layers.l2.state.get_balance(receiver) == before + ETHER
    assert layers.l1.state.get_balance(PORTAL) == ETHER


def test_ether_sent_to_the_bridge_goes_to_the_same_account_on_l2(layers: Layers) -> None:
    sent = layers.l1.transact(L1_BRIDGE, b"", sender=ALICE, value=ETHER)
    assert logged(layers.l1_bridge, sent)[1] == ("ETHBridgeInitiated", [ALICE, ALICE, ETHER, b""])
    layers.to_l2(sent)
    assert layers.l2.state.get_balance(ALICE) == RICHES + ETHER


@pytest.mark.parametrize(
    ("function", "arguments", "receiver"),
    [
        ("withdraw", (LEGACY_ETHER, ETHER, GAS, EXTRA), ALICE),
        ("withdrawTo", (LEGACY_ETHER, BOB, ETHER, GAS, EXTRA), BOB),
        ("bridgeETH", (GAS, EXTRA), ALICE),
        ("bridgeETHTo", (BOB, GAS, EXTRA), BOB),
    ],
)
def test_ether_goes_to_l1(layers: Layers, function: str, arguments: tuple[object, ...], receiver: bytes) -> None:
    before = layers.l1.state.get_balance(receiver)
    sent = layers.l2_bridge.transact(function, *arguments, sender=ALICE, value=ETHER)
    transfer = [ALICE, receiver, ETHER, EXTRA]
    assert logged(layers.l2_bridge, sent) == [
        ("WithdrawalInitiated", [NOBODY, LEGACY_ETHER, *transfer]),
        ("ETHBridgeInitiated", transfer),
    ]
    arrived = layers.to_l1(sent)
    assert logged(layers.l1_bridge, arrived) == [
        ("ETHWithdrawalFinalized", transfer),
        ("ETHBridgeFinalized", transfer),
    ]
    assert layers.l1.state.get_balance(receiver) == before + ETHER


def test_ether_that_is_not_taken_can_be_delivered_later(layers: Layers) -> None:
    layers.l2.state.set_code(BOB, REVERT)
    sent = layers.l1_bridge.transact("bridgeETHTo", BOB, GAS, b"", sender=ALICE, value=ETHER)
    failed = layers.to_l2(sent)
    assert [event.name for event in layers.l2_messenger.events(failed)] == ["FailedRelayedMessage"]
    assert layers.l2.state.get_balance(L2_CROSS_DOMAIN_MESSENGER) == ETHER

    layers.l2.state.set_code(BOB, b"")
    message = layers.l2_bridge.data("finalizeBridgeETH", ALICE, BOB, ETHER, b"")
    arguments = (1 << 240, L1_BRIDGE, L2_STANDARD_BRIDGE, ETHER, GAS, message)
    layers.l2_messenger.transact("relayMessage", *arguments, sender=BOB)
    assert layers.l2.state.get_balance(BOB) == ETHER


@pytest.mark.parametrize("function", ["depositERC20", "bridgeERC20", "depositERC20To", "bridgeERC20To"])
def test_tokens_are_locked_on_l1_and_minted_on_l2(
    layers: Layers, l1_token: Contract, l2_token: Contract, function: str
) -> None:
    l1_token.transact("approve", L1_BRIDGE, AMOUNT, sender=ALICE)
    receiver = BOB if function.endswith("To") else ALICE
    to = (BOB,) if function.endswith("To") else ()
    arguments = (l1_token.address, l2_token.address, *to, AMOUNT, GAS, EXTRA)
    sent = layers.l1_bridge.transact(function, *arguments, sender=ALICE)
    transfer = [l1_token.address, l2_token.address, ALICE, receiver, AMOUNT, EXTRA]
    assert logged(layers.l1_bridge, sent) == [("ERC20DepositInitiated", transfer), ("ERC20BridgeInitiated", transfer)]
    assert l1_token.read("balanceOf", L1_BRIDGE) == AMOUNT
    assert layers.l1_bridge.read("deposits", l1_token.address, l2_token.address) == AMOUNT

    arrived = layers.to_l2(sent)
    assert logged(layers.l2_bridge, arrived) == [
        ("DepositFinalized", transfer),
        ("ERC20BridgeFinalized", [l2_token.address, l1_token.address, ALICE, receiver, AMOUNT, EXTRA]),
    ]
    assert l2_token.read("balanceOf", receiver) == AMOUNT == l2_token.read("totalSupply")


@pytest.mark.parametrize("function", ["withdraw", "withdrawTo", "bridgeERC20", "bridgeERC20To"])
def test_tokens_are_burned_on_l2_and_released_on_l1(
    layers: Layers, l1_token: Contract, l2_token: Contract, function: str
) -> None:
    layers.to_l2(deposit_tokens(layers, l1_token, l2_token))
    to = (ALICE,) if function.endswith("To") else ()
    receiver = ALICE if function.endswith("To") else BOB
    remote = () if function.startswith("withdraw") else (l1_token.address,)
    arguments = (l2_token.address, *remote, *to, 400, GAS, EXTRA)
    before = l1_token.read("balanceOf", receiver)

    sent = layers.l2_bridge.transact(function, *arguments, sender=BOB)
    transfer = [l1_token.address, l2_token.address, BOB, receiver, 400, EXTRA]
    assert logged(layers.l2_bridge, sent) == [
        ("WithdrawalInitiated", transfer),
        ("ERC20BridgeInitiated", [l2_token.address, l1_token.address, BOB, receiver, 400, EXTRA]),
    ]
    assert l2_token.read("totalSupply") == AMOUNT - 400

    arrived = layers.to_l1(sent)
    assert logged(layers.l1_bridge, arrived) == [
        ("ERC20WithdrawalFinalized", transfer),
        ("ERC20BridgeFinalized", transfer),
    ]
    assert l1_token.read("balanceOf", receiver) == before + 400
    assert layers.l1_bridge.read("deposits", l1_token.address, l2_token.address) == AMOUNT - 400


def test_a_token_of_l2_is_locked_there_and_minted_on_l1(layers: Layers) -> None:
    native = layers.l2.deploy("PHAToken", ALICE, sender=DEPLOYER)
    made = layers.l1_factory.transact("createOptimismMintableERC20", native.address, "On L1", "ON1", sender=BOB)
    mirror = Contract(layers.l1, native.artefact, layers.l1_factory.events(made)[0].arguments["localToken"])
    native.transact("approve", L2_STANDARD_BRIDGE, AMOUNT, sender=ALICE)
    there = (native.address, mirror.address, ALICE, AMOUNT, GAS, b"")
    layers.to_l1(layers.l2_bridge.transact("bridgeERC20To", *there, sender=ALICE))
    assert mirror.read("balanceOf", ALICE) == AMOUNT == native.read("balanceOf", L2_STANDARD_BRIDGE)
    back = (mirror.address, native.address, BOB, AMOUNT, GAS, b"")
    layers.to_l2(layers.l1_bridge.transact("bridgeERC20To", *back, sender=ALICE))
    assert mirror.read("totalSupply") == 0
    assert native.read("balanceOf", BOB) == AMOUNT


def test_a_token_is_minted_for_the_token_it_stands_for_alone(layers: Layers, l1_token: Contract) -> None:
    worthless = layers.l1.deploy("PHAToken", ALICE, sender=DEPLOYER)
    l2_token = layers.l2_token(l1_token)
    failed = layers.to_l2(deposit_tokens(layers, worthless, l2_token))
    assert [event.name for event in layers.l2_messenger.events(failed)] == ["FailedRelayedMessage"]
    assert l2_token.read("totalSupply") == 0


def test_a_token_is_burned_for_the_token_it_stands_for_alone(
    layers: Layers, l1_token: Contract, l2_token: Contract
) -> None:
    layers.to_l2(deposit_tokens(layers, l1_token, l2_token))
    arguments = (l2_token.address, b"\x99" * 20, ALICE, 1, GAS, b"")
    assert layers.l2_bridge.refuse("bridgeERC20To", *arguments, sender=BOB).startswith("WrongRemoteToken(")


def test_no_more_is_released_than_was_locked_for_that_pair(layers: Layers, l1_token: Contract) -> None:
    first, second = layers.l2_token(l1_token), layers.l2_factory
    made = second.transact("createOptimismMintableERC20", l1_token.address, "Another", "ANO", sender=ALICE)
    other = Contract(layers.l2, first.artefact, second.events(made)[0].arguments["localToken"])
    layers.to_l2(deposit_tokens(layers, l1_token, first))
    # A token on L2 that somebody could mint at will would find nothing locked for it.
    layers.l2.state.set_storage(other.address, balance_slot(BOB), 1)
    layers.l2.state.set_storage(other.address, 2, 1)
    sent = layers.l2_bridge.transact("withdrawTo", other.address, BOB, 1, GAS, b"", sender=BOB)
    failed = layers.to_l1(sent)
    assert [event.name for event in layers.l1_messenger.events(failed)] == ["FailedRelayedMessage"]
    assert l1_token.read("balanceOf", L1_BRIDGE) == AMOUNT


def balance_slot(account: bytes) -> int:
    return int.from_bytes(keccak256(account.rjust(32, b"\0") + bytes(32)), "big")


def test_contracts_name_a_receiver(layers: Layers) -> None:
    layers.l1.state.set_code(FORWARDER, FORWARDER_CODE)
    for call in (layers.l1_bridge.data("bridgeETH", GAS, b""), b""):
        outcome = layers.l1.transact(FORWARDER, L1_BRIDGE + call, sender=ALICE, value=1)
        assert layers.l1_bridge.reason(outcome).startswith("NotExternallyOwned(")
    named = L1_BRIDGE + layers.l1_bridge.data("bridgeETHTo", BOB, GAS, b"")
    layers.to_l2(layers.l1.transact(FORWARDER, named, sender=ALICE, value=1))
    assert layers.l2.state.get_balance(BOB) == 1


def test_a_delegated_account_is_no_contract(layers: Layers) -> None:
    account = b"\x05" * 20
    layers.l1.state.set_code(FORWARDER, FORWARDER_CODE)
    layers.l1.state.set_code(account, bytes.fromhex("ef0100") + FORWARDER)
    call = account + L1_BRIDGE + layers.l1_bridge.data("bridgeETH", GAS, b"")
    layers.to_l2(layers.l1.transact(FORWARDER, call, sender=ALICE, value=1))
    assert layers.l2.state.get_balance(account) == 1


@pytest.mark.parametrize("layer", ["l1", "l2"])
def test_only_the_other_bridge_finalises(layers: Layers, layer: str) -> None:
    bridge = layers.l1_bridge if layer == "l1" else layers.l2_bridge
    messenger = L1_MESSENGER if layer == "l1" else L2_CROSS_DOMAIN_MESSENGER
    ether = ("finalizeBridgeETH", ALICE, BOB, 0, b"")
    tokens = ("finalizeBridgeERC20", ALICE, ALICE, ALICE, BOB, 0, b"")
    for call in (ether, tokens):
        assert bridge.refuse(*call, sender=ALICE).startswith("NotOtherBridge(")
        # The messenger alone, outside of a message, is not enough.
        assert bridge.refuse(*call, sender=messenger) == "NoMessage()"


def test_a_message_of_another_sender_does_not_finalise(layers: Layers) -> None:
    message = layers.l2_bridge.data("finalizeBridgeETH", ALICE, BOB, 0, b"")
    outcome = layers.l1_messenger.transact("sendMessage", L2_STANDARD_BRIDGE, message, GAS, sender=ALICE)
    failed = layers.to_l2(outcome)
    assert [event.name for event in layers.l2_messenger.events(failed)] == ["FailedRelayedMessage"]


@pytest.mark.parametrize("receiver", [L2_STANDARD_BRIDGE, L2_CROSS_DOMAIN_MESSENGER])
def test_the_bridge_pays_no_ether_to_itself(layers: Layers, receiver: bytes) -> None:
    sent = layers.l1_bridge.transact("bridgeETHTo", receiver, GAS, b"", sender=ALICE, value=1)
    failed = layers.to_l2(sent)
    assert [event.name for event in layers.l2_messenger.events(failed)] == ["FailedRelayedMessage"]


def test_the_amount_of_ether_withdrawn_is_what_the_call_carries(layers: Layers) -> None:
    refusal = layers.l2_bridge.refuse("withdraw", LEGACY_ETHER, 2, GAS, b"", sender=ALICE, value=1)
    assert refusal == "WrongValue(value: 1, expected: 2)"


def test_tokens_are_withdrawn_without_ether(layers: Layers, l2_token: Contract) -> None:
    refusal = layers.l2_bridge.refuse("withdraw", l2_token.address, 2, GAS, b"", sender=ALICE, value=1)
    assert refusal == "WrongValue(value: 1, expected: 0)"


def test_while_paused_l1_pays_nothing_and_loses_nothing(layers: Layers) -> None:
    sent = layers.l2_bridge.transact("bridgeETHTo", BOB, GAS, b"", sender=ALICE, value=1)
    (withdrawal,) = layers.withdrawals(sent)
    layers.pause()
    assert layers.l1_bridge.read("paused") is True
    assert not layers.finalise(withdrawal).succeeded
    layers.unpause()
    layers.finalise(withdrawal)
    assert layers.l1.state.get_balance(BOB) == 1


def test_the_counterparts_are_known_by_all_their_names(layers: Layers) -> None:
    for name in ("messenger", "MESSENGER"):
        assert layers.l1_bridge.read(name) == L1_MESSENGER
        assert layers.l2_bridge.read(name) == L2_CROSS_DOMAIN_MESSENGER
    for name in ("otherBridge", "OTHER_BRIDGE"):
        assert layers.l1_bridge.read(name) == L2_STANDARD_BRIDGE
        assert layers.l2_bridge.read(name) == L1_BRIDGE
    assert layers.l1_bridge.read("l2TokenBridge") == L2_STANDARD_BRIDGE
    assert layers.l2_bridge.read("l1TokenBridge") == L1_BRIDGE
    assert layers.l1_bridge.read("systemConfig") == SYSTEM_CONFIG


def test_bridges_are_initialized_once(layers: Layers) -> None:
    assert layers.l1_bridge.refuse("initialize", ALICE, ALICE, sender=DEPLOYER) == "InvalidInitialization()"
    assert layers.l2_bridge.refuse("initialize", ALICE, sender=DEPLOYER) == "InvalidInitialization()"
