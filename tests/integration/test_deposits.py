"""Deposits from L1: what the portal takes arrives on L2."""

from collections.abc import Callable
from typing import Any

from chain_actions import contract_at, l1_blocks_on_demand, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.node.protocol.deposits import deposit_from_log
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transaction_codec import encode_transaction

FundedAccounts = Callable[..., LocalAccount]


def test_a_deposit_mints_its_value_on_l2(l1: Endpoint, l1_web3: Web3, web3: Web3, funded: FundedAccounts) -> None:
    depositor, recipient = funded(on_l1=True), web3.eth.account.create().address
    portal = contract_at(l1_web3, "OptimismPortal", l1.contracts["OptimismPortal"])
    data = portal.functions.depositTransaction(recipient, 5 * 10**18, 100_000, False, b"")._encode_transaction_data()

    l1_receipt = send(l1_web3, depositor, to=portal.address, value=5 * 10**18, data=data)
    l2_receipt = _await_deposit(web3, l1_receipt)

    assert (l2_receipt["status"], l2_receipt["type"]) == (1, 0x7E)
    assert l2_receipt["from"] == depositor.address
    assert web3.eth.get_balance(recipient) == 5 * 10**18
    assert web3.eth.get_transaction(l2_receipt["transactionHash"])["mint"] == hex(5 * 10**18)


def test_a_deposit_that_fails_still_mints(l1: Endpoint, l1_web3: Web3, web3: Web3, funded: FundedAccounts) -> None:
    depositor = funded(on_l1=True)
    before = web3.eth.get_balance(depositor.address)
    portal = contract_at(l1_web3, "OptimismPortal", l1.contracts["OptimismPortal"])
    too_much = 10**24
    data = portal.functions.depositTransaction(
        depositor.address, too_much, 100_000, False, b""
    )._encode_transaction_data()

    l2_receipt = _await_deposit(web3, send(l1_web3, depositor, to=portal.address, value=10**18, data=data))

    assert l2_receipt["status"] == 0
    assert web3.eth.get_balance(depositor.address) == before + 10**18


def _await_deposit(web3: Web3, l1_receipt: Any) -> Any:
    """Return the L2 receipt of the one deposit that an L1 transaction made, found by the hash that L1 determines."""
    (log,) = l1_receipt["logs"]
    deposit = deposit_from_log(
        Log(bytes.fromhex(log["address"][2:]), tuple(bytes(topic) for topic in log["topics"]), bytes(log["data"])),
        bytes(l1_receipt["blockHash"]),
        log["logIndex"],
    )
    transaction_hash = keccak256(encode_transaction(deposit))
    return web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.1)


def test_the_gas_estimated_right_after_another_deposit_suffices(
    devnet: DevnetProcess, l1: Endpoint, l1_web3: Web3, funded: FundedAccounts
) -> None:
    account = funded(on_l1=True)
    portal = contract_at(l1_web3, "OptimismPortal", l1.contracts["OptimismPortal"])
    data = portal.functions.depositTransaction(account.address, 1, 21_000, False, b"")._encode_transaction_data()

    statuses = []
    # The portal's metering does more in the first deposit of a block than in later ones, and yet more after blocks
    # without one.
    with l1_blocks_on_demand(devnet):
        for _ in range(4):
            call = {"from": account.address, "to": portal.address, "value": "0x1", "data": data}
            gas = int(l1.request("eth_estimateGas", call), 16)
            statuses.append(send(l1_web3, account, to=portal.address, value=1, data=data, gas=gas)["status"])

    assert statuses == [1] * 4
