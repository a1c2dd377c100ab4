import eth_abi.abi
import pytest
from contract_chain import Chain, Contract

from phal2.contracts import event_topic
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER

SENDER = b"\x01" * 20
TARGET = b"\x02" * 20
VERSION_1 = 1 << 240


@pytest.fixture
def passer(chain: Chain) -> Contract:
    chain.state.set_balance(SENDER, 10**18)
    return chain.place_behind_proxy("L2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER)


def withdrawal_hash(nonce: int, target: bytes, value: int, gas_limit: int, data: bytes) -> bytes:
    types = ["uint256", "address", "address", "uint256", "uint256", "bytes"]
    return keccak256(eth_abi.abi.encode(types, [nonce, SENDER, target, value, gas_limit, data]))


def test_a_message_is_logged_and_its_hash_kept(passer: Contract) -> None:
    outcome = passer.transact("initiateWithdrawal", TARGET, 90_000, b"hello", sender=SENDER, value=7)
    expected = withdrawal_hash(VERSION_1, TARGET, 7, 90_000, b"hello")
    assert passer.event(outcome).arguments == {
        "nonce": VERSION_1,
        "sender": SENDER,
        "target": TARGET,
        "value": 7,
        "gasLimit": 90_000,
        "data": b"hello",
        "withdrawalHash": expected,
    }
    assert passer.read("sentMessages", expected) is True
    slot = int.from_bytes(keccak256(expected + bytes(32)), "big")
    assert passer.chain.state.get_storage(passer.address, slot) == 1


def test_nonces_count_up(passer: Contract) -> None:
    passer.transact("initiateWithdrawal", TARGET, 0, b"", sender=SENDER)
    assert passer.read("messageNonce") == VERSION_1 + 1
    assert passer.chain.state.get_storage(passer.address, 1) == 1


def test_a_transfer_withdraws_to_its_sender(passer: Contract) -> None:
    outcome = passer.chain.transact(passer.address, b"", sender=SENDER, value=5)
    arguments = passer.event(outcome).arguments
    assert (arguments["target"], arguments["value"], arguments["gasLimit"]) == (SENDER, 5, 100_000)


# py-evm warns of every SELFDESTRUCT; burning ether is what remains of it (EIP-6780).
@pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode present:DeprecationWarning")
def test_burning_takes_the_ether_out_of_supply(passer: Contract) -> None:
    passer.chain.transact(passer.address, b"", sender=SENDER, value=5)
    burner = contract_address(passer.address, passer.chain.state.get_nonce(passer.address))
    outcome = passer.transact("burn", sender=SENDER)
    assert passer.event(outcome).arguments == {"amount": 5}
    assert passer.chain.state.get_balance(passer.address) == 0
    assert passer.chain.state.get_balance(burner) == 0


def test_the_event_is_the_op_stacks(passer: Contract) -> None:
    topic = "02a52367d10742d8032712c1bb8e0144ff1ec5ffda1ed7d70bb05a2744955054"
    assert event_topic(passer.artefact, "MessagePassed").hex() == topic
