"""The follower, which reads nothing but L1, has the sequencer's chain."""

from collections.abc import Callable
from typing import Any

import pytest
from chain_actions import deploy, send
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.exceptions import Web3RPCError

from phal2.devnet.process import Endpoint

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


def test_the_follower_takes_no_transactions(follower_web3: Web3, funded: FundedAccounts) -> None:
    with pytest.raises(Web3RPCError, match="follower"):
        send(follower_web3, funded(), to="0x" + "00" * 20, gas=21_000)
