"""What the namespace txpool and the block "pending" tell of transactions that wait."""

from served_chain import ALICE, BOB, Served


async def test_what_waits_for_an_earlier_nonce_is_queued(l2: Served):
    first = await l2.send(to=BOB.address)
    later = await l2.send(to=BOB.address, nonce=5)

    assert await l2.call("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    content = await l2.call("txpool_content")
    assert content["pending"][ALICE.address]["0"]["hash"] == first
    assert content["queued"][ALICE.address]["5"]["hash"] == later
    assert await l2.call("txpool_contentFrom", ALICE.address) == {
        "pending": content["pending"][ALICE.address],
        "queued": content["queued"][ALICE.address],
    }
    inspected = await l2.call("txpool_inspect")
    assert list(inspected["pending"][ALICE.address]) == ["0"]
    assert list(inspected["queued"][ALICE.address]) == ["5"]
    assert (await l2.call("eth_getBlockByNumber", "pending", False))["transactions"] == [first]
    assert await l2.call("eth_getBlockTransactionCountByNumber", "pending") == "0x1"
    assert await l2.call("eth_getTransactionCount", ALICE.address, "pending") == "0x1"


async def test_the_pending_block_has_the_same_transactions_by_index(l2: Served):
    l2.chain.seal()
    first = await l2.send(to=BOB.address)
    await l2.send(to=BOB.address, nonce=5)

    block = await l2.call("eth_getBlockByNumber", "pending", True)
    at_0 = await l2.call("eth_getTransactionByBlockNumberAndIndex", "pending", "0x0")

    assert at_0 == block["transactions"][0]
    assert (at_0["hash"], at_0["blockNumber"]) == (first, None)
    raw = await l2.call("eth_getRawTransactionByBlockNumberAndIndex", "pending", "0x0")
    assert raw == await l2.call("debug_getRawTransaction", first)
    for method in ("eth_getTransactionByBlockNumberAndIndex", "eth_getRawTransactionByBlockNumberAndIndex"):
        assert await l2.call(method, "pending", "0x1") is None


async def test_what_only_an_executed_block_has_is_refused_of_the_pending_one(l2: Served):
    l2.chain.seal()
    assert await l2.fails("eth_getBlockReceipts", "pending") == (-32000, "pending receipts is not available")
    for method in ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts", "debug_traceBlockByNumber"):
        assert await l2.fails(method, "pending") == (-32000, "pending block is not available")
    assert await l2.fails("debug_executionWitness", "pending") == (-32000, "pending block is not available")


async def test_a_transaction_that_fills_the_gap_takes_the_queued_one_along(l2: Served):
    await l2.send(to=BOB.address, nonce=1)
    assert await l2.call("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    await l2.send(to=BOB.address, nonce=0)
    assert await l2.call("txpool_status") == {"pending": "0x2", "queued": "0x0"}
