"""Log searches, filters that are polled, and subscriptions over WebSocket."""

import contextlib
from collections.abc import Awaitable
from typing import Any

import aiohttp
import orjson
import pytest
from served_chain import ALICE, BOB, Served, notebook_call

from phal2.contracts import event_topic, load_artefact
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.limits import SearchLimits
from phal2.node.rpc.log_filter import parse_log_filter
from phal2.node.rpc.log_search import LogSearch
from phal2.node.rpc.workers import Workers

WRITTEN = "0x" + event_topic(load_artefact("Notebook").abi, "Written").hex()


def topic(value: bytes | int) -> str:
    return "0x" + (value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")).hex()


async def write_pages(l2: Served, notebook: bytes, *texts: str, account: Any = ALICE) -> None:
    """Write each text in a block of its own."""
    for text in texts:
        await l2.send(account, to=notebook, data=notebook_call("write", text))
        l2.chain.seal()


@pytest.fixture
async def notebook(l2: Served) -> bytes:
    """A notebook with a page of Alice in block 2, of Bob in block 4, of Alice in block 5."""
    address = await l2.deploy_notebook()
    await write_pages(l2, address, "one")
    l2.chain.seal()
    await write_pages(l2, address, "two", account=BOB)
    await write_pages(l2, address, "three")
    return address


async def found_blocks(l2: Served, **criteria: Any) -> list[int]:
    logs = await l2.call("eth_getLogs", {"fromBlock": "earliest", **criteria})
    return [int(log["blockNumber"], 16) for log in logs]


async def test_logs_are_found_by_address_topics_and_range(l2: Served, notebook: bytes):
    address = "0x" + notebook.hex()
    alice = topic(bytes.fromhex(ALICE.address[2:]))
    bob = topic(bytes.fromhex(BOB.address[2:]))
    assert await found_blocks(l2) == [2, 4, 5]
    assert await found_blocks(l2, address=address) == [2, 4, 5]
    assert await found_blocks(l2, address=[address, ALICE.address]) == [2, 4, 5]
    assert await found_blocks(l2, address=ALICE.address) == []
    assert await found_blocks(l2, topics=[WRITTEN]) == [2, 4, 5]
    assert await found_blocks(l2, topics=[None, bob]) == [4]
    assert await found_blocks(l2, topics=[WRITTEN, [alice, bob], topic(2)]) == [5]
    assert await found_blocks(l2, topics=[[], [], topic(0)]) == [2]
    assert await found_blocks(l2, topics=[WRITTEN, alice, None, None]) == []
    assert await found_blocks(l2, fromBlock="0x3", toBlock="0x4") == [4]
    assert await found_blocks(l2, fromBlock="latest") == [5]
    block_hash = "0x" + (l2.chain.store.block_hash(4) or b"").hex()
    logs = await l2.call("eth_getLogs", {"blockHash": block_hash})
    assert [log["blockHash"] for log in logs] == [block_hash]
    receipt = await l2.call("eth_getTransactionReceipt", logs[0]["transactionHash"])
    assert receipt["logs"] == logs


@pytest.mark.usefixtures("notebook")
async def test_wrong_ranges_are_refused(l2: Served):
    for criteria, code, message in (
        ({"fromBlock": "0x4", "toBlock": "0x3"}, -32602, "invalid block range params"),
        ({"fromBlock": "0x1", "toBlock": "0x99"}, -32602, "block range extends beyond current head block"),
        ({"blockHash": "0x" + "99" * 32}, -32000, "unknown block"),
    ):
        assert await l2.fails("eth_getLogs", criteria) == (code, message)


async def test_ends_in_the_wrong_order_are_refused_before_there_is_a_filter(l2: Served, subscriber: "Subscriber"):
    criteria, refusal = {"fromBlock": "0x4", "toBlock": "0x3"}, (-32602, "invalid block range params")
    assert await l2.fails("eth_newFilter", criteria) == refusal
    error = (await subscriber.ask("eth_subscribe", "logs", criteria))["error"]
    assert (error["code"], error["message"]) == refusal


@pytest.mark.parametrize(
    "criteria", [{"fromBlock": "pending"}, {"toBlock": "pending"}, {"fromBlock": "pending", "toBlock": "pending"}]
)
async def test_logs_of_the_pending_block_are_refused_as_geth_does(
    l2: Served, subscriber: "Subscriber", criteria: dict[str, str]
):
    refusal = (-32000, "pending logs are not supported")
    assert await l2.fails("eth_getLogs", criteria) == refusal
    assert await l2.fails("eth_newFilter", criteria) == refusal
    error = (await subscriber.ask("eth_subscribe", "logs", criteria))["error"]
    assert (error["code"], error["message"]) == refusal


async def found_by(search: LogSearch) -> Any:
    found = search.search(parse_log_filter({"fromBlock": "earliest"}))
    return await found if isinstance(found, Awaitable) else found


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (SearchLimits(logs=2), "query returned more than 2 results; ask for fewer blocks at once"),
        (SearchLimits(size=1_000), "query returned more than 1000 bytes; ask for fewer blocks at once"),
        (SearchLimits(blocks=2), "block range of 6 blocks, at most 2 are allowed; ask for less at once"),
    ],
)
@pytest.mark.usefixtures("notebook")
async def test_a_search_is_refused_where_it_finds_too_much(l2: Served, limits: SearchLimits, message: str):
    workers = Workers(1)
    search = LogSearch(l2.chain, BlockViews(l2.chain), workers, limits)
    for _ in ("searched", "known"):
        with pytest.raises(RpcError) as refused:
            await found_by(search)
        assert (refused.value.code, refused.value.message) == (-32005, message)
    workers.close()


async def test_a_log_filter_tells_each_log_once(l2: Served, notebook: bytes):
    filter_id = await l2.call("eth_newFilter", {"address": "0x" + notebook.hex(), "fromBlock": "earliest"})
    assert await l2.call("eth_getFilterChanges", filter_id) == []
    await write_pages(l2, notebook, "four", "five")
    changes = await l2.call("eth_getFilterChanges", filter_id)
    assert [log["blockNumber"] for log in changes] == ["0x6", "0x7"]
    assert await l2.call("eth_getFilterChanges", filter_id) == []
    assert len(await l2.call("eth_getFilterLogs", filter_id)) == 5
    assert await l2.call("eth_uninstallFilter", filter_id) is True
    assert await l2.call("eth_uninstallFilter", filter_id) is False
    assert await l2.fails("eth_getFilterChanges", filter_id) == (-32000, "filter not found")


@pytest.mark.usefixtures("notebook")
async def test_a_log_filter_takes_back_the_logs_of_blocks_left(l2: Served):
    parent = l2.chain.store.block_hash(4)
    filter_id = await l2.call("eth_newFilter", {})
    l2.chain.seal(parent)
    l2.chain.seal()
    changes = await l2.call("eth_getFilterChanges", filter_id)
    assert [(log["blockNumber"], log["removed"]) for log in changes] == [("0x5", True)]


async def test_block_and_transaction_filters(l2: Served):
    blocks = await l2.call("eth_newBlockFilter")
    transactions = await l2.call("eth_newPendingTransactionFilter")
    first = await l2.send(to=BOB.address)
    assert await l2.call("eth_getFilterChanges", transactions) == [first]
    second = await l2.send(to=BOB.address)
    sealed = l2.chain.seal()
    assert await l2.call("eth_getFilterChanges", transactions) == [second]
    assert await l2.call("eth_getFilterChanges", blocks) == ["0x" + sealed.hash.hex()]
    assert await l2.fails("eth_getFilterLogs", blocks) == (-32000, "filter not found")


class Subscriber:
    """A WebSocket client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, method: str, *params: Any) -> Any:
        await self._socket.send_str(
            orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).decode()
        )
        return await self._socket.receive_json(timeout=60)

    async def event(self, subscription: str) -> Any:
        event = await self._socket.receive_json(timeout=60)
        assert event["method"] == "eth_subscription"
        assert event["params"]["subscription"] == subscription
        return event["params"]["result"]


@pytest.fixture
async def subscriber(l2: Served):
    async with l2.session.ws_connect(l2.server.url) as socket:
        yield Subscriber(socket)


async def test_new_heads_are_pushed(l2: Served, subscriber: Subscriber):
    subscription = (await subscriber.ask("eth_subscribe", "newHeads"))["result"]
    for _ in range(2):
        sealed = l2.chain.seal()
        head = await subscriber.event(subscription)
        assert head["hash"] == "0x" + sealed.hash.hex()
        assert head["number"] == hex(sealed.header.number)
        assert "transactions" not in head
    assert (await subscriber.ask("eth_unsubscribe", subscription))["result"] is True
    l2.chain.seal()
    assert (await subscriber.ask("eth_blockNumber"))["result"] == "0x3"


async def test_matching_logs_are_pushed_and_taken_back(l2: Served, notebook: bytes, subscriber: Subscriber):
    subscription = (await subscriber.ask("eth_subscribe", "logs", {"topics": [WRITTEN]}))["result"]
    await write_pages(l2, notebook, "four")
    log = await subscriber.event(subscription)
    assert (log["blockNumber"], log["removed"]) == ("0x6", False)
    l2.chain.seal(l2.chain.store.block_hash(5))
    removed = await subscriber.event(subscription)
    assert removed == {**log, "removed": True}


async def test_admitted_transactions_are_pushed(l2: Served, subscriber: Subscriber):
    hashes = (await subscriber.ask("eth_subscribe", "newPendingTransactions"))["result"]
    transaction_hash = await l2.send(to=BOB.address)
    assert await subscriber.event(hashes) == transaction_hash


async def test_wrong_subscriptions_are_refused(subscriber: Subscriber):
    for params, code, message in (
        ([], -32602, "expected subscription name as first argument"),
        (["nothing"], -32601, 'no "nothing" subscription in eth namespace'),
        (["logs", 5], -32602, "invalid argument 0: expected a filter object, got a number"),
        (["newHeads", 1], -32602, "too many arguments, want at most 0"),
    ):
        error = (await subscriber.ask("eth_subscribe", *params))["error"]
        assert (error["code"], error["message"]) == (code, message)
    error = (await subscriber.ask("eth_unsubscribe", "0x12"))["error"]
    assert (error["code"], error["message"]) == (-32000, "subscription not found")


async def test_a_closed_connection_ends_its_subscriptions(l2: Served):
    async with l2.session.ws_connect(l2.server.url) as socket:
        await Subscriber(socket).ask("eth_subscribe", "newHeads")
        assert len(l2.chain._listeners) == 1
    await l2.call("eth_chainId")
    assert l2.chain._listeners == []


async def test_batches_and_errors_over_web_socket(l2: Served):
    async with l2.session.ws_connect(l2.server.url) as socket:
        batch = [{"jsonrpc": "2.0", "id": number, "method": "eth_chainId"} for number in range(2)]
        await socket.send_bytes(orjson.dumps(batch))
        assert [reply["id"] for reply in await socket.receive_json(timeout=60)] == [0, 1]
        await socket.send_str("nonsense")
        assert (await socket.receive_json(timeout=60))["error"]["code"] == -32700


async def test_a_message_that_is_too_long_ends_its_connection_alone(l2: Served):
    async with l2.session.ws_connect(l2.server.url) as socket:
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes(6 << 20))
        message = await socket.receive(timeout=60)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert await l2.call("eth_blockNumber") == "0x0"
