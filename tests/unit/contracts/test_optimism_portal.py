import pytest
from contract_chain import FORWARDER_CODE, Contract
from l1_world import L1World

from phal2.contracts import event_topic
from phal2.node.protocol.addresses import alias_l1_address

SENDER = b"\x01" * 20
TARGET = b"\x02" * 20
FORWARDER = b"\xff" * 20
ETHER = 10**18


@pytest.fixture
def portal() -> Contract:
    portal = L1World.deployed().portal
    portal.chain.state.set_balance(SENDER, ETHER)
    return portal


def opaque_data(mint: int, value: int, gas_limit: int, is_creation: bool, data: bytes) -> bytes:
    return (
        mint.to_bytes(32, "big")
        + value.to_bytes(32, "big")
        + gas_limit.to_bytes(8, "big")
        + bytes([is_creation])
        + data
    )


def test_a_deposit_is_logged(portal: Contract) -> None:
    outcome = portal.transact("depositTransaction", TARGET, 3, 50_000, False, b"data", sender=SENDER, value=7)
    assert portal.event(outcome).arguments == {
        "from": SENDER,
        "to": TARGET,
        "version": 0,
        "opaqueData": opaque_data(7, 3, 50_000, False, b"data"),
    }


def test_a_creation_has_no_target(portal: Contract) -> None:
    outcome = portal.transact("depositTransaction", bytes(20), 0, 100_000, True, b"\x00", sender=SENDER)
    assert portal.event(outcome).arguments["opaqueData"] == opaque_data(0, 0, 100_000, True, b"\x00")
    refusal = portal.refuse("depositTransaction", TARGET, 0, 100_000, True, b"\x00", sender=SENDER)
    assert refusal == "OptimismPortal_BadTarget()"


def test_a_transfer_deposits_to_its_sender(portal: Contract) -> None:
    outcome = portal.chain.transact(portal.address, b"", sender=SENDER, value=9)
    arguments = portal.event(outcome).arguments
    assert (arguments["from"], arguments["to"]) == (SENDER, SENDER)
    assert arguments["opaqueData"] == opaque_data(9, 9, 100_000, False, b"")
    assert portal.chain.state.get_balance(portal.address) == 9


def test_a_contract_is_aliased(portal: Contract) -> None:
    portal.chain.state.set_code(FORWARDER, FORWARDER_CODE)
    data = portal.address + portal.data("depositTransaction", TARGET, 0, 50_000, False, b"")
    outcome = portal.chain.transact(FORWARDER, data, sender=SENDER)
    assert portal.event(outcome).arguments["from"] == alias_l1_address(FORWARDER)


def test_a_delegated_account_is_not_aliased(portal: Contract) -> None:
    account = b"\x05" * 20
    portal.chain.state.set_code(FORWARDER, FORWARDER_CODE)
    portal.chain.state.set_code(account, bytes.fromhex("ef0100") + FORWARDER)
    through_account = account + portal.address + portal.data("depositTransaction", TARGET, 0, 50_000, False, b"")
    outcome = portal.chain.transact(FORWARDER, through_account, sender=SENDER)
    assert portal.event(outcome).arguments["from"] == account


@pytest.mark.parametrize(("length", "gas_limit"), [(0, 21_000), (100, 25_000), (120_000, 4_821_000)])
def test_the_gas_limit_covers_the_data(portal: Contract, length: int, gas_limit: int) -> None:
    assert portal.read("minimumGasLimit", length) == gas_limit
    portal.transact("depositTransaction", TARGET, 0, gas_limit, False, bytes(length), sender=SENDER)
    refusal = portal.refuse("depositTransaction", TARGET, 0, gas_limit - 1, False, bytes(length), sender=SENDER)
    assert refusal == "OptimismPortal_GasLimitTooLow()"


def test_the_gas_limit_is_bounded(portal: Contract) -> None:
    portal.transact("depositTransaction", TARGET, 0, 20_000_000, False, b"", sender=SENDER)
    assert portal.refuse("depositTransaction", TARGET, 0, 20_000_001, False, b"", sender=SENDER) == "OutOfGas()"


def test_the_data_is_bounded(portal: Contract) -> None:
    refusal = portal.refuse("depositTransaction", TARGET, 0, 10_000_000, False, bytes(120_001), sender=SENDER)
    assert refusal == "OptimismPortal_CalldataTooLarge()"


def test_outside_of_withdrawals_there_is_no_l2_sender(portal: Contract) -> None:
    assert portal.read("l2Sender") == bytes.fromhex("dead").rjust(20, b"\x00")


def test_the_event_is_the_op_stacks(portal: Contract) -> None:
    topic = "b3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32"
    assert event_topic(portal.artefact, "TransactionDeposited").hex() == topic
