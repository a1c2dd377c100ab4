"""Transactions of types 0, 1, 2 and 4 through unmodified web3.py."""

from collections.abc import Callable
from typing import Any

import pytest
from chain_actions import deploy, send
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, Web3RPCError

FundedAccounts = Callable[..., LocalAccount]
RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"


@pytest.mark.parametrize(
    ("transaction_type", "fields"),
    [
        (0, {"gasPrice": 10**10}),
        (1, {"gasPrice": 10**10, "accessList": [{"address": RECIPIENT, "storageKeys": ["0x" + "01" * 32]}]}),
        (2, {}),
    ],
)
def test_a_transfer_moves_value_and_charges_what_the_receipt_says(
    web3: Web3, funded: FundedAccounts, transaction_type: int, fields: dict[str, Any]
) -> None:
    sender, recipient = funded(), web3.eth.account.create().address
    before = web3.eth.get_balance(sender.address)

    receipt = send(web3, sender, to=recipient, value=12345, **fields)

    assert (receipt["status"], receipt["type"]) == (1, transaction_type)
    assert web3.eth.get_balance(recipient) == 12345
    cost = receipt["gasUsed"] * receipt["effectiveGasPrice"] + int(receipt["l1Fee"], 16)
    assert web3.eth.get_balance(sender.address) == before - 12345 - cost


def test_a_contract_is_deployed_called_and_read(web3: Web3, funded: FundedAccounts) -> None:
    author = funded()
    notebook = deploy(web3, author, "Notebook")

    receipt = send(
        web3, author, to=notebook.address, data=notebook.functions.write("first light")._encode_transaction_data()
    )

    (written,) = notebook.events.Written().process_receipt(receipt)
    assert (written["args"]["author"], written["args"]["number"]) == (author.address, 0)
    assert notebook.functions.read(0).call() == "first light"
    assert [
        log["transactionHash"] for log in notebook.events.Written().get_logs(from_block=receipt["blockNumber"])
    ] == [receipt["transactionHash"]]


def test_reverts_come_with_reason_custom_error_and_panic(web3: Web3, funded: FundedAccounts) -> None:
    notebook = deploy(web3, funded(), "Notebook")

    with pytest.raises(ContractLogicError, match="out of ink"):
        notebook.functions.failWithReason("out of ink").call()
    with pytest.raises(ContractCustomError):
        notebook.functions.read(7).call()
    with pytest.raises(ContractPanicError):
        notebook.functions.failWithPanic().call()


def test_a_failed_transaction_is_in_a_block_with_status_zero(web3: Web3, funded: FundedAccounts) -> None:
    sender = funded()
    notebook = deploy(web3, sender, "Notebook")

    receipt = send(
        web3,
        sender,
        to=notebook.address,
        data=notebook.functions.failWithReason("no")._encode_transaction_data(),
        gas=100_000,
    )

    assert receipt["status"] == 0
    assert receipt["gasUsed"] < 100_000


def test_a_set_code_transaction_lets_an_account_act_as_a_contract(web3: Web3, funded: FundedAccounts) -> None:
    payer, authority = funded(), web3.eth.account.create()
    notebook = deploy(web3, payer, "Notebook")
    authorization = authority.sign_authorization(
        {"chainId": web3.eth.chain_id, "address": notebook.address, "nonce": 0}
    )

    receipt = send(
        web3,
        payer,
        to=authority.address,
        data=notebook.functions.write("from an account")._encode_transaction_data(),
        authorizationList=[authorization],
        gas=300_000,
    )

    assert (receipt["status"], receipt["type"]) == (1, 4)
    assert web3.eth.get_code(authority.address) == bytes.fromhex("ef0100" + notebook.address[2:])
    delegated = web3.eth.contract(address=authority.address, abi=notebook.abi)
    assert delegated.functions.read(0).call() == "from an account"


def test_a_block_holds_the_l1_attributes_deposit_first(web3: Web3, funded: FundedAccounts) -> None:
    receipt = send(web3, funded(), to=RECIPIENT, value=1)

    block = web3.eth.get_block(receipt["blockNumber"], full_transactions=True)

    assert block["transactions"][0]["type"] == 0x7E
    assert receipt["transactionHash"] in [transaction["hash"] for transaction in block["transactions"][1:]]
    assert block["timestamp"] == web3.eth.get_block(0)["timestamp"] + block["number"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nonce": 0}, "nonce too low"),
        ({"value": 10**24}, "insufficient funds"),
        ({"gas": 20_000}, "intrinsic gas too low"),
        ({"chainId": 1}, "chain id"),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 2}, "max priority fee per gas higher"),
    ],
)
def test_an_invalid_transaction_is_refused_with_its_reason(
    web3: Web3, funded: FundedAccounts, change: dict[str, Any], reason: str
) -> None:
    sender = funded()
    send(web3, sender, to=RECIPIENT, value=1)
    fields: dict[str, Any] = {"to": RECIPIENT, "gas": 21_000, **change}

    with pytest.raises(Web3RPCError, match=reason):
        send(web3, sender, **fields)
