"""debug_trace*: what geth's tracers tell, worked out by hand for small contracts on a real chain."""

from typing import Any

import pytest
from served_chain import ALICE, BOB, CHAIN_ID, TIP, Served, notebook_call

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.deposits import DepositTransaction, encode_deposit
from phal2.node.protocol.keccak import keccak256
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.tracers.trace_options import parse_duration

TARGET = "0x" + "c0" * 20
OTHER = "0x" + "c1" * 20
ALICE_ADDRESS = ALICE.address.lower()
BOB_ADDRESS = BOB.address.lower()
UNKNOWN = "0x" + "00" * 31 + "01"
CALL_TRACER = {"tracer": "callTracer"}


def word(value: int) -> str:
    return f"0x{value:064x}"


def overridden(codes: dict[str, str], **options: Any) -> dict[str, Any]:
    """Return options under which accounts have other code, given in hex."""
    return {"stateOverrides": {address: {"code": "0x" + code} for address, code in codes.items()}, **options}


async def trace_code(served: Served, codes: dict[str, str], gas: int = 100_000, **options: Any) -> Any:
    """Trace a call of TARGET by Alice where accounts have other code."""
    call = {"from": ALICE.address, "to": TARGET, "gas": hex(gas)}
    return await served.call("debug_traceCall", call, "latest", overridden(codes, **options))


async def test_a_transfer_has_a_message_and_no_instructions(l2: Served):
    transaction_hash = await l2.send(to=BOB.address, value=5, gas=30_000)
    l2.chain.seal()
    assert await l2.call("debug_traceTransaction", transaction_hash) == {
        "gas": 21_000,
        "failed": False,
        "returnValue": "0x",
        "structLogs": [],
    }
    assert await l2.call("debug_traceTransaction", transaction_hash, CALL_TRACER) == {
        "from": ALICE_ADDRESS,
        "gas": "0x7530",
        "gasUsed": "0x5208",
        "to": BOB_ADDRESS,
        "input": "0x",
        "value": "0x5",
        "type": "CALL",
    }


async def test_struct_logs_tell_of_each_instruction(l2: Served):
    # sstore(0, 1), sload(0)
    trace = await trace_code(l2, {TARGET: "60015f555f5400"})
    stored = {word(0): word(1)}
    assert trace == {
        "gas": 21_000 + 22_105 + 102,
        "failed": False,
        "returnValue": "0x",
        "structLogs": [
            {"pc": 0, "op": "PUSH1", "gas": 79_000, "gasCost": 3, "depth": 1, "stack": []},
            {"pc": 2, "op": "PUSH0", "gas": 78_997, "gasCost": 2, "depth": 1, "stack": ["0x1"]},
            {
                "pc": 3,
                "op": "SSTORE",
                "gas": 78_995,
                "gasCost": 22_100,
                "depth": 1,
                "stack": ["0x1", "0x0"],
                "storage": stored,
            },
            {"pc": 4, "op": "PUSH0", "gas": 56_895, "gasCost": 2, "depth": 1, "stack": []},
            {
                "pc": 5,
                "op": "SLOAD",
                "gas": 56_893,
                "gasCost": 100,
                "depth": 1,
                "stack": ["0x0"],
                "storage": stored,
            },
            {"pc": 6, "op": "STOP", "gas": 56_793, "gasCost": 0, "depth": 1, "stack": ["0x1"]},
        ],
    }


async def test_struct_logs_have_what_the_options_say(l2: Served):
    # returns a word of a precompiled contract's copy of nothing, so that there is return data and memory
    code = "602060405f5f60045afa3d60205260205ff3"
    plain = (await trace_code(l2, {TARGET: code}))["structLogs"]
    assert all("stack" in entry and "memory" not in entry and "returnData" not in entry for entry in plain)
    options = {"disableStack": True, "enableMemory": True, "enableReturnData": True}
    full = (await trace_code(l2, {TARGET: "5f5f60205f60045afa60ff5f5200"}, **options))["structLogs"]
    assert all("stack" not in entry for entry in full)
    assert full[-1]["memory"] == [word(255)]
    assert [entry.get("returnData") for entry in full[-4:]] == [word(0)] * 4
    stored = (await trace_code(l2, {TARGET: "60015f5500"}, disableStorage=True))["structLogs"]
    assert not any("storage" in entry for entry in stored)
    limited = (await trace_code(l2, {TARGET: "5f" * 50}, limit=200))["structLogs"]
    assert 2 <= len(limited) <= 4


async def test_a_failed_instruction_says_why_and_a_revert_gives_its_data(l2: Served):
    trace = await trace_code(l2, {TARGET: "5f01"})
    assert (trace["failed"], trace["returnValue"], trace["gas"]) == (True, "0x", 100_000)
    assert trace["structLogs"][-1]["error"] == "stack underflow (1 <=> 2)"
    trace = await trace_code(l2, {TARGET: "602a5f5260205ffd"})
    assert (trace["failed"], trace["returnValue"]) == (True, word(42))


async def test_the_call_tracer_nests_messages_and_drops_the_logs_of_failed_ones(l2: Served):
    # writes a log, calls OTHER with all gas and no data, writes another; OTHER logs and reverts with "no"
    calls_other = f"60015f5fa15f5f5f5f5f73{OTHER[2:]}5af15060025f5fa100"
    reason = "08c379a0" + f"{32:064x}" + f"{2:064x}" + b"no".ljust(32, b"\0").hex()
    reverts = "5f5fa0" + "7f" + reason[:64] + "5f52" + "7f" + reason[64:128] + "602052"
    reverts += "7f" + reason[128:192].ljust(64, "0") + "604052" + "7f" + reason[192:].ljust(64, "0") + "606052"
    reverts += "60645ffd"
    codes = {TARGET: calls_other, OTHER: reverts}
    trace = await trace_code(l2, codes, tracer="callTracer", tracerConfig={"withLog": True})
    (inner,) = trace["calls"]
    assert (trace["type"], trace["gas"], trace.get("error")) == ("CALL", "0x186a0", None)
    assert (inner["from"], inner["to"], inner["value"], inner["input"]) == (TARGET, OTHER, "0x0", "0x")
    assert (inner["error"], inner["revertReason"]) == ("execution reverted", "no")
    assert inner["output"] == "0x" + reason
    assert "logs" not in inner
    assert [(log["topics"], log["position"]) for log in trace["logs"]] == [([word(1)], "0x0"), ([word(2)], "0x1")]
    assert [log["index"] for log in trace["logs"]] == ["0x0", "0x1"]
    alone = await trace_code(l2, codes, tracer="callTracer", tracerConfig={"onlyTopCall": True, "withLog": True})
    assert "calls" not in alone
    assert len(alone["logs"]) == 2


async def test_a_failed_creation_has_no_address(l2: Served):
    call = {"from": ALICE.address, "data": "0x5f5ffd", "gas": "0x186a0"}
    trace = await l2.call("debug_traceCall", call, "latest", CALL_TRACER)
    assert (trace["type"], trace["error"], "to" in trace) == ("CREATE", "execution reverted", False)
    call["data"] = "0x5f5ff3"
    trace = await l2.call("debug_traceCall", call, "latest", CALL_TRACER)
    created = contract_address(bytes.fromhex(ALICE_ADDRESS[2:]), 0)
    assert (trace["type"], trace["to"]) == ("CREATE", "0x" + created.hex())


async def test_messages_may_nest_deeper_than_json_writers_do(l2: Served):
    trace = await trace_code(l2, {TARGET: "5f5f5f5f5f305af1"}, 1_000_000, tracer="callTracer")
    depth = 0
    while "calls" in trace:
        (trace,) = trace["calls"]
        depth += 1
    # Each level hands on 63 of 64 parts; orjson nests 254 deep at most, and a level takes two of them.
    assert 200 < depth < 500


async def test_the_prestate_is_what_a_transaction_looks_at(l1: Served):
    # stores what slot 1 has in slot 0, and asks for Bob's balance
    code = f"6001545f5573{BOB_ADDRESS[2:]}3100"
    await l1.send(to=BOB.address, value=5, gas=21_000)
    l1.chain.seal()
    overrides = {TARGET: {"code": "0x" + code, "stateDiff": {word(1): word(7)}}}
    call = {"from": ALICE.address, "to": TARGET}
    state = await l1.call("debug_traceCall", call, "latest", {"tracer": "prestateTracer", "stateOverrides": overrides})
    balance = await l1.call("eth_getBalance", ALICE.address, "latest")
    coinbase = "0x" + "00" * 20
    assert state == {
        ALICE_ADDRESS: {"balance": balance, "nonce": 1},
        BOB_ADDRESS: {"balance": hex(10**22 + 5)},
        coinbase: {"balance": hex(21_000 * TIP)},
        TARGET: {
            "balance": "0x0",
            "code": "0x" + code,
            "codeHash": "0x" + keccak256(bytes.fromhex(code)).hex(),
            "storage": {word(0): word(0), word(1): word(7)},
        },
    }
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}, "stateOverrides": overrides}
    difference = await l1.call("debug_traceCall", call, "latest", options)
    assert difference == {
        "pre": {
            ALICE_ADDRESS: {"balance": balance, "nonce": 1},
            TARGET: {key: value for key, value in state[TARGET].items() if key != "storage"},
        },
        "post": {ALICE_ADDRESS: {"nonce": 2}, TARGET: {"storage": {word(0): word(7)}}},
    }
    options["tracerConfig"] = {"disableCode": True, "disableStorage": True}
    bare = await l1.call("debug_traceCall", call, "latest", options)
    assert bare[TARGET] == {"balance": "0x0", "codeHash": state[TARGET]["codeHash"]}


async def test_what_a_mined_transaction_changed_has_gas_and_value(l1: Served):
    transaction_hash = await l1.send(to=BOB.address, value=5, gas=21_000)
    l1.chain.seal()
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    difference = await l1.call("debug_traceTransaction", transaction_hash, options)
    after = await l1.call("eth_getBalance", ALICE.address, "latest")
    assert difference["post"][ALICE_ADDRESS] == {"balance": after, "nonce": 1}
    assert difference["pre"] == {ALICE_ADDRESS: {"balance": hex(10**22)}, BOB_ADDRESS: {"balance": hex(10**22)}}
    # The miner was not there before: it is among what is after alone.
    assert difference["post"]["0x" + "00" * 20] == {"balance": hex(21_000 * TIP)}


async def test_the_four_byte_tracer_counts_selectors(l2: Served):
    # calls OTHER twice with 0x01020304 and one byte, and a precompiled contract with as much
    code = "6401020304055f52" + f"5f5f6005601b5f73{OTHER[2:]}5af1" * 2 + "5f5f6005601b60045afa00"
    trace = await trace_code(l2, {TARGET: code, OTHER: "00"}, tracer="4byteTracer")
    assert trace == {"0x01020304-1": 2}


async def test_the_flat_call_tracer_lists_messages_without_those_of_precompiled_contracts(l2: Served):
    code = f"5f5f5f5f60045afa5f5f5f5f600973{OTHER[2:]}5af100"
    trace = await trace_code(l2, {TARGET: code, OTHER: "fe"}, tracer="flatCallTracer")
    top, inner = trace
    assert (top["type"], top["subtraces"], top["traceAddress"]) == ("call", 1, [])
    assert (inner["traceAddress"], inner["error"]) == ([0], "insufficient balance for transfer")
    assert "result" not in inner
    assert inner["action"]["callType"] == "call"
    trace = await trace_code(l2, {TARGET: code}, tracer="flatCallTracer", tracerConfig={"includePrecompiles": True})
    assert len(trace) == 3
    failing = {"tracer": "flatCallTracer", "tracerConfig": {"convertParityErrors": True}}
    assert (await trace_code(l2, {TARGET: "fe"}, **failing))[0]["error"] == "Bad instruction"


async def test_several_tracers_run_at_once(l2: Served):
    options = {"tracer": "muxTracer", "tracerConfig": {"callTracer": {"onlyTopCall": True}, "noopTracer": None}}
    trace = await trace_code(l2, {TARGET: "00"}, **options)
    assert set(trace) == {"callTracer", "noopTracer"}
    assert trace["noopTracer"] == {}
    assert trace["callTracer"]["to"] == TARGET


async def test_blocks_are_traced_by_number_hash_and_rlp_alike(l2: Served):
    hashes = [await l2.send(to=BOB.address, value=value, gas=21_000) for value in (1, 2)]
    block = l2.chain.seal()
    by_number = await l2.call("debug_traceBlockByNumber", "latest", CALL_TRACER)
    # The first is the deposit with the L1 attributes.
    assert [entry["txHash"] for entry in by_number][1:] == hashes
    assert [entry["result"]["value"] for entry in by_number] == ["0x0", "0x1", "0x2"]
    assert by_number[0]["result"]["from"] == "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001"
    assert await l2.call("debug_traceBlockByHash", "0x" + block.hash.hex(), CALL_TRACER) == by_number
    raw = await l2.call("debug_getRawBlock", "latest")
    assert await l2.call("debug_traceBlock", raw, CALL_TRACER) == by_number


async def test_a_transaction_is_traced_on_what_those_before_it_left(l2: Served):
    notebook = await l2.deploy_notebook()
    await l2.send(to=notebook, data=notebook_call("write", "first"))
    second = await l2.send(to=notebook, data=notebook_call("write", "second"))
    l2.chain.seal()
    trace = await l2.call("debug_traceTransaction", second, {"tracer": "callTracer", "tracerConfig": {"withLog": True}})
    assert int(trace["output"], 16) == 1
    assert [log["index"] for log in trace["logs"]] == ["0x1"]
    receipt = await l2.call("eth_getTransactionReceipt", second)
    assert trace["gasUsed"] == receipt["gasUsed"]
    assert (await l2.call("debug_traceTransaction", second))["gas"] == int(receipt["gasUsed"], 16)
    # A call may be traced on the state between the two.
    count = {"to": "0x" + notebook.hex(), "data": "0x" + notebook_call("count").hex()}
    between = await l2.call("debug_traceCall", count, "latest", {**CALL_TRACER, "txIndex": "0x2"})
    after = await l2.call("debug_traceCall", count, "latest", CALL_TRACER)
    assert (int(between["output"], 16), int(after["output"], 16)) == (1, 2)
    assert "out of range" in (await l2.fails("debug_traceCall", count, "latest", {"txIndex": "0x9"}))[1]


async def test_a_deposit_that_failed_is_traced_as_such(l2: Served):
    deposit = DepositTransaction(
        source_hash=b"\x01" * 32,
        sender=b"\x99" * 20,
        to=b"\x98" * 20,
        mint=0,
        value=10,
        gas_limit=50_000,
        is_system_transaction=False,
        data=b"",
    )
    raw = encode_deposit(deposit)
    l2.chain.seal(extra=[raw])
    trace = await l2.call("debug_traceTransaction", "0x" + keccak256(raw).hex(), CALL_TRACER)
    assert trace["error"].startswith("failed deposit: insufficient funds for transfer")
    assert (trace["from"], trace["gas"], trace["gasUsed"]) == ("0x" + "99" * 20, "0xc350", "0xc350")


async def test_the_block_that_a_call_is_traced_in_can_be_overridden(l2: Served):
    # returns number and timestamp
    code = "435f524260205260405ff3"
    trace = await trace_code(
        l2, {TARGET: code}, tracer="callTracer", blockOverrides={"number": "0x64", "time": hex(2_000_000_000)}
    )
    assert trace["output"] == word(100) + word(2_000_000_000)[2:]


async def test_what_cannot_be_traced_says_why(l2: Served):
    assert await l2.fails("debug_traceTransaction", UNKNOWN) == (-32000, "transaction not found")
    assert await l2.fails("debug_traceBlockByHash", UNKNOWN) == (-32000, f"block {UNKNOWN} not found")
    assert await l2.fails("debug_traceBlockByNumber", "0x63") == (-32000, "block #99 not found")
    assert await l2.fails("debug_traceBlockByNumber", "0x0") == (-32000, "genesis is not traceable")
    message = "invalid argument 0: hex string without 0x prefix"
    assert await l2.fails("debug_traceBlockByNumber", "3") == (-32602, message)
    code, message = await l2.fails("debug_traceBlock", "0xc0")
    assert (code, message[:22]) == (-32000, "could not decode block")
    call = {"to": TARGET}
    assert (await l2.fails("debug_traceCall", call, "pending"))[1] == "tracing on top of pending is not supported"
    code, message = await l2.fails("debug_traceCall", {**call, "gas": "0x1"}, "latest")
    assert (code, message) == (-32000, "tracing failed: intrinsic gas too low: have 1, want 21000")
    code, message = await l2.fails("debug_traceCall", {**call, "chainId": hex(CHAIN_ID + 1)}, "latest")
    assert message.startswith("chainId does not match node's")


async def test_tracers_that_are_not_there_are_named(l2: Served):
    script = "{data: [], fault: function() {}, step: function() {}, result: function() { return 1; }}"
    code, message = await l2.fails("debug_traceBlockByNumber", "latest", {"tracer": script})
    assert code == -32000
    assert "tracers in JavaScript are not supported; known are callTracer, prestateTracer" in message
    both = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True, "includeEmpty": True}}
    assert (await l2.fails("debug_traceCall", {}, "latest", both))[1] == "cannot use diffMode with includeEmpty"
    wrong = {"tracer": "callTracer", "tracerConfig": {"withLog": 1}}
    assert (await l2.fails("debug_traceCall", {}, "latest", wrong))[0] == -32602


async def test_an_endless_loop_ends_at_the_time_that_is_asked_for(l2: Served):
    call = {"from": ALICE.address, "to": TARGET, "gas": hex(50_000_000)}
    for tracer in ({}, CALL_TRACER):
        options = overridden({TARGET: "5b5f56"}, timeout="50ms", **tracer)
        assert await l2.fails("debug_traceCall", call, "latest", options) == (-32000, "execution timeout")
    code, message = await l2.fails("debug_traceCall", call, "latest", {"timeout": "soon"})
    assert (code, message[:41]) == (-32602, 'invalid argument 2: invalid duration "soo')


async def test_a_trace_that_grows_too_large_is_refused(l2: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("phal2.node.rpc.tracers.recorder.MAXIMUM_TRACE_BYTES", 10_000)
    call = {"to": TARGET, "gas": hex(1_000_000)}
    code, message = await l2.fails("debug_traceCall", call, "latest", overridden({TARGET: "5b5f56"}))
    assert (code, message[:36]) == (-32003, "trace too large: more than 10000 byt")


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5_400), (".5s", 0.5), ("2us", 2e-6)]
)
def test_durations_are_written_as_go_does(text: str, seconds: float):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "-1s", "5s ", "1e3s", 5, None, "1" * 80 + "s"])
def test_other_durations_are_refused(text: Any):
    with pytest.raises(InvalidArgument):
        parse_duration(text)
