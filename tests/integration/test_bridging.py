"""Ether and tokens through the standard bridge on a devnet: sent on L1, derived by sequencer and follower alike."""

from collections.abc import Callable
from typing import Any

import pytest
from chain_actions import contract_at, deploy, send
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.logs import DISCARD
from withdrawal_steps import finalise_withdrawal

from phal2.devnet.process import DevnetProcess, Endpoint
from phal2.node.protocol.deposits import deposit_from_log
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transaction_codec import encode_transaction

FundedAccounts = Callable[..., LocalAccount]
Until = Callable[[Callable[[], Any]], Any]

ETHER = 10**18
AMOUNT = 1_000 * ETHER
GAS = 200_000


@pytest.fixture
def l1_bridge(l1: Endpoint, l1_web3: Web3) -> Any:
    return contract_at(l1_web3, "L1StandardBridge", l1.contracts["L1StandardBridge"])


@pytest.fixture
def l2_bridge(l2: Endpoint, web3: Web3) -> Any:
    return contract_at(web3, "L2StandardBridge", l2.contracts["L2StandardBridge"])


@pytest.fixture
def arrives(l1: Endpoint, web3: Web3, follower_web3: Web3, until: Until) -> Callable[[Any], Any]:
    """Awaits the one deposit of an L1 transaction on L2; the follower must have derived the same block."""

    def await_deposit(l1_receipt: Any) -> Any:
        portal = l1.contracts["OptimismPortal"]
        (log,) = [log for log in l1_receipt["logs"] if log["address"] == portal]
        deposit = deposit_from_log(
            Log(bytes.fromhex(portal[2:]), tuple(bytes(topic) for topic in log["topics"]), bytes(log["data"])),
            bytes(l1_receipt["blockHash"]),
            log["logIndex"],
        )
        transaction_hash = keccak256(encode_transaction(deposit))
        receipt = web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.1)
        number = receipt["blockNumber"]
        until(lambda: follower_web3.eth.block_number >= number)
        assert follower_web3.eth.get_block(number)["hash"] == receipt["blockHash"]
        return receipt

    return await_deposit


def call(chain: Web3, account: LocalAccount, function: Any, **fields: Any) -> Any:
    receipt = send(chain, account, to=function.address, data=function._encode_transaction_data(), **fields)
    assert receipt["status"] == 1
    return receipt


def test_ether_arrives_on_l2(
    l1_web3: Web3, web3: Web3, funded: FundedAccounts, l1_bridge: Any, arrives: Callable[[Any], Any]
) -> None:
    depositor, receiver = funded(on_l1=True), web3.eth.account.create().address

    sent = call(l1_web3, depositor, l1_bridge.functions.bridgeETHTo(receiver, GAS, b""), value=ETHER)
    receipt = arrives(sent)

    assert (receipt["status"], receipt["type"]) == (1, 0x7E)
    assert web3.eth.get_balance(receiver) == ETHER


def test_ether_sent_to_the_bridge_arrives_at_the_same_address(
    l1_web3: Web3, web3: Web3, funded: FundedAccounts, l1_bridge: Any, arrives: Callable[[Any], Any]
) -> None:
    depositor = funded(on_l1=True)
    before = web3.eth.get_balance(depositor.address)

    arrives(send(l1_web3, depositor, to=l1_bridge.address, value=ETHER))

    assert web3.eth.get_balance(depositor.address) == before + ETHER


def test_a_token_goes_to_l2_and_comes_back(
    devnet: DevnetProcess,
    l1: Endpoint,
    l2: Endpoint,
    l1_web3: Web3,
    web3: Web3,
    funded: FundedAccounts,
    l1_bridge: Any,
    l2_bridge: Any,
    arrives: Callable[[Any], Any],
) -> None:
    holder = funded(on_l1=True)
    token = deploy(l1_web3, holder, "PHAToken", holder.address)
    factory = contract_at(web3, "OptimismMintableERC20Factory", l2.contracts["OptimismMintableERC20Factory"])
    made = call(web3, holder, factory.functions.createOptimismMintableERC20(token.address, "Token on L2", "TKN"))
    (created,) = factory.events.OptimismMintableERC20Created().process_receipt(made, errors=DISCARD)
    mirror = contract_at(web3, "OptimismMintableERC20", created["args"]["localToken"])

    call(l1_web3, holder, token.functions.approve(l1_bridge.address, AMOUNT))
    deposit = l1_bridge.functions.depositERC20(token.address, mirror.address, AMOUNT, GAS, b"")
    arrives(call(l1_web3, holder, deposit))
    assert mirror.functions.balanceOf(holder.address).call() == AMOUNT
    assert token.functions.balanceOf(l1_bridge.address).call() == AMOUNT

    sent = call(web3, holder, l2_bridge.functions.withdraw(mirror.address, 400 * ETHER, GAS, b""))
    passer = contract_at(web3, "L2ToL1MessagePasser", l2.contracts["L2ToL1MessagePasser"])
    (message,) = passer.events.MessagePassed().process_receipt(sent, errors=DISCARD)
    assert message["args"]["target"] == l1.contracts["L1CrossDomainMessenger"]
    assert mirror.functions.totalSupply().call() == AMOUNT - 400 * ETHER

    before = token.functions.balanceOf(holder.address).call()
    finalise_withdrawal(devnet, sent["transactionHash"].to_0x_hex())
    assert token.functions.balanceOf(holder.address).call() == before + 400 * ETHER
    assert token.functions.balanceOf(l1_bridge.address).call() == AMOUNT - 400 * ETHER


def test_pha_goes_to_l2(
    l1: Endpoint,
    l2: Endpoint,
    l1_web3: Web3,
    web3: Web3,
    owner: LocalAccount,
    l1_bridge: Any,
    arrives: Callable[[Any], Any],
) -> None:
    pha = contract_at(l1_web3, "PHAToken", l1.contracts["PHAToken"])
    l2_pha = contract_at(web3, "L2PHAToken", l2.contracts["PHAToken"])
    receiver = web3.eth.account.create().address

    call(l1_web3, owner, pha.functions.approve(l1_bridge.address, AMOUNT))
    deposit = l1_bridge.functions.bridgeERC20To(pha.address, l2_pha.address, receiver, AMOUNT, GAS, b"")
    arrives(call(l1_web3, owner, deposit))

    assert l2_pha.functions.balanceOf(receiver).call() == AMOUNT
    assert l2_pha.functions.remoteToken().call() == pha.address


def test_a_message_that_fails_can_be_tried_again(
    l1: Endpoint,
    l2: Endpoint,
    l1_web3: Web3,
    web3: Web3,
    funded: FundedAccounts,
    arrives: Callable[[Any], Any],
) -> None:
    sender = funded(on_l1=True)
    weth = contract_at(web3, "WETH9", l2.contracts["WETH9"])
    l1_messenger = contract_at(l1_web3, "L1CrossDomainMessenger", l1.contracts["L1CrossDomainMessenger"])
    l2_messenger = contract_at(web3, "L2CrossDomainMessenger", l2.contracts["L2CrossDomainMessenger"])
    # The messenger on L2 has no wrapped ether yet.
    message = weth.encode_abi("transfer", [sender.address, ETHER])

    sent = call(l1_web3, sender, l1_messenger.functions.sendMessage(weth.address, message, GAS))
    failed = arrives(sent)
    assert failed["status"] == 1
    assert len(l2_messenger.events.FailedRelayedMessage().process_receipt(failed, errors=DISCARD)) == 1

    call(web3, sender, weth.functions.deposit(), value=ETHER)
    call(web3, sender, weth.functions.transfer(l2_messenger.address, ETHER))
    (event,) = l1_messenger.events.SentMessage().process_receipt(sent, errors=DISCARD)
    arguments = (event["args"]["messageNonce"], sender.address, weth.address, 0, GAS, message)
    # With less gas than the message asks for, the call would note another failure and not revert.
    again = call(web3, sender, l2_messenger.functions.relayMessage(*arguments), gas=600_000)
    assert len(l2_messenger.events.RelayedMessage().process_receipt(again, errors=DISCARD)) == 1
    assert weth.functions.balanceOf(sender.address).call() == ETHER


def test_fees_are_withdrawn_from_their_vault(
    l2: Endpoint, web3: Web3, owner: LocalAccount, funded: FundedAccounts
) -> None:
    anyone = funded()
    vault = contract_at(web3, "BaseFeeVault", l2.contracts["BaseFeeVault"])
    held, before = web3.eth.get_balance(vault.address), web3.eth.get_balance(owner.address)
    assert held > 0

    receipt = call(web3, anyone, vault.functions.withdraw(), gas=200_000)

    (event,) = vault.events["Withdrawal(uint256,address,address,uint8)"]().process_receipt(receipt, errors=DISCARD)
    value = event["args"]["value"]
    assert value >= held
    assert web3.eth.get_balance(owner.address) == before + value


def test_fees_are_withdrawn_to_l1_where_the_owner_wants_it(
    devnet: DevnetProcess, l2: Endpoint, web3: Web3, l1_web3: Web3, owner: LocalAccount
) -> None:
    vault = contract_at(web3, "L1FeeVault", l2.contracts["L1FeeVault"])
    recipient = web3.eth.account.create().address
    call(web3, owner, vault.functions.setWithdrawalNetwork(0))
    call(web3, owner, vault.functions.setRecipient(recipient))
    held = web3.eth.get_balance(vault.address)

    receipt = call(web3, owner, vault.functions.withdraw())

    passer = contract_at(web3, "L2ToL1MessagePasser", l2.contracts["L2ToL1MessagePasser"])
    (message,) = passer.events.MessagePassed().process_receipt(receipt, errors=DISCARD)
    assert (message["args"]["sender"], message["args"]["target"]) == (vault.address, recipient)
    assert message["args"]["value"] >= held > 0
    finalise_withdrawal(devnet, receipt["transactionHash"].to_0x_hex())
    assert l1_web3.eth.get_balance(recipient) == message["args"]["value"]


def test_the_oracle_prices_as_the_chain_does(l2: Endpoint, web3: Web3, funded: FundedAccounts) -> None:
    account = funded()
    oracle = contract_at(web3, "GasPriceOracle", l2.contracts["GasPriceOracle"])
    receipt = send(web3, account, to=account.address, data=b"")

    raw = bytes(100)
    fee = oracle.functions.getL1Fee(raw).call(block_identifier=receipt["blockNumber"])

    # Both are at the minimum size, so both cost the same in this block.
    assert fee == int(receipt["l1Fee"], 16)
    assert oracle.functions.getL1GasUsed(raw).call() == int(receipt["l1GasUsed"], 16) == 1_600
