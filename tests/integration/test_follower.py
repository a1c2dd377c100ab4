"""The follower, which reads nothing but L1, has the sequencer's chain."""

from collections.abc import Callable
from typing import Any

import pytest
from chain_actions import deploy, mine, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import Endpoint, RequestRefused

FundedAccounts = Callable[..., LocalAccount]


def test_the_follower_has_the_same_block_hash_at_every_height(
    web3: Web3, follower_web3: Web3, funded: FundedAccounts, until: Callable[[Callable[[], Any]], Any]
) -> None:
    author = funded()
    notebook = deploy(web3, author, "Notebook")
    receipt = send(web3, author, to=notebook.address, data=notebook.functions.write("x")._encode_transaction_data())

    until(lambda: follower_web3.eth.block_number >= receipt["blockNumber"])

    assert follower_web3.eth.get_transaction_receipt(receipt["transactionHash"]) == receipt
    for number in range(receipt["blockNumber"] + 1):
        assert follower_web3.eth.get_block(number)["hash"] == web3.eth.get_block(number)["hash"]


def test_safe_and_finalized_heads_move(
    l1: Endpoint, l2: Endpoint, web3: Web3, until: Callable[[Callable[[], Any]], Any]
) -> None:
    before = l2.request("optimism_syncStatus")

    l1.mine()
    until(lambda: l2.request("optimism_syncStatus")["safe_l2"]["number"] > before["safe_l2"]["number"])
    for _ in range(5):
        l1.mine()
    until(lambda: l2.request("optimism_syncStatus")["finalized_l2"]["number"] > before["safe_l2"]["number"])

    heads = [web3.eth.get_block(tag)["number"] for tag in ("finalized", "safe", "latest")]
    assert heads == sorted(heads)


def test_both_nodes_give_the_same_output_root(
    l2: Endpoint, follower: Endpoint, until: Callable[[Callable[[], Any]], Any]
) -> None:
    until(lambda: follower.block_number() >= 3)

    assert (
        l2.request("optimism_outputAtBlock", "0x3")["outputRoot"]
        == follower.request("optimism_outputAtBlock", "0x3")["outputRoot"]
    )


def test_the_follower_hands_transactions_on_to_the_sequencer(
    web3: Web3, follower_web3: Web3, funded: FundedAccounts
) -> None:
    transfer = {"chainId": web3.eth.chain_id, "nonce": 0, "to": "0x" + "00" * 20, "gas": 21_000, "gasPrice": 10**10}

    sent = follower_web3.eth.send_raw_transaction(funded().sign_transaction(transfer).raw_transaction)
    mine(web3)

    receipt = follower_web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.05)
    assert receipt["status"] == 1
    assert receipt == web3.eth.get_transaction_receipt(sent)


def test_sequencer_and_follower_refuse_a_transaction_alike(
    l2: Endpoint, follower: Endpoint, funded: FundedAccounts
) -> None:
    transfer = {"chainId": l2.chain_id, "nonce": 0, "to": "0x" + "00" * 20, "gas": 21_000, "gasPrice": 10**10}
    too_dear = funded().sign_transaction(transfer | {"value": 10**30}).raw_transaction.to_0x_hex()
    elsewhere = funded().sign_transaction(transfer | {"chainId": 1}).raw_transaction.to_0x_hex()

    for raw in (too_dear, elsewhere, "0x", "0x02c0", "0x03c0", "0x7ec0", "0xff"):
        refusals = []
        for endpoint in (l2, follower):
            with pytest.raises(RequestRefused) as refused:
                endpoint.request("eth_sendRawTransaction", raw)
            refusals.append((refused.value.code, refused.value.message))
        assert refusals[0] == refusals[1]
