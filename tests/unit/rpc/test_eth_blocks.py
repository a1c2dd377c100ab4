"""Blocks, transactions and receipts of a real chain as eth methods show them."""

from collections.abc import Mapping
from typing import Any

import pytest
from eth_account import Account
from served_chain import ALICE, BOB, CHAIN_ID, L1_ORIGIN, START_TIME, TIP, Served, notebook_call

from phal2.contracts import encode_constructor, load_artefact
from phal2.node.protocol.deposits import DepositTransaction, encode_deposit
from phal2.node.protocol.fees import l1_fee, l1_gas_used
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import decode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import decode_receipt
from phal2.node.protocol.rlp import decode_list

BLOCK_FIELDS = {
    "number", "hash", "parentHash", "nonce", "mixHash", "sha3Uncles", "logsBloom", "transactionsRoot", "stateRoot",
    "receiptsRoot", "miner", "difficulty", "extraData", "size", "gasLimit", "gasUsed", "timestamp",
    "transactions", "uncles", "baseFeePerGas", "withdrawals", "withdrawalsRoot", "blobGasUsed", "excessBlobGas",
    "parentBeaconBlockRoot", "requestsHash",
}  # fmt: skip


def unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


async def test_a_block_has_every_field_and_is_found_by_number_tag_and_hash(l2: Served):
    await l2.send(to=BOB.address, value=5)
    sealed = l2.chain.seal()
    block = await l2.call("eth_getBlockByNumber", "0x1", True)
    assert block.keys() == BLOCK_FIELDS
    assert block["hash"] == "0x" + sealed.hash.hex()
    assert block["timestamp"] == hex(START_TIME + 1)
    for reference in ("latest", "0x1"):
        assert await l2.call("eth_getBlockByNumber", reference, True) == block
    assert await l2.call("eth_getBlockByHash", block["hash"], True) == block
    hashes = await l2.call("eth_getBlockByHash", block["hash"], False)
    assert hashes["transactions"] == [transaction["hash"] for transaction in block["transactions"]]
    assert {**hashes, "transactions": 0} == {**block, "transactions": 0}
    assert await l2.call("eth_getBlockTransactionCountByNumber", "latest") == "0x2"
    assert await l2.call("eth_getBlockTransactionCountByHash", block["hash"]) == "0x2"
    assert await l2.call("eth_getUncleCountByBlockNumber", "latest") == "0x0"
    assert await l2.call("eth_getUncleByBlockHashAndIndex", block["hash"], "0x0") is None


async def test_tags_name_their_blocks(l2: Served):
    for _ in range(3):
        l2.chain.seal()
    numbers = {
        tag: (await l2.call("eth_getBlockByNumber", tag, False))["number"]
        for tag in ("earliest", "finalized", "safe", "latest", "pending")
    }
    assert numbers == {"earliest": "0x0", "finalized": "0x0", "safe": "0x0", "latest": "0x3", "pending": "0x4"}
    assert await l2.call("eth_blockNumber") == "0x3"


async def test_what_is_not_there_is_null(l2: Served):
    nothing = "0x" + "99" * 32
    assert await l2.call("eth_getBlockByNumber", "0x5", True) is None
    assert await l2.call("eth_getBlockByHash", nothing, True) is None
    assert await l2.call("eth_getTransactionByHash", nothing) is None
    assert await l2.call("eth_getTransactionReceipt", nothing) is None
    assert await l2.call("eth_getBlockReceipts", "0x5") is None
    assert await l2.call("eth_getTransactionByBlockNumberAndIndex", "0x0", "0x0") is None
    assert await l2.call("eth_getBlockTransactionCountByHash", nothing) is None
    assert await l2.fails("eth_getBalance", BOB.address, "0x5") == (-32000, "header not found")
    assert await l2.fails("debug_getRawBlock", "0x5") == (-32000, "block #5 not found")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"gasPrice": 2 * 10**9}, {"type": "0x0", "gasPrice": hex(2 * 10**9)}),
        (
            {
                "gasPrice": 2 * 10**9,
                "type": 1,
                "accessList": [{"address": BOB.address, "storageKeys": ["0x" + "01" * 32]}],
            },
            {"type": "0x1"},
        ),
        ({}, {"type": "0x2", "maxFeePerGas": hex(10**10), "maxPriorityFeePerGas": hex(TIP)}),
        ({"type": 4, "authorizationList": "signed"}, {"type": "0x4"}),
    ],
)
async def test_signed_transactions_of_all_types(l2: Served, fields: dict[str, Any], shown: Mapping[str, Any]):
    if "authorizationList" in fields:
        authorization = BOB.sign_authorization({"chainId": CHAIN_ID, "address": "0x" + "12" * 20, "nonce": 0})
        fields = {**fields, "authorizationList": [authorization]}
    transaction_hash = await l2.send(to=BOB.address, value=7, **fields)
    pending = await l2.call("eth_getTransactionByHash", transaction_hash)
    assert pending["blockHash"] is None

    sealed = l2.chain.seal()
    transaction = await l2.call("eth_getTransactionByHash", transaction_hash)

    assert {**transaction, **shown} == transaction
    assert transaction["blockHash"] == "0x" + sealed.hash.hex()
    assert transaction["transactionIndex"] == "0x1"
    assert transaction["from"] == ALICE.address.lower()
    assert transaction["chainId"] == hex(CHAIN_ID)
    if "maxFeePerGas" in transaction:
        assert int(transaction["gasPrice"], 16) == (sealed.header.base_fee_per_gas or 0) + TIP
    raw = await l2.call("eth_getRawTransactionByHash", transaction_hash)
    assert "0x" + keccak256(unhex(raw)).hex() == transaction_hash
    assert Account.recover_transaction(raw) == ALICE.address
    assert await l2.call("eth_getTransactionByBlockHashAndIndex", transaction["blockHash"], "0x1") == transaction
    assert await l2.call("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x1") == transaction


async def test_a_receipt_has_the_fees_of_the_op_stack(l2: Served):
    transaction_hash = await l2.send(to=BOB.address, value=7)
    sealed = l2.chain.seal()
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    raw, parameters = sealed.transactions[1], L1_ORIGIN.fee_parameters
    assert receipt["status"] == "0x1"
    assert receipt["gasUsed"] == "0x5208"
    assert int(receipt["effectiveGasPrice"], 16) == (sealed.header.base_fee_per_gas or 0) + TIP
    assert receipt["contractAddress"] is None
    assert {name: int(receipt[name], 16) for name in receipt if name.startswith("l1")} == {
        "l1GasPrice": parameters.l1_base_fee,
        "l1GasUsed": l1_gas_used(raw, parameters, Fork.ISTHMUS),
        "l1Fee": l1_fee(raw, parameters, Fork.ISTHMUS),
        "l1BlobBaseFee": parameters.blob_base_fee,
        "l1BaseFeeScalar": parameters.base_fee_scalar,
        "l1BlobBaseFeeScalar": parameters.blob_base_fee_scalar,
    }
    assert "operatorFeeScalar" not in receipt


async def test_what_a_transfer_cost_is_what_its_receipt_says(l2: Served):
    before = int(await l2.call("eth_getBalance", ALICE.address, "latest"), 16)
    transaction_hash = await l2.send(to=BOB.address, value=7)
    l2.chain.seal()
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16) + int(receipt["l1Fee"], 16)
    assert int(await l2.call("eth_getBalance", ALICE.address), 16) == before - cost - 7
    assert int(await l2.call("eth_getBalance", ALICE.address, "0x0"), 16) == before


async def test_an_l1_chain_shows_no_l2_fees(l1: Served):
    transaction_hash = await l1.send(to=BOB.address, value=7)
    l1.chain.seal()
    receipt = await l1.call("eth_getTransactionReceipt", transaction_hash)
    assert not [name for name in receipt if name.startswith("l1")]
    assert (await l1.fails("attestation_getPolicy"))[0] == -32601


async def test_deposits_have_the_fields_of_type_7e(l2: Served):
    deposit = DepositTransaction(b"\x5c" * 32, b"\xde" * 20, None, 10**18, 0, 100_000, False, b"\x00")
    raw = encode_deposit(deposit)
    l2.chain.seal(extra=[raw])
    transaction_hash = "0x" + keccak256(raw).hex()

    transaction = await l2.call("eth_getTransactionByHash", transaction_hash)
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)

    assert transaction["type"] == receipt["type"] == "0x7e"
    assert transaction["sourceHash"] == "0x" + "5c" * 32
    assert transaction["mint"] == hex(10**18)
    assert transaction["nonce"] == receipt["depositNonce"] == "0x0"
    assert transaction["depositReceiptVersion"] == receipt["depositReceiptVersion"] == "0x1"
    assert (transaction["gasPrice"], transaction["v"], transaction["r"], transaction["s"]) == ("0x0",) * 4
    assert "isSystemTx" not in transaction
    assert receipt["effectiveGasPrice"] == "0x0"
    assert receipt["contractAddress"] is not None
    assert "l1Fee" not in receipt


async def test_receipts_of_a_block_count_gas_and_logs_across_it(l2: Served):
    notebook = await l2.deploy_notebook()
    for text in ("one", "two"):
        await l2.send(to=notebook, data=notebook_call("write", text))
    await l2.send(to=notebook, data=notebook_call("failWithReason", "no"))
    sealed = l2.chain.seal()
    receipts = await l2.call("eth_getBlockReceipts", "latest")
    assert [receipt["status"] for receipt in receipts] == ["0x1", "0x1", "0x1", "0x0"]
    assert sum(int(receipt["gasUsed"], 16) for receipt in receipts) == sealed.header.gas_used
    assert [log["logIndex"] for receipt in receipts for log in receipt["logs"]] == ["0x0", "0x1"]
    for receipt in receipts:
        assert await l2.call("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt
    assert await l2.call("eth_getBlockReceipts", "0x" + sealed.hash.hex()) == receipts


async def test_a_created_contract_is_where_the_receipt_says(l2: Served):
    notebook = load_artefact("Notebook")
    transaction_hash = await l2.send(data=encode_constructor(notebook, []), gas=3_000_000)
    l2.chain.seal()
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    assert receipt["to"] is None
    assert unhex(await l2.call("eth_getCode", receipt["contractAddress"], "latest")) == notebook.deployed_bytecode
    assert await l2.call("eth_getCode", receipt["contractAddress"], "0x0") == "0x"


async def test_raw_encodings_hash_to_what_the_block_says(l2: Served):
    transaction_hash = await l2.send(to=BOB.address, value=7)
    sealed = l2.chain.seal()
    header = decode_header(unhex(await l2.call("debug_getRawHeader", "latest")))
    assert header_hash(header) == sealed.hash
    raw_block = unhex(await l2.call("debug_getRawBlock", "0x" + sealed.hash.hex()))
    assert len(decode_list(raw_block)) == 4
    assert (await l2.call("eth_getBlockByNumber", "latest"))["size"] == hex(len(raw_block))
    raw_receipts = [unhex(receipt) for receipt in await l2.call("debug_getRawReceipts", "latest")]
    assert ordered_trie_root(raw_receipts) == header.receipts_root
    assert decode_receipt(raw_receipts[1]).cumulative_gas_used == header.gas_used
    assert unhex(await l2.call("debug_getRawTransaction", transaction_hash)) == sealed.transactions[1]


async def test_the_pool_is_shown_by_sender_and_nonce(l2: Served):
    transaction_hash = await l2.send(to=BOB.address, value=7)
    assert await l2.call("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    content = await l2.call("txpool_content")
    assert content["pending"][ALICE.address]["0"]["hash"] == transaction_hash
    assert (await l2.call("txpool_contentFrom", ALICE.address))["pending"]["0"]["hash"] == transaction_hash
    assert (await l2.call("txpool_contentFrom", BOB.address))["pending"] == {}
    assert "7 wei" in (await l2.call("txpool_inspect"))["pending"][ALICE.address]["0"]
    assert await l2.call("eth_getTransactionCount", ALICE.address, "pending") == "0x1"
    assert await l2.call("eth_getTransactionCount", ALICE.address, "latest") == "0x0"
    pending = await l2.call("eth_getBlockByNumber", "pending", False)
    assert pending["transactions"] == [transaction_hash]


async def test_a_refused_transaction_says_why(l2: Served):
    assert await l2.fails("eth_sendRawTransaction", "0x") == (-32000, "an empty byte string is no transaction")
    code, message = await l2.fails("eth_sendRawTransaction", "0x02c0")
    assert code == -32000
    assert "expected a list of 12 elements" in message


async def test_prices_and_fee_history(l2: Served):
    for price in (1, 3, 2):
        await l2.send(to=BOB.address, maxPriorityFeePerGas=price * TIP)
    sealed = l2.chain.seal()
    l2.chain.seal()
    history = await l2.call("eth_feeHistory", "0x2", "latest", [0, 50, 100])
    assert history["oldestBlock"] == "0x1"
    assert history["reward"] == [[hex(TIP), hex(2 * TIP), hex(3 * TIP)], ["0x0"] * 3]
    assert history["baseFeePerGas"][0] == hex(sealed.header.base_fee_per_gas or 0)
    assert len(history["baseFeePerGas"]) == 3
    assert history["gasUsedRatio"][0] == sealed.header.gas_used / sealed.header.gas_limit
    next_base_fee = l2.chain.pending_environment().base_fee_per_gas
    assert int(history["baseFeePerGas"][2], 16) == next_base_fee
    assert int(await l2.call("eth_gasPrice"), 16) == next_base_fee + TIP
    assert await l2.call("eth_maxPriorityFeePerGas") == hex(TIP)
    assert await l2.call("eth_blobBaseFee") == "0x1"
    assert (await l2.call("eth_feeHistory", 5, "0x1"))["oldestBlock"] == "0x0"


@pytest.mark.parametrize(
    ("percentiles", "problem"),
    [
        ([50, 10], "#0:50.000000 >= #1:10.000000"),
        ([1, 25, 25], "#1:25.000000 >= #2:25.000000"),
        ([101], "101.000000"),
        ([-0.5], "-0.500000"),
    ],
)
async def test_percentiles_that_do_not_rise_from_0_to_100_are_refused_as_geth_does(
    l2: Served, percentiles: list[float], problem: str
):
    refusal = (-32000, f"invalid reward percentile: {problem}")
    assert await l2.fails("eth_feeHistory", "0x1", "latest", percentiles) == refusal


async def test_what_a_client_asks_first(l2: Served):
    assert await l2.call("eth_chainId") == hex(CHAIN_ID)
    assert await l2.call("net_version") == str(CHAIN_ID)
    assert await l2.call("net_listening") is True
    assert (await l2.call("web3_clientVersion")).startswith("phal2/v")
    assert await l2.call("web3_sha3", "0x") == "0x" + keccak256(b"").hex()
    assert await l2.call("eth_syncing") is False
    assert await l2.call("eth_accounts") == []
