"""eth_sendRawTransactionSync (EIP-7966)."""

import asyncio

from served_chain import ALICE, BOB, CHAIN_ID, TIP, Served


def signed(value: int = 1) -> str:
    fields = {"chainId": CHAIN_ID, "nonce": 0, "gas": 21_000, "to": BOB.address, "value": value}
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": TIP}
    return "0x" + bytes(ALICE.sign_transaction({**fields, **fees}).raw_transaction).hex()


async def test_the_receipt_comes_with_the_block(l2: Served):
    asked = asyncio.create_task(l2.call("eth_sendRawTransactionSync", signed()))
    while not l2.chain.pool:
        await l2.call("eth_chainId")
    assert not asked.done()
    l2.chain.seal()
    receipt = await asked
    assert receipt["status"] == "0x1"
    assert receipt == await l2.call("eth_getTransactionReceipt", receipt["transactionHash"])


async def test_whoever_waits_no_longer_gets_the_hash(l2: Served):
    error = (await l2.ask("eth_sendRawTransactionSync", signed(), 20))["error"]
    assert error["code"] == 4
    assert error["data"] == "0x" + l2.chain.pool[0].hash.hex()


async def test_a_transaction_that_is_refused_is_not_waited_for(l2: Served):
    code, _ = await l2.fails("eth_sendRawTransactionSync", "0x02c0")
    assert code == -32000
