"""Short calls run at once on a state that is kept open; what they give is what any call gives."""

from typing import Any

import pytest
from served_chain import ALICE, BOB, Served, address_bytes, notebook_call

from phal2.node.rpc.block_environment import environment_of
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.short_calls import ShortCalls, TooLong
from phal2.node.state.call import CallRequest, CallResult, execute_call
from phal2.node.state.trie import TrieReader

GAS_CAP = 50_000_000

ROUNDS = bytes.fromhex("5f355b6001900380600257505a5f5260205ff3")
"""Counts down from the first word of the data, then returns the gas that is left."""

COUNTER = bytes.fromhex("5f546001015f555f545f5260205ff3")
LARGE_MEMORY = bytes.fromhex("62020000515f5260205ff3")
TWO_PAIRS = bytes.fromhex("5f5f6101805f5f60085af100")
CALLS_ITSELF = bytes.fromhex("5f5f5f5f5f305af100")
REVERTING_WRITER = bytes.fromhex("602a5f55" + "5f545f5260205ffd")


class Calls:
    """Short calls at the head of a served chain, and the same calls made in the ordinary way."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.short = ShortCalls(served.chain, TrieReader(served.chain.store))

    def execute(self, request: CallRequest) -> CallResult:
        head = self.served.chain.head_id().hash
        header = self.served.chain.store.header(head)
        assert header is not None
        return self.short.execute(head, header, request)

    def reference(self, request: CallRequest) -> CallResult:
        chain = self.served.chain
        header = chain.store.header(chain.head_id().hash)
        assert header is not None
        return execute_call(
            chain.rules, environment_of(header), chain.store, header.state_root, chain.store, request, chain.verdicts
        )


@pytest.fixture
async def calls(l2: Served) -> Calls:
    return Calls(l2)


async def deploy(served: Served, code: bytes) -> bytes:
    copy_and_return = bytes.fromhex(f"61{len(code):04x}600e60003961{len(code):04x}6000f3")
    transaction_hash = await served.send(data=copy_and_return + code)
    served.chain.seal()
    receipt = await served.call("eth_getTransactionReceipt", transaction_hash)
    assert receipt["status"] == "0x1"
    return address_bytes(receipt["contractAddress"])


def request(to: bytes, data: bytes = b"", **fields: Any) -> CallRequest:
    return CallRequest(address_bytes(ALICE.address), to, data, gas_limit=GAS_CAP, **fields)


async def test_the_result_is_that_of_any_other_call(calls: Calls) -> None:
    notebook = await calls.served.deploy_notebook()
    await calls.served.send(to=notebook, data=notebook_call("write", "first"))
    calls.served.chain.seal()
    asked = [
        request(notebook, notebook_call("count")),
        request(notebook, notebook_call("read", 0)),
        request(notebook, notebook_call("read", 9)),
        request(notebook, notebook_call("failWithPanic")),
        request(notebook, notebook_call("blockFields")),
        request(notebook, notebook_call("blockFields"), gas_price=10**10),
        request(address_bytes(BOB.address), value=5),
        request((2).to_bytes(20, "big"), b"abc"),
    ]
    for attempt in range(40):  # often enough that the contract's code is compiled
        for each in asked:
            new = each._replace(gas_limit=GAS_CAP + attempt)
            assert calls.execute(new) == calls.reference(new)
            assert calls.execute(new) == calls.reference(new)


async def test_a_call_leaves_nothing_to_the_next(calls: Calls) -> None:
    counter = await deploy(calls.served, COUNTER)
    for _ in range(3):
        assert int.from_bytes(calls.execute(request(counter)).return_data, "big") == 1
    writer = await deploy(calls.served, REVERTING_WRITER)
    first, second = calls.execute(request(writer)), calls.execute(request(writer))
    assert first == second
    assert first.reverted
    assert first.return_data[-1] == 42


async def test_each_block_has_its_own_state(calls: Calls) -> None:
    notebook = await calls.served.deploy_notebook()
    for written in range(4):
        count = calls.execute(request(notebook, notebook_call("count"))).return_data
        assert int.from_bytes(count, "big") == written
        await calls.served.send(to=notebook, data=notebook_call("write", "more"))
        calls.served.chain.seal()


@pytest.mark.parametrize(
    ("code", "data"),
    [
        pytest.param(ROUNDS, (10_000).to_bytes(32, "big"), id="many instructions"),
        pytest.param(LARGE_MEMORY, b"", id="much memory"),
        pytest.param(TWO_PAIRS, b"", id="a costly precompiled contract"),
        pytest.param(CALLS_ITSELF, b"", id="many messages"),
    ],
)
async def test_what_takes_long_is_left(calls: Calls, code: bytes, data: bytes) -> None:
    contract = await deploy(calls.served, code)
    with pytest.raises(TooLong):
        calls.execute(request(contract, data))
    assert not calls.short.admits(CallArguments(to=contract, data=data))
    assert calls.short.admits(CallArguments(to=contract, data=b"\x12\x34\x56\x78"))


async def test_a_call_that_is_left_is_made_by_a_thread_with_the_same_result(l2: Served) -> None:
    contract = await deploy(l2, ROUNDS)
    short = await l2.call("eth_call", {"to": "0x" + contract.hex(), "data": "0x" + (3).to_bytes(32, "big").hex()})
    long_call = {"to": "0x" + contract.hex(), "data": "0x" + (20_000).to_bytes(32, "big").hex()}
    results = [await l2.call("eth_call", long_call) for _ in range(2)]
    assert results[0] == results[1]
    assert 0 < int(results[0], 16) < int(short, 16) < GAS_CAP


async def test_calls_that_may_take_long_are_not_tried() -> None:
    to = b"\x01" * 20
    for call in (CallArguments(data=b"\x00"), CallArguments(to=to, data=bytes(5_000))):
        assert not ShortCalls.admits(_unopened(), call)
    assert not ShortCalls.admits(_unopened(), CallArguments(to=to, access_list=((to, ()),)))


def _unopened() -> ShortCalls:
    return ShortCalls(None, None)
