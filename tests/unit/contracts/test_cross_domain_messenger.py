"""Messages between the layers: each is delivered once, and one that fails can be tried again by anybody."""

from dataclasses import replace

import pytest
from bridge_layers import ALICE, BOB, DEPLOYER, ETHER, L1_MESSENGER, PORTAL, Layers, message_hash
from contract_chain import FORWARDER_CODE, Contract, Outcome

from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER

TARGET = b"\x7a" * 20
NONCE = 1 << 240
MESSAGE = b"message"
GAS = 100_000

# Stores what its caller says of the message's sender, and the value.
ASK_SENDER = bytes.fromhex(
    "636e296e455f52"  # mstore(0, selector of xDomainMessageSender)
    "60205f6004601c5f335af1"  # call(gas, caller, 0, 28, 4, 0, 32)
    "50"  # pop
    "5f515f55"  # sstore(0, mload(0))
    "34600155"  # sstore(1, callvalue)
    "00"
)
REVERT = bytes.fromhex("5f5ffd")


@pytest.fixture
def layers() -> Layers:
    return Layers()


def send_to_l2(layers: Layers, *, value: int = 0, gas: int = GAS) -> Outcome:
    return layers.l1_messenger.transact("sendMessage", TARGET, MESSAGE, gas, sender=ALICE, value=value)


def send_to_l1(layers: Layers, *, value: int = 0, gas: int = GAS) -> Outcome:
    return layers.l2_messenger.transact("sendMessage", TARGET, MESSAGE, gas, sender=ALICE, value=value)


def relay_arguments(value: int = 0, gas: int = GAS, nonce: int = NONCE) -> tuple[object, ...]:
    return (nonce, ALICE, TARGET, value, gas, MESSAGE)


def names(contract: Contract, outcome: Outcome) -> list[str]:
    return [event.name for event in contract.events(outcome)]


def test_a_message_is_logged_with_all_that_it_is(layers: Layers) -> None:
    outcome = send_to_l2(layers, value=5)
    sent, extension = layers.l1_messenger.events(outcome)
    assert sent.arguments == {
        "target": TARGET,
        "sender": ALICE,
        "message": MESSAGE,
        "messageNonce": NONCE,
        "gasLimit": GAS,
    }
    assert (extension.name, extension.arguments) == ("SentMessageExtension1", {"sender": ALICE, "value": 5})


def test_a_message_to_l2_is_a_deposit_from_the_messengers_alias(layers: Layers) -> None:
    (deposit,) = layers.deposits(send_to_l2(layers, value=5))
    relay = encode_call(load_artefact("L2CrossDomainMessenger"), "relayMessage", relay_arguments(value=5))
    assert (deposit.sender, deposit.to) == (alias_l1_address(L1_MESSENGER), L2_CROSS_DOMAIN_MESSENGER)
    assert (deposit.mint, deposit.value, deposit.data) == (5, 5, relay)
    assert deposit.gas == layers.l1_messenger.read("baseGas", MESSAGE, GAS)


def test_a_message_to_l1_is_a_withdrawal_of_the_messenger(layers: Layers) -> None:
    (withdrawal,) = layers.withdrawals(send_to_l1(layers, value=5))
    assert (withdrawal.sender, withdrawal.target) == (L2_CROSS_DOMAIN_MESSENGER, L1_MESSENGER)
    assert (withdrawal.value, withdrawal.gas) == (5, layers.l2_messenger.read("baseGas", MESSAGE, GAS))


def test_nonces_count_up(layers: Layers) -> None:
    send_to_l2(layers)
    assert layers.l1_messenger.read("messageNonce") == NONCE + 1
    assert layers.l2_messenger.read("messageNonce") == NONCE


@pytest.mark.parametrize("value", [0, 3 * ETHER])
def test_a_message_to_l2_calls_its_target_with_sender_and_value(layers: Layers, value: int) -> None:
    layers.l2.state.set_code(TARGET, ASK_SENDER)
    outcome = layers.to_l2(send_to_l2(layers, value=value))
    (event,) = layers.l2_messenger.events(outcome)
    expected = message_hash(NONCE, ALICE, TARGET, value, GAS, MESSAGE)
    assert (event.name, event.arguments) == ("RelayedMessage", {"msgHash": expected})
    assert layers.l2_messenger.read("successfulMessages", expected) is True
    assert layers.l2.state.get_storage(TARGET, 0) == int.from_bytes(ALICE, "big")
    assert layers.l2.state.get_storage(TARGET, 1) == value == layers.l2.state.get_balance(TARGET)


@pytest.mark.parametrize("value", [0, 3 * ETHER])
def test_a_message_to_l1_calls_its_target_with_sender_and_value(layers: Layers, value: int) -> None:
    layers.l1.state.set_code(TARGET, ASK_SENDER)
    outcome = layers.to_l1(send_to_l1(layers, value=value))
    assert names(layers.l1_messenger, outcome) == ["RelayedMessage"]
    assert layers.l1.state.get_storage(TARGET, 0) == int.from_bytes(ALICE, "big")
    assert layers.l1.state.get_storage(TARGET, 1) == value == layers.l1.state.get_balance(TARGET)


def test_outside_of_a_message_there_is_no_sender(layers: Layers) -> None:
    assert layers.l2_messenger.refuse("xDomainMessageSender", sender=ALICE) == "NoMessage()"
    layers.to_l2(send_to_l2(layers))
    assert layers.l2_messenger.refuse("xDomainMessageSender", sender=ALICE) == "NoMessage()"


def test_a_message_that_fails_keeps_its_value_and_can_be_tried_again_by_anybody(layers: Layers) -> None:
    layers.l2.state.set_code(TARGET, REVERT)
    failed = layers.to_l2(send_to_l2(layers, value=ETHER))
    assert names(layers.l2_messenger, failed) == ["FailedRelayedMessage"]
    assert layers.l2.state.get_balance(L2_CROSS_DOMAIN_MESSENGER) == ETHER

    again = layers.l2_messenger.transact("relayMessage", *relay_arguments(ETHER), sender=BOB)
    assert names(layers.l2_messenger, again) == ["FailedRelayedMessage"]

    layers.l2.state.set_code(TARGET, ASK_SENDER)
    third = layers.l2_messenger.transact("relayMessage", *relay_arguments(ETHER), sender=BOB)
    assert names(layers.l2_messenger, third) == ["RelayedMessage"]
    assert layers.l2.state.get_storage(TARGET, 0) == int.from_bytes(ALICE, "big")
    assert layers.l2.state.get_balance(TARGET) == ETHER


def test_a_message_is_delivered_once(layers: Layers) -> None:
    (deposit,) = layers.deposits(send_to_l2(layers))
    assert layers.derive(deposit).succeeded
    repeated = layers.derive(deposit)
    assert not repeated.succeeded
    assert layers.l2_messenger.reason(repeated).startswith("AlreadyRelayed(")
    assert layers.l2_messenger.refuse("relayMessage", *relay_arguments(), sender=BOB).startswith("NotReplayable(")


def test_a_message_that_failed_and_then_arrived_is_not_delivered_again(layers: Layers) -> None:
    layers.l2.state.set_code(TARGET, REVERT)
    (deposit,) = layers.deposits(send_to_l2(layers))
    layers.derive(deposit)
    assert layers.l2_messenger.reason(layers.derive(deposit)).startswith("AlreadyReceived(")
    layers.l2.state.set_code(TARGET, b"")
    layers.l2_messenger.transact("relayMessage", *relay_arguments(), sender=BOB)
    assert layers.l2_messenger.refuse("relayMessage", *relay_arguments(), sender=BOB).startswith("AlreadyRelayed(")


def test_nobody_else_delivers_a_new_message(layers: Layers) -> None:
    for sender in (ALICE, L1_MESSENGER, alias_l1_address(ALICE)):
        refusal = layers.l2_messenger.refuse("relayMessage", *relay_arguments(), sender=sender)
        assert refusal.startswith("NotReplayable(")


def test_on_l1_the_portal_delivers_for_the_messenger_on_l2_alone(layers: Layers) -> None:
    (withdrawal,) = layers.withdrawals(send_to_l1(layers))
    forged = layers.finalise(replace(withdrawal, sender=ALICE))
    assert layers.l1_messenger.reason(forged).startswith("NotReplayable(")
    refusal = layers.l1_messenger.refuse("relayMessage", *relay_arguments(), sender=ALICE)
    assert refusal.startswith("NotReplayable(")


def test_a_repeated_delivery_brings_no_value(layers: Layers) -> None:
    layers.l2.state.set_code(TARGET, REVERT)
    layers.to_l2(send_to_l2(layers, value=1))
    refusal = layers.l2_messenger.refuse("relayMessage", *relay_arguments(1), sender=ALICE, value=1)
    assert refusal == "WrongValue(value: 1, expected: 0)"


def test_the_value_must_be_the_messages(layers: Layers) -> None:
    sender = alias_l1_address(L1_MESSENGER)
    layers.l2.state.set_balance(sender, 2)
    refusal = layers.l2_messenger.refuse("relayMessage", *relay_arguments(1), sender=sender, value=2)
    assert refusal == "WrongValue(value: 2, expected: 1)"


@pytest.mark.parametrize("target", [L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER])
def test_a_message_cannot_act_as_the_messenger_on_l2(layers: Layers, target: bytes) -> None:
    outcome = layers.l1_messenger.transact("sendMessage", target, MESSAGE, GAS, sender=ALICE)
    assert layers.l2_messenger.reason(layers.to_l2(outcome)).startswith("UnsafeTarget(")


@pytest.mark.parametrize("target", [L1_MESSENGER, PORTAL])
def test_a_message_cannot_act_as_the_messenger_on_l1(layers: Layers, target: bytes) -> None:
    outcome = layers.l2_messenger.transact("sendMessage", target, MESSAGE, GAS, sender=ALICE)
    assert layers.l1_messenger.reason(layers.to_l1(outcome)).startswith("UnsafeTarget(")


def test_messages_of_other_versions_are_refused(layers: Layers) -> None:
    sender = alias_l1_address(L1_MESSENGER)
    for nonce in (0, 2 << 240):
        refusal = layers.l2_messenger.refuse("relayMessage", *relay_arguments(nonce=nonce), sender=sender)
        assert refusal == f"UnsupportedVersion(version: {nonce >> 240})"


def test_with_too_little_gas_the_message_fails_and_is_not_lost(layers: Layers) -> None:
    (withdrawal,) = layers.withdrawals(send_to_l1(layers, gas=1_000_000))
    outcome = layers.finalise(withdrawal, gas=500_000)
    assert names(layers.l1_messenger, outcome) == ["FailedRelayedMessage"]
    again = layers.l1_messenger.transact("relayMessage", *relay_arguments(gas=1_000_000), sender=BOB)
    assert names(layers.l1_messenger, again) == ["RelayedMessage"]


@pytest.mark.parametrize("minimum", [30_000, 1_000_000, 10_000_000])
def test_the_target_has_the_gas_asked_for(layers: Layers, minimum: int) -> None:
    # Stores the gas that it has left when it has asked for it, which takes 2.
    layers.l2.state.set_code(TARGET, bytes.fromhex("5a5f5500"))
    outcome = layers.to_l2(send_to_l2(layers, gas=minimum))
    assert names(layers.l2_messenger, outcome) == ["RelayedMessage"]
    assert layers.l2.state.get_storage(TARGET, 0) + 2 >= minimum


def test_a_message_within_a_message_fails_and_can_be_tried_again(layers: Layers) -> None:
    inner = layers.l2_messenger.data("relayMessage", *relay_arguments(nonce=NONCE))
    layers.l2.state.set_code(TARGET, REVERT)
    layers.to_l2(send_to_l2(layers))
    layers.l2.state.set_code(TARGET, b"")
    forwarder = b"\xff" * 20
    layers.l2.state.set_code(forwarder, FORWARDER_CODE)
    outer = layers.l1_messenger.transact(
        "sendMessage", forwarder, L2_CROSS_DOMAIN_MESSENGER + inner, 1_000_000, sender=ALICE
    )
    assert names(layers.l2_messenger, layers.to_l2(outer)) == ["FailedRelayedMessage", "RelayedMessage"]
    again = layers.l2_messenger.transact("relayMessage", *relay_arguments(), sender=BOB)
    assert names(layers.l2_messenger, again) == ["RelayedMessage"]


def test_while_paused_l1_delivers_nothing_and_loses_nothing(layers: Layers) -> None:
    (withdrawal,) = layers.withdrawals(send_to_l1(layers))
    layers.pause()
    assert layers.l1_messenger.reason(layers.finalise(withdrawal)) == "Paused()"
    layers.unpause()
    assert layers.finalise(withdrawal).succeeded


def test_a_gas_estimation_learns_of_failure(layers: Layers) -> None:
    layers.l2.state.set_code(TARGET, REVERT)
    layers.to_l2(send_to_l2(layers))
    refusal = layers.l2_messenger.refuse("relayMessage", *relay_arguments(), sender=bytes(19) + b"\x01")
    assert refusal.startswith("RelayFailed(")


def test_what_the_target_returns_cannot_use_up_the_gas_to_finish(layers: Layers) -> None:
    # Reverts with as much memory as its gas allows for.
    layers.l2.state.set_code(TARGET, bytes.fromhex("620f42405ffd"))
    outcome = layers.to_l2(send_to_l2(layers, gas=3_000_000))
    assert names(layers.l2_messenger, outcome) == ["FailedRelayedMessage"]


@pytest.mark.parametrize(
    ("length", "minimum", "gas"),
    [
        # 21,000 + 285,000 + 64/63 of the minimum + 16 a byte of the message and its encoding.
        (0, 0, 21_000 + 285_000 + 260 * 16),
        (100, 200_000, 21_000 + 285_000 + 203_174 + 360 * 16),
        # EIP-7623: 40 a byte, where that is more.
        (20_000, 0, 21_000 + 20_260 * 40),
        (0, 2**32 - 1, 21_000 + 285_000 + (2**32 - 1) * 64 // 63 + 260 * 16),
    ],
)
def test_the_base_gas_pays_for_call_and_data(layers: Layers, length: int, minimum: int, gas: int) -> None:
    for messenger in (layers.l1_messenger, layers.l2_messenger):
        assert messenger.read("baseGas", bytes(length), minimum) == gas


def test_the_counterparts_are_known_by_all_their_names(layers: Layers) -> None:
    for name in ("otherMessenger", "OTHER_MESSENGER"):
        assert layers.l1_messenger.read(name) == L2_CROSS_DOMAIN_MESSENGER
        assert layers.l2_messenger.read(name) == L1_MESSENGER
    assert layers.l2_messenger.read("l1CrossDomainMessenger") == L1_MESSENGER
    assert layers.l1_messenger.read("portal") == layers.l1_messenger.read("PORTAL") == PORTAL


def test_messengers_are_initialized_once(layers: Layers) -> None:
    assert layers.l1_messenger.refuse("initialize", ALICE, ALICE, sender=DEPLOYER) == "InvalidInitialization()"
    assert layers.l2_messenger.refuse("initialize", ALICE, sender=DEPLOYER) == "InvalidInitialization()"


@pytest.mark.parametrize("name", ["L1CrossDomainMessenger", "L2CrossDomainMessenger"])
def test_implementations_cannot_be_initialized(layers: Layers, name: str) -> None:
    implementation = layers.l1.deploy(name, sender=DEPLOYER)
    arguments = (ALICE, ALICE) if name.startswith("L1") else (ALICE,)
    assert implementation.refuse("initialize", *arguments, sender=DEPLOYER) == "InvalidInitialization()"
