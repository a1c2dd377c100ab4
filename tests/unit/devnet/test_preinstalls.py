"""What is at its one address on every chain: the same as its deployment elsewhere makes."""

from typing import Final

from phal2.devnet.preinstalls import DETERMINISTIC_DEPLOYER, SAFE_SINGLETON_FACTORY, preinstalled_accounts
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.transaction_codec import recover_transaction

DEPLOYMENT: Final = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe"
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b"
    "8082525050506014600cf3"
    "1ba02222222222222222222222222222222222222222222222222222222222222222a0" + "22" * 32
)
"""The transaction with the made up signature, as github.com/Arachnid/deterministic-deployment-proxy has it."""

PREFIX_LENGTH: Final = 14
"""Bytes of its data that copy out the code behind them."""


def test_the_deployer_is_where_its_transaction_would_create_it() -> None:
    deployment = recover_transaction(DEPLOYMENT)

    assert contract_address(deployment.sender, 0) == DETERMINISTIC_DEPLOYER


def test_the_deployer_and_the_factory_of_safe_have_the_code_that_the_transaction_leaves() -> None:
    accounts = preinstalled_accounts()
    code = recover_transaction(DEPLOYMENT).transaction.data[PREFIX_LENGTH:]

    assert {accounts[address].code for address in (DETERMINISTIC_DEPLOYER, SAFE_SINGLETON_FACTORY)} == {code}


def test_whoever_sends_the_transaction_nonetheless_is_told_that_it_has_been() -> None:
    assert preinstalled_accounts()[recover_transaction(DEPLOYMENT).sender].nonce == 1
