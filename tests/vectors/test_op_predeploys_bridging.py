"""The messenger and the bridge of L2 beside the code of a real chain."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predeploy_sides import ALICE, BOB, L1_BRIDGE, L1_MESSENGER, PHA, TARGET, Call, NewSides, Side, agree

from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import (
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    PHA_TOKEN,
    WETH9,
)

NONCE = 1 << 240
LEGACY_ETHER = bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0000")
BRIDGE_GAS = 200_000
REVERT, ACCEPT = bytes.fromhex("5f5ffd"), b""
# Stores what its caller says of the message's sender, and the value.
ASK_SENDER = bytes.fromhex("636e296e455f5260205f6004601c5f335af1505f515f5534600155" + "00")


def set_code(sides: tuple[Side, Side], address: bytes, code: bytes) -> None:
    for side in sides:
        side.chain.state.set_code(address, code)


def relay(nonce: int, sender: bytes, target: bytes, value: int, message: bytes, *, by: bytes, sent: int) -> Call:
    arguments = (nonce, sender, target, value, 50_000, message)
    return L2_CROSS_DOMAIN_MESSENGER, "relayMessage", arguments, by, sent


def from_l1(nonce: int, sender: bytes, target: bytes, value: int, message: bytes) -> Call:
    return relay(nonce, sender, target, value, message, by=alias_l1_address(L1_MESSENGER), sent=value)


@pytest.mark.parametrize("value", [0, 5])
def test_messages_to_l1(sides: tuple[Side, Side], value: int) -> None:
    for message in (b"", b"message", bytes(1000)):
        agree(sides, (L2_CROSS_DOMAIN_MESSENGER, "sendMessage", (TARGET, message, 100_000), ALICE, value))


@given(st.binary(max_size=200), st.integers(0, 5_000), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_base_gas_of_messages(new_sides: NewSides, message: bytes, zeros: int, minimum: int) -> None:
    agree(new_sides(), (L2_CROSS_DOMAIN_MESSENGER, "baseGas", (message + bytes(zeros), minimum), ALICE, 0))


deliveries = st.tuples(
    st.integers(0, 2),
    st.sampled_from([ALICE, L1_BRIDGE]),
    st.sampled_from([TARGET, TARGET, L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER]),
    st.sampled_from([0, 0, 7]),
    st.sampled_from([ACCEPT, REVERT, ASK_SENDER]),
    st.sampled_from([alias_l1_address(L1_MESSENGER), alias_l1_address(L1_MESSENGER), BOB, L1_MESSENGER]),
)


@given(st.lists(deliveries, min_size=1, max_size=6))
@settings(max_examples=40)
def test_deliveries_and_their_repetitions(
    new_sides: NewSides, steps: list[tuple[int, bytes, bytes, int, bytes, bytes]]
) -> None:
    sides = new_sides()
    for counter, sender, target, value, code, by in steps:
        set_code(sides, TARGET, code)
        sent = value if by == alias_l1_address(L1_MESSENGER) else 0
        agree(sides, relay(NONCE + counter, sender, target, value, b"message", by=by, sent=sent))


@pytest.mark.parametrize("receiver", [BOB, TARGET, L2_STANDARD_BRIDGE, L2_CROSS_DOMAIN_MESSENGER])
@pytest.mark.parametrize("code", [ACCEPT, REVERT])
def test_ether_from_l1(sides: tuple[Side, Side], receiver: bytes, code: bytes) -> None:
    set_code(sides, TARGET, code)
    bridge = load_artefact("L2StandardBridge")
    for sender in (L1_BRIDGE, ALICE):
        for amount in (9, 8):
            message = encode_call(bridge, "finalizeBridgeETH", (ALICE, receiver, amount, b"extra"))
            agree(sides, from_l1(NONCE, sender, L2_STANDARD_BRIDGE, 9, message))


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("bridgeETH", (BRIDGE_GAS, b"extra"), 9),
        ("bridgeETHTo", (BOB, BRIDGE_GAS, b"extra"), 9),
        ("withdraw", (LEGACY_ETHER, 9, BRIDGE_GAS, b"extra"), 9),
        ("withdraw", (LEGACY_ETHER, 8, BRIDGE_GAS, b"extra"), 9),
        ("withdrawTo", (LEGACY_ETHER, BOB, 9, BRIDGE_GAS, b"extra"), 9),
        ("finalizeBridgeETH", (ALICE, BOB, 9, b"extra"), 9),
    ],
)
def test_ether_to_l1(sides: tuple[Side, Side], function: str, arguments: tuple[object, ...], value: int) -> None:
    agree(sides, (L2_STANDARD_BRIDGE, function, arguments, ALICE, value))


def test_tokens_from_l1_and_back(sides: tuple[Side, Side]) -> None:
    bridge = load_artefact("L2StandardBridge")
    for remote in (b"\x99" * 20, PHA):
        arguments = (PHA_TOKEN, remote, ALICE, BOB, 1_000, b"extra")
        message = encode_call(bridge, "finalizeBridgeERC20", arguments)
        agree(sides, from_l1(NONCE, L1_BRIDGE, L2_STANDARD_BRIDGE, 0, message))
    calls: list[tuple[str, tuple[object, ...], int]] = [
        ("withdraw", (PHA_TOKEN, 100, BRIDGE_GAS, b"extra"), 0),
        ("withdraw", (PHA_TOKEN, 100, BRIDGE_GAS, b"extra"), 1),
        ("withdrawTo", (PHA_TOKEN, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20", (PHA_TOKEN, PHA, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, PHA, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, ALICE, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, PHA, ALICE, 1_000, BRIDGE_GAS, b"extra"), 0),
    ]
    for function, arguments, value in calls:
        agree(sides, (L2_STANDARD_BRIDGE, function, arguments, BOB, value))


def test_tokens_of_l2_are_locked_and_released(sides: tuple[Side, Side]) -> None:
    bridge, remote = load_artefact("L2StandardBridge"), b"\x98" * 20
    agree(sides, (WETH9, "deposit", (), ALICE, 500))
    agree(sides, (WETH9, "approve", (L2_STANDARD_BRIDGE, 400), ALICE, 0))
    for amount in (300, 300):
        arguments = (WETH9, remote, BOB, amount, BRIDGE_GAS, b"extra")
        agree(sides, (L2_STANDARD_BRIDGE, "bridgeERC20To", arguments, ALICE, 0))
    for nonce, amount in enumerate((100, 201, 200), start=NONCE):
        message = encode_call(bridge, "finalizeBridgeERC20", (WETH9, remote, ALICE, BOB, amount, b""))
        agree(sides, from_l1(nonce, L1_BRIDGE, L2_STANDARD_BRIDGE, 0, message))
    agree(sides, (L2_STANDARD_BRIDGE, "deposits", (WETH9, remote), ALICE, 0))
