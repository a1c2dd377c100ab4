"""Calls, estimates, access lists, state and proofs of a real chain."""

import pytest
from served_chain import ALICE, BOB, Served, address_bytes, notebook_call

from phal2.node.state.proofs import AccountProof, StorageProof, verify_account_proof


def call_object(to: bytes, function: str, *arguments: object, **fields: str) -> dict[str, str]:
    return {"to": "0x" + to.hex(), "data": "0x" + notebook_call(function, *arguments).hex(), **fields}


def unhex_all(nodes: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(node[2:]) for node in nodes)


async def test_calls_see_the_state_of_their_block(l2: Served):
    notebook = await l2.deploy_notebook()
    await l2.send(to=notebook, data=notebook_call("write", "first"))
    l2.chain.seal()
    count = call_object(notebook, "count")
    assert int(await l2.call("eth_call", count, "latest"), 16) == 1
    assert int(await l2.call("eth_call", count, "0x1"), 16) == 0
    assert int(await l2.call("eth_call", count), 16) == 1
    assert await l2.call("eth_call", count, "earliest") == "0x"
    block_hash = "0x" + (l2.chain.store.block_hash(1) or b"").hex()
    assert int(await l2.call("eth_call", count, {"blockHash": block_hash, "requireCanonical": True}), 16) == 0


async def test_calls_see_the_fields_of_their_block_or_of_the_next(l2: Served):
    notebook = await l2.deploy_notebook()
    fields = call_object(notebook, "blockFields")

    async def number_and_time(block: str) -> tuple[int, int]:
        words = bytes.fromhex((await l2.call("eth_call", fields, block))[2:])
        return int.from_bytes(words[:32], "big"), int.from_bytes(words[32:64], "big")

    head = l2.chain.store.header(l2.chain.head_id().hash)
    assert head is not None
    assert await number_and_time("latest") == (head.number, head.timestamp)
    assert await number_and_time("pending") == (head.number + 1, head.timestamp + 1)


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
async def test_reverts_come_with_reason_and_data(l2: Served, method: str):
    notebook = await l2.deploy_notebook()
    error = (await l2.ask(method, call_object(notebook, "failWithReason", "because")))["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted: because")
    assert error["data"].startswith("0x08c379a0")
    error = (await l2.ask(method, call_object(notebook, "failWithPanic")))["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted: division or modulo by zero")
    error = (await l2.ask(method, call_object(notebook, "read", 9)))["error"]
    assert (error["code"], error["message"]) == (3, "execution reverted")
    assert len(error["data"]) == 2 + 2 * (4 + 64)


async def test_a_call_that_cannot_begin_says_why(l2: Served):
    poor = "0x" + "99" * 20
    code, message = await l2.fails("eth_call", {"from": poor, "to": BOB.address, "value": "0x1"})
    assert code == -32000
    assert "insufficient funds for gas * price + value" in message
    code, message = await l2.fails("eth_call", {"to": BOB.address, "gas": "0x1"})
    assert "intrinsic gas too low: have 1, want 21000" in message
    code, message = await l2.fails("eth_call", {"to": BOB.address, "chainId": "0x1"})
    assert message == "chainId does not match node's (have=1, want=20350)"


async def test_an_endless_loop_ends_at_the_gas_cap(l2: Served):
    loop = {"to": "0x" + "77" * 20}
    overrides = {loop["to"]: {"code": "0x5b5f56"}}
    assert await l2.fails("eth_call", {**loop, "gas": "0x186a0"}, "latest", overrides) == (-32000, "out of gas")


async def test_an_estimate_is_enough_and_not_much_more(l2: Served):
    notebook = await l2.deploy_notebook()
    call = call_object(notebook, "write", "some text", **{"from": ALICE.address})
    estimate = int(await l2.call("eth_estimateGas", call), 16)
    transaction_hash = await l2.send(to=notebook, data=notebook_call("write", "some text"), gas=estimate)
    l2.chain.seal()
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= estimate <= int(receipt["gasUsed"], 16) * 1.1


async def test_estimates_of_transfers(l2: Served):
    transfer = {"from": ALICE.address, "to": BOB.address, "value": "0x1"}
    assert await l2.call("eth_estimateGas", transfer) == "0x5208"
    assert await l2.call("eth_estimateGas", {**transfer, "maxFeePerGas": hex(10**10)}, "pending") == "0x5208"
    unaffordable = {**transfer, "gasPrice": hex(10**18)}
    assert await l2.fails("eth_estimateGas", unaffordable) == (-32000, "gas required exceeds allowance (9999)")
    assert int(await l2.call("eth_estimateGas", {**transfer, "data": "0x" + "ff" * 100}), 16) > 22_000


async def test_overrides_change_what_a_call_finds(l2: Served):
    notebook = await l2.deploy_notebook()
    address, count = "0x" + notebook.hex(), call_object(notebook, "count")
    word = "0x" + "00" * 31 + "2a"
    slot = "0x" + "00" * 32
    for override in ({"stateDiff": {slot: word}}, {"state": {slot: word}}):
        assert await l2.call("eth_call", count, "latest", {address: override}) == word
    fields = await l2.call("eth_call", call_object(notebook, "blockFields"), "latest", {}, {"number": "0x1234"})
    assert int(fields[2:66], 16) == 0x1234
    rich = {"from": "0x" + "99" * 20, "to": BOB.address, "value": "0x1"}
    assert await l2.call("eth_call", rich, "latest", {rich["from"]: {"balance": "0x1"}}) == "0x"
    assert int(await l2.call("eth_call", count), 16) == 0


async def test_an_access_list_names_the_slots_of_a_call(l2: Served):
    notebook = await l2.deploy_notebook()
    call = call_object(notebook, "count", **{"from": ALICE.address})
    found = await l2.call("eth_createAccessList", call)
    slot = "0x" + "00" * 32
    assert found["accessList"] == [{"address": "0x" + notebook.hex(), "storageKeys": [slot]}]
    assert (await l2.call("eth_createAccessList", {"from": ALICE.address, "to": BOB.address}))["accessList"] == []
    failed = await l2.call("eth_createAccessList", call_object(notebook, "failWithReason", "no"))
    assert failed["error"] == "execution reverted: no"


async def test_storage_is_read_by_slot_and_block(l2: Served):
    notebook = await l2.deploy_notebook()
    await l2.send(to=notebook, data=notebook_call("write", "text"))
    l2.chain.seal()
    address = "0x" + notebook.hex()
    one = "0x" + "00" * 31 + "01"
    assert await l2.call("eth_getStorageAt", address, "0x0", "latest") == one
    assert await l2.call("eth_getStorageAt", address, "0x" + "00" * 32) == one
    assert await l2.call("eth_getStorageAt", address, "0x0", "0x1") == "0x" + "00" * 32
    code, message = await l2.fails("eth_getStorageAt", address, "0x" + "0" * 65, "latest")
    assert (code, message.partition(":")[0]) == (-32602, "invalid argument 1")


async def test_proofs_hold_at_old_blocks(l2: Served):
    notebook = await l2.deploy_notebook()
    await l2.send(to=notebook, data=notebook_call("write", "text"))
    l2.chain.seal()
    for number in (0, 1, 2):
        found = await l2.call("eth_getProof", "0x" + notebook.hex(), ["0x0", "0x7"], hex(number))
        header = l2.chain.store.header_by_number(number)
        assert header is not None
        proof = AccountProof(
            address=address_bytes(found["address"]),
            balance=int(found["balance"], 16),
            nonce=int(found["nonce"], 16),
            code_hash=bytes.fromhex(found["codeHash"][2:]),
            storage_hash=bytes.fromhex(found["storageHash"][2:]),
            account_proof=unhex_all(found["accountProof"]),
            storage_proofs=tuple(
                StorageProof(int(word["key"], 16), int(word["value"], 16), unhex_all(word["proof"]))
                for word in found["storageProof"]
            ),
        )
        verify_account_proof(header.state_root, proof)
        assert [word["key"] for word in found["storageProof"]] == ["0x0", "0x7"]
    assert found["storageProof"][0]["value"] == "0x1"


async def test_storage_values_of_several_accounts(l2: Served):
    notebook = "0x" + (await l2.deploy_notebook()).hex()
    await l2.send(to=address_bytes(notebook), data=notebook_call("write", "first"))
    l2.chain.seal()
    slot = "0x" + "00" * 32
    words = await l2.call("eth_getStorageValues", {notebook: [slot, "0x7"], BOB.address: ["0x0"]})
    assert words == {
        notebook: [await l2.call("eth_getStorageAt", notebook, key) for key in (slot, "0x7")],
        BOB.address.lower(): [slot],
    }
    assert await l2.fails("eth_getStorageValues", {}) == (-32602, "empty request")
    code, message = await l2.fails("eth_getStorageValues", {notebook: ["0x1"] * 600, ALICE.address: ["0x1"] * 600})
    assert (code, message) == (-32602, "too many slots (max 1024, got 1200)")


async def test_a_price_that_no_transaction_could_have_is_refused(l2: Served):
    l2.chain.seal()
    call = {"from": ALICE.address, "to": BOB.address}
    code, message = await l2.fails("eth_call", {**call, "gasPrice": "0x1"})
    assert (code, message.startswith("err: max fee per gas less than block base fee: address ")) == (-32000, True)
    assert message.endswith("(supplied gas 50000000)")
    fees = {"maxFeePerGas": "0x3b9aca00", "maxPriorityFeePerGas": "0x3b9aca01"}
    for method in ("eth_call", "eth_estimateGas"):
        code, message = await l2.fails(method, {**call, **fees})
        assert (code, "max priority fee per gas higher than max fee per gas" in message) == (-32000, True)


async def test_an_estimate_asks_for_the_balance_that_the_fee_cap_takes(l2: Served):
    l2.chain.seal()
    poor = "0x" + "99" * 20
    overrides = {poor: {"balance": hex(21_000 * 10**10 - 1)}}
    call = {"from": poor, "to": BOB.address, "maxFeePerGas": hex(10**10)}
    assert await l2.fails("eth_estimateGas", call, "latest", overrides) == (
        -32000,
        "gas required exceeds allowance (20999)",
    )
    overrides[poor]["balance"] = hex(21_000 * 10**10)
    assert await l2.call("eth_estimateGas", call, "latest", overrides) == hex(21_000)


async def test_an_estimate_at_the_newest_block_takes_what_the_next_one_asks_for_where_fees_fall(l2: Served):
    base_fee = l2.chain.seal().header.base_fee_per_gas
    following = l2.chain.pending_environment().base_fee_per_gas
    assert base_fee is not None
    assert following < base_fee
    call = {"from": ALICE.address, "to": BOB.address, "maxFeePerGas": hex(following)}

    assert await l2.call("eth_estimateGas", call, "latest") == hex(21_000)

    code, message = await l2.fails("eth_estimateGas", {**call, "maxFeePerGas": hex(following - 1)}, "latest")
    assert code == -32000
    assert f"maxFeePerGas: {following - 1}, baseFee: {following}" in message


async def test_block_overrides_reach_contracts(l2: Served):
    reader = "0x" + "7e" * 20
    # Gives the number and the price of blob gas.
    overrides = {reader: {"code": "0x435f524a60205260405ff3"}}
    block = {"number": "0x1234", "blobBaseFee": "0x77", "difficulty": "0x1", "withdrawals": []}
    words = await l2.call("eth_call", {"to": reader}, "latest", overrides, block)
    assert (int(words[2:66], 16), int(words[66:], 16)) == (0x1234, 0x77)
    code, message = await l2.fails("eth_call", {"to": reader}, "latest", overrides, {"beaconRoot": "0x" + "00" * 32})
    assert (code, message) == (-32602, 'block override "beaconRoot" is not supported for this RPC method')
