"""`rpc.discover` describes every method, and results are as it says."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from served_chain import ALICE, BOB, Served, notebook_call

TRACERS: tuple[dict[str, Any], ...] = (
    {},
    {"enableMemory": True, "enableReturnData": True},
    {"tracer": "callTracer", "tracerConfig": {"withLog": True}},
    {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}},
    {"tracer": "prestateTracer"},
    {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}},
    {"tracer": "4byteTracer"},
    {"tracer": "flatCallTracer"},
    {"tracer": "noopTracer"},
    {"tracer": "muxTracer", "tracerConfig": {"callTracer": {}, "4byteTracer": {}}},
)


async def document(served: Served) -> dict[str, Any]:
    result = await served.call("rpc.discover")
    assert isinstance(result, dict)
    return result


async def test_the_document_names_each_method_with_its_parameters(l2: Served):
    described = await document(l2)
    assert described["openrpc"].startswith("1.3")
    methods = {method["name"]: method for method in described["methods"]}
    assert len(methods) == len(described["methods"])
    call = methods["eth_call"]
    assert [(parameter["name"], parameter["required"]) for parameter in call["params"]] == [
        ("call", True),
        ("block", False),
        ("stateOverrides", False),
        ("blockOverrides", False),
    ]
    assert call["summary"] == "Return what a call gives after the block; a REVERT is the error 3 with its data."
    assert set(methods["eth_subscribe"]["params"][0]["schema"]["enum"]) == {
        "logs",
        "newHeads",
        "newPendingTransactions",
        "syncing",
    }
    assert {"rpc.discover", "debug_getRawBlock", "attestation_verify"} < methods.keys()


async def test_all_schemas_are_json_schemas_and_clients_know_what_comes(l2: Served):
    for method in (await document(l2))["methods"]:
        for schema in (*(parameter["schema"] for parameter in method["params"]), method["result"]["schema"]):
            Draft202012Validator.check_schema(schema)
        assert method["result"]["schema"], f"{method['name']} has no schema of its result"


async def checking(served: Served) -> Callable[..., Awaitable[Any]]:
    """Return a function that calls a method, holds the result against the document, and returns it."""
    schemas = {method["name"]: method["result"]["schema"] for method in (await document(served))["methods"]}

    async def check(method: str, *params: Any) -> Any:
        result = await served.call(method, *params)
        Draft202012Validator(schemas[method]).validate(result)
        return result

    return check


@pytest.mark.parametrize("layer", ["l1", "l2"])
async def test_results_are_as_the_document_says(l1: Served, l2: Served, layer: str):
    served = l1 if layer == "l1" else l2
    check = await checking(served)
    notebook = await served.deploy_notebook()
    filter_id = await check("eth_newFilter", {})
    sent = await served.send(to=notebook, data=notebook_call("write", "described"))
    await served.send(BOB, to=ALICE.address, gasPrice=10**10)
    await check("txpool_content")
    await check("txpool_contentFrom", ALICE.address)
    await check("txpool_inspect")
    await check("txpool_status")
    await check("eth_getBlockByNumber", "pending", True)
    await check("eth_getTransactionByHash", sent)
    block = served.chain.seal()
    block_hash = "0x" + block.hash.hex()
    await check("eth_getFilterChanges", filter_id)
    await check("eth_getFilterLogs", filter_id)
    await check("eth_uninstallFilter", filter_id)
    for reference in (block_hash, "latest", "earliest"):
        await check("eth_getBlockReceipts", reference)
    for full in (True, False):
        await check("eth_getBlockByHash", block_hash, full)
        await check("eth_getBlockByNumber", "0x0", full)
    await check("eth_getTransactionByHash", sent)
    await check("eth_getTransactionReceipt", sent)
    await check("eth_getTransactionByBlockHashAndIndex", block_hash, "0x0")
    await check("eth_getLogs", {"fromBlock": "earliest"})
    await check("eth_feeHistory", "0x5", "latest", [10, 90])
    await check("eth_getProof", "0x" + notebook.hex(), ["0x0", "0x" + "00" * 32], "latest")
    await check("eth_getStorageValues", {"0x" + notebook.hex(): ["0x0"]})
    await check("eth_createAccessList", {"to": "0x" + notebook.hex(), "data": "0x" + notebook_call("count").hex()})
    await check("eth_simulateV1", {"blockStateCalls": [{"calls": [{"to": ALICE.address}]}]})
    for method in (
        "eth_accounts",
        "eth_baseFee",
        "eth_blobBaseFee",
        "eth_blockNumber",
        "eth_capabilities",
        "eth_chainId",
        "eth_config",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_syncing",
        "net_listening",
        "net_peerCount",
        "net_version",
        "web3_clientVersion",
    ):
        await check(method)


async def test_traces_and_raw_encodings_are_as_the_document_says(l2: Served):
    check = await checking(l2)
    notebook = await l2.deploy_notebook()
    sent = await l2.send(to=notebook, data=notebook_call("write", "described"))
    reverted = await l2.send(to=notebook, data=notebook_call("failWithReason", "because"), gas=100_000)
    block_hash = "0x" + l2.chain.seal().hash.hex()
    call = {"to": "0x" + notebook.hex(), "data": "0x" + notebook_call("failWithReason", "because").hex()}
    for options in TRACERS:
        for transaction_hash in (sent, reverted):
            await check("debug_traceTransaction", transaction_hash, options)
        await check("debug_traceBlockByHash", block_hash, options)
        await check("debug_traceBlockByNumber", "latest", options)
        await check("debug_traceCall", call, "latest", options)
    for method in ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts", "debug_executionWitness"):
        await check(method, "latest")
    assert await check("debug_getRawTransaction", sent) != "0x"
    assert await check("debug_getBadBlocks") == []


async def test_what_explorers_ask_is_as_the_document_says(l2: Served):
    check = await checking(l2)
    notebook = await l2.deploy_notebook()
    sent = await l2.send(to=notebook, data=notebook_call("write", "described"))
    block_hash = "0x" + l2.chain.seal().hash.hex()
    address = "0x" + notebook.hex()
    assert await check("ots_getApiLevel") == 8
    assert await check("ots_hasCode", address)
    await check("ots_getInternalOperations", sent)
    await check("ots_getTransactionError", sent)
    assert await check("ots_traceTransaction", sent)
    assert await check("ots_getBlockDetails", 1)
    assert await check("ots_getBlockDetailsByHash", block_hash)
    assert (await check("ots_getBlockTransactions", 2, 0, 10))["receipts"]
    assert (await check("ots_searchTransactionsBefore", address, 0, 10))["txs"]
    assert (await check("ots_searchTransactionsAfter", address, 0, 10))["txs"]
    assert await check("ots_getTransactionBySenderAndNonce", ALICE.address, 0)
    assert await check("ots_getContractCreator", address)
    assert await check("erigon_getHeaderByNumber", 1)


async def test_modules_are_the_namespaces_of_the_methods(l2: Served):
    modules = await (await checking(l2))("rpc_modules")
    assert modules["eth"] == modules["debug"] == modules["rpc"] == "1.0"
    assert "admin" not in modules
