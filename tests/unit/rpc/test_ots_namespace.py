"""The namespace ots, as Otterscan asks it."""

from pathlib import Path
from typing import Any

import pytest
from served_chain import ALICE, BOB, Served, ServedChain, address_bytes, notebook_call

from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.namespaces.ots_search import OtterscanSearchMethods
from phal2.node.rpc.workers import Workers

ALICE_ADDRESS = ALICE.address.lower()
BOB_ADDRESS = BOB.address.lower()


async def deploy(served: Served, runtime: str, value: int = 0) -> bytes:
    """Deploy code given in hex, at most 32 bytes, in a block of its own."""
    init_code = f"7f{runtime.ljust(64, '0')}5f5260{len(runtime) // 2:02x}5ff3"
    transaction_hash = await served.send(data=bytes.fromhex(init_code), gas=200_000, value=value)
    served.chain.seal()
    return address_bytes((await served.call("eth_getTransactionReceipt", transaction_hash))["contractAddress"])


def forwarder(target: bytes) -> str:
    """Return code that sends one wei to `target`."""
    return f"5f5f5f5f600173{target.hex()}5af100"


async def test_the_level_is_eight(l2: Served):
    assert await l2.call("ots_getApiLevel") == 8
    header = await l2.call("erigon_getHeaderByNumber", 0)
    assert (header["number"], "transactions" in header) == ("0x0", False)


async def test_code_is_there_from_its_block_on(l2: Served):
    address = "0x" + (await deploy(l2, "00")).hex()
    assert await l2.call("ots_hasCode", address) is True
    assert await l2.call("ots_hasCode", address, "0x0") is False
    assert await l2.call("ots_hasCode", ALICE.address, "latest") is False


async def test_internal_operations_are_what_moved_below_the_top(l2: Served):
    forward = await deploy(l2, forwarder(address_bytes(BOB.address)), value=5)
    destroy = await deploy(l2, f"73{BOB_ADDRESS[2:]}ff", value=7)
    moved = await l2.send(to=forward, value=3)
    destroyed = await l2.send(to=destroy)
    plain = await l2.send(to=BOB.address, value=1, gas=21_000)
    l2.chain.seal()
    source = "0x" + forward.hex()
    assert await l2.call("ots_getInternalOperations", moved) == [
        {"type": 0, "from": source, "to": BOB_ADDRESS, "value": "0x1"}
    ]
    assert await l2.call("ots_getInternalOperations", destroyed) == [
        {"type": 1, "from": "0x" + destroy.hex(), "to": BOB_ADDRESS, "value": "0x7"}
    ]
    assert await l2.call("ots_getInternalOperations", plain) == []
    assert await l2.call("ots_getInternalOperations", "0x" + "01" * 32) is None


async def test_a_transactions_messages_and_its_error(l2: Served):
    notebook = await l2.deploy_notebook()
    forward = await deploy(l2, forwarder(notebook), value=5)
    failed = await l2.send(to=notebook, data=notebook_call("failWithReason", "because"), gas=100_000)
    passed = await l2.send(to=forward)
    l2.chain.seal()
    assert (await l2.call("ots_getTransactionError", failed)).startswith("0x08c379a0")
    assert await l2.call("ots_getTransactionError", passed) == "0x"
    source = "0x" + forward.hex()
    assert await l2.call("ots_traceTransaction", passed) == [
        {
            "type": "CALL",
            "depth": 0,
            "from": ALICE_ADDRESS,
            "to": source,
            "value": "0x0",
            "input": "0x",
            "output": "0x",
        },
        {
            "type": "CALL",
            "depth": 1,
            "from": source,
            "to": "0x" + notebook.hex(),
            "value": "0x1",
            "input": "0x",
            "output": "0x",
        },
    ]


async def test_a_blocks_details_have_its_fees_and_not_its_transactions(l2: Served):
    hashes = [await l2.send(to=BOB.address, value=value, gas=21_000) for value in (1, 2)]
    block = l2.chain.seal()
    receipts = [await l2.call("eth_getTransactionReceipt", sent) for sent in hashes]
    details = await l2.call("ots_getBlockDetails", block.header.number)
    fees = sum(int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16) for receipt in receipts)
    assert int(details["totalFees"], 16) == fees
    assert details["block"]["transactionCount"] == 3
    assert details["block"]["logsBloom"] is None
    assert "transactions" not in details["block"]
    assert details["issuance"] == {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"}
    assert await l2.call("ots_getBlockDetailsByHash", "0x" + block.hash.hex()) == details
    assert await l2.call("ots_getBlockDetails", 99) is None


async def test_a_blocks_transactions_come_page_by_page_from_its_end(l2: Served):
    notebook = await l2.deploy_notebook()
    hashes = [await l2.send(to=notebook, data=notebook_call("write", text)) for text in ("a", "b", "c")]
    number = l2.chain.seal().header.number
    last = await l2.call("ots_getBlockTransactions", number, 0, 2)
    assert [transaction["hash"] for transaction in last["fullblock"]["transactions"]] == hashes[1:]
    assert last["fullblock"]["transactionCount"] == 4
    assert {transaction["input"] for transaction in last["fullblock"]["transactions"]} == {
        "0x" + notebook_call("write", "")[:4].hex()
    }
    assert [receipt["transactionHash"] for receipt in last["receipts"]] == hashes[1:]
    assert all(receipt["logs"] is None and receipt["logsBloom"] is None for receipt in last["receipts"])
    before = await l2.call("ots_getBlockTransactions", number, 1, 2)
    assert [transaction["hash"] for transaction in before["fullblock"]["transactions"]][1] == hashes[0]
    assert (await l2.call("ots_getBlockTransactions", number, 2, 2))["receipts"] == []


async def test_searches_find_internal_calls_and_go_page_by_page(l2: Served):
    hidden = b"\x5e" * 20
    forward = await deploy(l2, forwarder(hidden), value=5)
    hashes = []
    for _ in range(3):
        hashes.append(await l2.send(to=forward))
        l2.chain.seal()
        await l2.send(to=BOB.address, value=1, gas=21_000)
        l2.chain.seal()
    address = "0x" + hidden.hex()

    async def search(method: str, block: int, size: int) -> tuple[list[str], bool, bool]:
        page = await l2.call(method, address, block, size)
        assert [receipt["transactionHash"] for receipt in page["receipts"]] == [found["hash"] for found in page["txs"]]
        assert all(isinstance(receipt["timestamp"], int) for receipt in page["receipts"])
        return [found["hash"] for found in page["txs"]], page["firstPage"], page["lastPage"]

    newest_first = hashes[::-1]
    assert await search("ots_searchTransactionsBefore", 0, 2) == (newest_first[:2], True, False)
    number = l2.chain.store.find_transaction(bytes.fromhex(newest_first[1][2:]))
    assert number is not None
    before = await search("ots_searchTransactionsBefore", number.block_number, 2)
    assert before == (newest_first[2:], False, True)
    assert await search("ots_searchTransactionsAfter", 0, 2) == (newest_first[1:], False, True)
    after = await search("ots_searchTransactionsAfter", number.block_number, 2)
    assert after == (newest_first[:1], True, False)
    assert (await l2.fails("ots_searchTransactionsBefore", address, 0, 0))[0] == -32602


async def test_a_search_stops_at_its_limit_of_blocks(tmp_path: Path):
    chain, workers = ServedChain(tmp_path / "chain"), Workers(1)
    for _ in range(6):
        chain.seal()
    search = OtterscanSearchMethods(chain, BlockViews(chain), workers, maximum_blocks=4)
    with pytest.raises(RpcError, match="no transaction found in 4 blocks, up to block 2; search on from there"):
        await search.search_before(address_bytes(BOB.address), 0, 5)
    workers.close()
    chain.store.close()


async def test_a_transaction_is_found_by_sender_and_nonce(l2: Served):
    hashes = []
    for account in (ALICE, BOB, ALICE):
        hashes.append(await l2.send(account, to=BOB.address, value=1, gas=21_000))
        l2.chain.seal()

    async def find(sender: str, nonce: Any) -> str | None:
        found: str | None = await l2.call("ots_getTransactionBySenderAndNonce", sender, nonce)
        return found

    assert await find(ALICE.address, 0) == hashes[0]
    assert await find(ALICE.address, "0x1") == hashes[2]
    assert await find(BOB.address, 0) == hashes[1]
    assert await find(ALICE.address, 2) is None


async def test_the_creator_of_a_contract_may_be_a_contract(l2: Served):
    created = "0x" + (await deploy(l2, "00")).hex()
    hashed = (await l2.call("ots_getContractCreator", created))["creator"]
    assert hashed == ALICE_ADDRESS
    # creates a contract with the code 0x00
    factory = await deploy(l2, "6360015ff35f526004601c5ff000")
    transaction_hash = await l2.send(to=factory, gas=200_000)
    l2.chain.seal()
    (_, inner) = await l2.call("ots_traceTransaction", transaction_hash)
    found = await l2.call("ots_getContractCreator", inner["to"])
    assert found == {"hash": transaction_hash, "creator": "0x" + factory.hex()}
    assert await l2.call("ots_getContractCreator", ALICE.address) is None
    assert await l2.call("ots_getContractCreator", "0x" + "42" + "00" * 18 + "15") is None
