"""eth_simulateV1 on a real L2 chain: what the recorded conversations, which are of an L1 chain, do not show."""

from typing import Any

import pytest
from served_chain import ALICE, BOB, CHAIN_ID, Served, address_bytes, notebook_call

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import BASE_FEE_VAULT
from phal2.node.rpc.simulation.transfers import TRANSFER_ADDRESS, TRANSFER_TOPIC

POOR = "0x" + "99" * 20
RICH = ALICE.address.lower()
ETHER = hex(10**18)


def blocks(*calls: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"blockStateCalls": [{"calls": list(of_block)} for of_block in calls], **fields}


async def balance_call(served: Served, address: str, simulation: dict[str, Any]) -> int:
    """Return a balance after a simulation, by a contract that gives the balance of the address in its input."""
    reader = "0x" + "7e" * 20
    question = {"stateOverrides": {reader: {"code": "0x5f35315f5260205ff3"}}}
    calls = [{"from": POOR, "to": reader, "input": "0x" + address[2:].rjust(64, "0")}]
    series = [*simulation["blockStateCalls"], {**question, "calls": calls}]
    result = await served.call("eth_simulateV1", {**simulation, "blockStateCalls": series})
    return int(result[-1]["calls"][0]["returnData"], 16)


async def test_blocks_follow_one_another_as_those_of_the_chain(l2: Served):
    l2.chain.seal()
    head = await l2.call("eth_getBlockByNumber", "latest", False)
    first, second = await l2.call("eth_simulateV1", blocks([], []))
    assert first["parentHash"] == head["hash"]
    assert second["parentHash"] == first["hash"]
    assert int(second["timestamp"], 16) == int(head["timestamp"], 16) + 2 * l2.chain.rules.config.block_time
    assert first["extraData"] == head["extraData"]
    assert (await l2.call("eth_blockNumber")) == head["number"]
    assert await l2.call("eth_getBlockByHash", first["hash"], False) is None


async def test_calls_see_what_earlier_ones_did(l2: Served):
    notebook = await l2.deploy_notebook()
    write = {"from": RICH, "to": "0x" + notebook.hex(), "input": "0x" + notebook_call("write", "simulated").hex()}
    count = {"to": "0x" + notebook.hex(), "input": "0x" + notebook_call("count").hex()}
    result = await l2.call("eth_simulateV1", blocks([write, count], [count], [write, count]))
    assert [int(block["calls"][-1]["returnData"], 16) for block in result] == [1, 1, 2]
    assert result[0]["calls"][0]["logs"][0]["blockHash"] == result[0]["hash"]
    assert int(await l2.call("eth_call", count), 16) == 0


async def test_who_pays_a_price_pays_base_fee_and_tip(l2: Served):
    l2.chain.seal()
    base_fee = int(await l2.call("eth_baseFee"), 16)
    call = {"from": RICH, "to": POOR, "value": "0x1", "maxFeePerGas": "0x2540be400", "maxPriorityFeePerGas": "0x7"}
    simulation = blocks([call])
    simulation["blockStateCalls"][0]["blockOverrides"] = {"baseFeePerGas": hex(base_fee)}
    vault = "0x" + BASE_FEE_VAULT.hex()
    before = int(await l2.call("eth_getBalance", vault), 16)
    assert await balance_call(l2, vault, simulation) == before + 21_000 * base_fee
    coinbase = (await l2.call("eth_getBlockByNumber", "latest", False))["miner"]
    before = int(await l2.call("eth_getBalance", coinbase), 16)
    assert await balance_call(l2, coinbase, simulation) == before + 21_000 * 7
    spent = 21_000 * (base_fee + 7) + 1
    assert await balance_call(l2, RICH, simulation) == int(await l2.call("eth_getBalance", RICH), 16) - spent


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"nonce": "0x63"}, -38011),
        ({"from": POOR, "value": "0x1"}, -38012),
        ({"from": POOR, "value": "0x1", "maxFeePerGas": ETHER}, -38014),
        ({"gas": "0x5207", "maxFeePerGas": "0x3b9aca00"}, -38013),
        ({"gas": "0x3b9aca00"}, -38015),
        ({"maxFeePerGas": "0x3b9aca00", "maxPriorityFeePerGas": "0x3b9aca01"}, -32602),
        ({"to": None, "input": "0x" + "00" * 49_153, "maxFeePerGas": "0x3b9aca00"}, -38025),
        ({"chainId": "0x1"}, -32000),
    ],
)
async def test_what_is_not_valid_is_refused_with_its_code(l2: Served, fields: dict[str, Any], code: int):
    call = {"from": RICH, "to": POOR, **fields}
    assert (await l2.fails("eth_simulateV1", blocks([call], validation=True)))[0] == code


async def test_a_used_nonce_is_refused_where_calls_are_validated(l2: Served):
    await l2.send(to=BOB.address, value=1)
    l2.chain.seal()
    call = {"from": RICH, "to": POOR, "nonce": "0x0", "maxFeePerGas": "0x3b9aca00"}
    assert (await l2.fails("eth_simulateV1", blocks([call], validation=True)))[0] == -38010
    assert (await l2.call("eth_simulateV1", blocks([call])))[0]["calls"][0]["status"] == "0x1"


@pytest.mark.parametrize(
    ("request_object", "code", "message"),
    [
        ({}, -32602, "empty input"),
        ({"blockStateCalls": []}, -32602, "empty input"),
        ({"blockStateCalls": [{}] * 257}, -38026, "too many blocks"),
        ({"blockStateCalls": [{"blockOverrides": {"number": "0x3e8"}}]}, -38026, "too many blocks"),
        ({"blockStateCalls": [{"calls": [{}] * 1_001}]}, -38026, "too many calls: 1001, at most 1000 a block"),
        (
            {"blockStateCalls": [{"blockOverrides": {"number": "0x0"}}]},
            -38020,
            "block numbers must be in order: 0 <= 0",
        ),
        ({"blockStateCalls": {}}, -32602, "empty input"),
        ({"blockStateCalls": [5]}, -32602, "invalid argument 0: blockStateCalls: expected an object, got a number"),
        ([], -32602, "invalid argument 0: expected an object with blockStateCalls, got an array"),
    ],
)
async def test_wrong_requests(l2: Served, request_object: Any, code: int, message: str):
    assert await l2.fails("eth_simulateV1", request_object) == (code, message)


async def test_transfers_show_as_logs_beside_those_of_contracts(l2: Served):
    notebook = await l2.deploy_notebook()
    write = {"from": RICH, "to": "0x" + notebook.hex(), "input": "0x" + notebook_call("write", "logged").hex()}
    give = {"from": RICH, "to": POOR, "value": "0x5"}
    create = {"from": RICH, "value": "0x6", "input": "0x"}
    result = await l2.call("eth_simulateV1", blocks([give, write, create], traceTransfers=True))
    logs = [log for call in result[0]["calls"] for log in call["logs"]]
    assert [log["address"] for log in logs] == [
        "0x" + TRANSFER_ADDRESS.hex(),
        write["to"],
        "0x" + TRANSFER_ADDRESS.hex(),
    ]
    assert logs[0]["topics"] == [
        "0x" + TRANSFER_TOPIC.hex(),
        "0x" + address_bytes(RICH).rjust(32, b"\0").hex(),
        "0x" + address_bytes(POOR).rjust(32, b"\0").hex(),
    ]
    assert [int(log["logIndex"], 16) for log in logs] == [0, 1, 2]
    assert (await l2.call("eth_simulateV1", blocks([give])))[0]["calls"][0]["logs"] == []


async def test_transactions_are_shown_whole_where_asked_for(l2: Served):
    calls = [
        {"from": RICH, "to": POOR, "value": "0x1"},
        {"from": RICH, "to": POOR, "gasPrice": "0x0"},
        {"from": RICH, "to": POOR, "gasPrice": "0x0", "accessList": [{"address": POOR, "storageKeys": []}]},
    ]
    block = (await l2.call("eth_simulateV1", blocks(calls, returnFullTransactions=True)))[0]
    assert [transaction["type"] for transaction in block["transactions"]] == ["0x2", "0x0", "0x1"]
    assert [transaction["from"] for transaction in block["transactions"]] == [RICH] * 3
    assert [int(transaction["nonce"], 16) for transaction in block["transactions"]] == [0, 1, 2]
    # Nobody has signed the legacy one, so it is bound to no chain.
    assert [transaction.get("chainId") for transaction in block["transactions"]] == [hex(CHAIN_ID), None, hex(CHAIN_ID)]
    hashes = (await l2.call("eth_simulateV1", blocks(calls)))[0]["transactions"]
    assert hashes == [transaction["hash"] for transaction in block["transactions"]]


async def test_a_moved_precompile_is_called_where_it_went(l2: Served):
    elsewhere = "0x" + "4d" * 20
    sha256 = "0x" + "00" * 19 + "02"
    overrides = {sha256: {"movePrecompileToAddress": elsewhere}}
    here = await l2.call("eth_call", {"to": elsewhere, "input": "0x12"}, "latest", overrides)
    assert here == await l2.call("eth_call", {"to": sha256, "input": "0x12"})
    assert await l2.call("eth_call", {"to": sha256, "input": "0x12"}, "latest", overrides) == "0x"
    code, message = await l2.fails(
        "eth_call", {"to": elsewhere}, "latest", {elsewhere: {"movePrecompileToAddress": sha256}}
    )
    assert (code, message.endswith("is not a precompile")) == (-32000, True)


async def test_blob_transactions_are_not_simulated_on_l2(l2: Served):
    blob_hash = "0x01" + keccak256(b"blob")[1:].hex()
    code, message = await l2.fails("eth_simulateV1", blocks([{"to": POOR, "blobVersionedHashes": [blob_hash]}]))
    assert code == -32603
    assert "transaction type not supported: 0x03" in message
