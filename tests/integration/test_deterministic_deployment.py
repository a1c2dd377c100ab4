"""The contracts that clients expect on every chain at its one address."""

import pytest
from chain_actions import mine
from eth_utils import keccak
from web3 import Web3

DEPLOYERS = ["0x4e59b44847b379578588920cA78FbF26c0B4956C", "0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7"]
SALT = keccak(text="anybody's")
RUNTIME_CODE = b"\x60\x2a"
INIT_CODE = b"\x61" + RUNTIME_CODE + bytes.fromhex("5f526002601ef3")


@pytest.mark.parametrize("side", ["web3", "l1_web3"])
@pytest.mark.parametrize("deployer", DEPLOYERS)
def test_code_is_deployed_at_the_same_address_on_l1_and_l2(
    side: str, deployer: str, request: pytest.FixtureRequest
) -> None:
    chain: Web3 = request.getfixturevalue(side)
    expected = keccak(b"\xff" + bytes.fromhex(deployer[2:]) + SALT + keccak(INIT_CODE))[12:]

    sent = chain.eth.send_transaction({"from": chain.eth.accounts[0], "to": deployer, "data": SALT + INIT_CODE})
    mine(chain)

    assert chain.eth.wait_for_transaction_receipt(sent, timeout=30)["status"] == 1
    assert chain.eth.get_code(Web3.to_checksum_address(expected)) == RUNTIME_CODE
