"""The embedded L1 through its JSON-RPC, read by the checked L1 client and by web3.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from embedded_l1_rig import (
    CHAIN_ID,
    GENESIS_TIME,
    GWEI,
    LOGGER,
    LOGGER_CODE,
    RECEIVER,
    REVERTER,
    SENDER,
    access_list,
    dynamic_fee,
    legacy,
    open_l1,
    set_code,
)
from web3 import AsyncHTTPProvider, AsyncWeb3

from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.servers import serve_l1
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused


@asynccontextmanager
async def serving(l1: EmbeddedL1) -> AsyncIterator[str]:
    """Serve the chain as the devnet does; yields the URL."""
    server = await serve_l1(l1, "127.0.0.1", 0, development=L1Development(l1))
    try:
        yield server.url
    finally:
        await server.stop()


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[EmbeddedL1]:
    l1 = open_l1(tmp_path / "l1")
    yield l1
    await l1.stop()


@pytest.fixture
async def client(l1: EmbeddedL1) -> AsyncIterator[L1Client]:
    async with serving(l1) as url:
        client = L1Client(url)
        yield client
        await client.close()


async def test_the_checked_client_accepts_blocks_with_all_types(l1: EmbeddedL1, client: L1Client) -> None:
    raws = (
        legacy(0),
        access_list(1),
        dynamic_fee(2),
        set_code(3),
        dynamic_fee(4, to=REVERTER),
        dynamic_fee(5, to=None),
    )
    for raw in raws:
        await client.send_raw_transaction(raw)
    head = await l1.mine()

    block = await client.block(head.number, [LOGGER])

    assert block is not None
    assert block.hash == head.hash
    assert block.transactions == raws
    assert block.receipts == l1.store.receipts(head.hash)
    assert [receipt.status for receipt in block.receipts] == [1, 1, 1, 1, 0, 1]


async def test_the_checked_client_accepts_every_block_from_genesis_on(l1: EmbeddedL1, client: L1Client) -> None:
    for _ in range(5):
        await l1.mine()

    blocks = [await client.block(number, []) for number in range(6)]

    hashes = [block.hash for block in blocks if block]
    assert hashes == [l1.store.block_hash(number) for number in range(6)]
    assert [block.header.parent_hash for block in blocks[1:] if block] == hashes[:-1]


async def test_tags_name_the_heads(l1: EmbeddedL1, client: L1Client) -> None:
    for _ in range(6):
        await l1.mine()

    references = [await client.block_ref(tag) for tag in ("latest", "safe", "finalized", "earliest")]

    assert [reference.number for reference in references if reference] == [6, 4, 2, 0]


async def test_a_mined_transaction_is_found(l1: EmbeddedL1, client: L1Client) -> None:
    transaction_hash = await client.send_raw_transaction(dynamic_fee(0))
    assert await client.transaction_receipt(transaction_hash) is None
    assert await client.transaction_count(SENDER, "pending") == 1
    assert await client.transaction_count(SENDER) == 0

    head = await l1.mine()

    mined = await client.transaction_receipt(transaction_hash)
    assert mined is not None
    assert (mined.block_hash, mined.succeeded, mined.gas_used) == (head.hash, True, 21_000)
    assert await client.balance(RECEIVER) == 1


async def test_the_constants_of_the_chain_are_served(client: L1Client) -> None:
    assert await client.chain_id() == CHAIN_ID
    assert await client.get_code(LOGGER) == LOGGER_CODE
    assert await client.call(LOGGER, b"") == b""
    fees = await client.gas_fees()
    assert (fees.base_fee_per_gas, fees.max_priority_fee_per_gas) == (GWEI, GWEI)
    with pytest.raises(EndpointRefused, match="reverted"):
        await client.call(REVERTER, b"")


async def test_what_the_chain_refuses_comes_with_its_reason(client: L1Client) -> None:
    with pytest.raises(EndpointRefused, match="insufficient funds"):
        await client.send_raw_transaction(dynamic_fee(0, value=10**24))
    with pytest.raises(
        EndpointRefused, match="exceeds block gas limit: tx gas limit 30000001, block gas limit reached at"
    ):
        await client.send_raw_transaction(dynamic_fee(0, gas_limit=30_000_001))
    with pytest.raises(EndpointRefused, match="transaction type not supported: 0x05"):
        await client.rpc.call("eth_sendRawTransaction", "0x05c0")
    with pytest.raises(EndpointRefused, match="blob transaction without its sidecar: send 0x03"):
        await client.rpc.call("eth_sendRawTransaction", "0x03c0")


async def test_the_evm_namespace_seals_blocks_and_moves_time(l1: EmbeddedL1, client: L1Client) -> None:
    await client.rpc.call("evm_mine")
    assert await client.rpc.call("evm_increaseTime", 100) == 100
    assert await client.rpc.call("evm_increaseTime", "0x1") == 101
    await client.rpc.call("evm_mine")
    await client.rpc.call("evm_setNextBlockTimestamp", GENESIS_TIME + 1_000)
    await client.rpc.call("evm_mine")
    await client.rpc.call("evm_mine", hex(GENESIS_TIME + 2_000))

    headers = [l1.store.header_by_number(number) for number in range(1, 5)]
    times = [header.timestamp - GENESIS_TIME for header in headers if header]
    assert times == [100, 201, 1_000, 2_000]


@pytest.mark.parametrize(
    ("method", "parameter"),
    [("evm_mine", 3_601), ("evm_setNextBlockTimestamp", 1), ("evm_increaseTime", 1 << 60), ("evm_increaseTime", -1)],
)
async def test_impossible_times_are_refused(client: L1Client, method: str, parameter: int) -> None:
    with pytest.raises(EndpointRefused):
        await client.rpc.call(method, parameter)


async def test_web3_sends_and_waits(l1: EmbeddedL1) -> None:
    async with serving(l1) as url:
        web3 = AsyncWeb3(AsyncHTTPProvider(url))
        transaction_hash = await web3.eth.send_raw_transaction(dynamic_fee(0, value=5))
        await l1.mine()
        receipt = await web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=60)
        assert receipt["status"] == 1
        assert await web3.eth.get_balance(web3.to_checksum_address(RECEIVER)) == 5
        block = await web3.eth.get_block("latest", full_transactions=True)
        assert block["transactions"][0]["hash"] == transaction_hash
        await web3.provider.disconnect()


def build_attributes(timestamp: int) -> dict[str, Any]:
    return {
        "timestamp": hex(timestamp),
        "prevRandao": "0x" + "11" * 32,
        "suggestedFeeRecipient": "0x" + "22" * 20,
        "withdrawals": [],
        "parentBeaconBlockRoot": "0x" + "33" * 32,
    }


async def test_a_block_is_built_to_order_and_not_stored(l1: EmbeddedL1, client: L1Client) -> None:
    given, pooled = dynamic_fee(0, value=1), dynamic_fee(0, value=2)
    await client.send_raw_transaction(pooled)
    parent = l1.head_id()
    order = ["0x" + parent.hash.hex(), build_attributes(GENESIS_TIME + 100)]

    of_given = await client.rpc.call("testing_buildBlockV1", *order, ["0x" + given.hex()], "0xabcd")
    of_pool = await client.rpc.call("testing_buildBlockV1", *order, None)

    payload = of_given["executionPayload"]
    assert payload["transactions"] == ["0x" + given.hex()]
    assert (payload["parentHash"], payload["extraData"]) == (order[0], "0xabcd")
    assert of_pool["executionPayload"]["transactions"] == ["0x" + pooled.hex()]
    assert of_pool["executionPayload"]["feeRecipient"] == "0x" + "22" * 20
    assert l1.head_id() == parent
    with pytest.raises(EndpointRefused, match="nonce too high"):
        await client.rpc.call("testing_buildBlockV1", *order, ["0x" + dynamic_fee(5).hex()])


async def test_all_that_the_pool_takes_is_announced(l1: EmbeddedL1) -> None:
    async with serving(l1) as url, aiohttp.ClientSession() as session, session.ws_connect(url) as socket:

        async def ask(method: str, *params: Any) -> Any:
            await socket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
            while (message := await socket.receive_json(timeout=60)).get("id") != method:
                announced.append(message["params"]["result"])
            return message["result"]

        announced: list[Any] = []
        await ask("eth_subscribe", "newPendingTransactions", True)
        sender = "0x" + SENDER.hex()
        await ask("anvil_impersonateAccount", sender)

        waiting = await ask("eth_sendTransaction", {"from": sender, "to": sender})
        await ask("evm_setAutomine", True)
        sealed = await ask("eth_sendRawTransaction", "0x" + dynamic_fee(1).hex())
        await ask("eth_blockNumber")

    assert [(found["hash"], found["blockNumber"]) for found in announced] == [(waiting, None), (sealed, "0x1")]
