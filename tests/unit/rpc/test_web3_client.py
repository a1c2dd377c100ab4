"""web3.py, unmodified, against the server: what it validates and decodes must be there."""

from pathlib import Path

import pytest
from served_chain import ALICE, BOB, CHAIN_ID, ServedChain, serve
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider
from web3.exceptions import ContractLogicError, TransactionNotFound

from phal2.contracts import load_artefact


@pytest.fixture
async def chain(tmp_path: Path):
    served = ServedChain(tmp_path / "chain")
    yield served
    served.store.close()


@pytest.fixture
async def url(chain: ServedChain):
    server, workers = await serve(chain)
    yield server.url
    await server.stop()
    workers.close()


@pytest.fixture
async def web3(url: str):
    client = AsyncWeb3(AsyncHTTPProvider(url))
    yield client
    await client.provider.disconnect()


async def test_a_contract_is_deployed_written_and_read(chain: ServedChain, web3: AsyncWeb3):
    artefact = load_artefact("Notebook")
    notebook = web3.eth.contract(abi=artefact.abi, bytecode=artefact.bytecode)
    fields = {"from": ALICE.address, "nonce": 0, "chainId": CHAIN_ID}
    creation = await notebook.constructor().build_transaction(fields)
    creation_hash = await web3.eth.send_raw_transaction(ALICE.sign_transaction(creation).raw_transaction)
    chain.seal()
    receipt = await web3.eth.wait_for_transaction_receipt(creation_hash, timeout=60)
    deployed = web3.eth.contract(receipt["contractAddress"], abi=artefact.abi)

    write = await deployed.functions.write("hello").build_transaction({**fields, "nonce": 1})
    await web3.eth.send_raw_transaction(ALICE.sign_transaction(write).raw_transaction)
    chain.seal()

    assert await deployed.functions.read(0).call() == "hello"
    events = await deployed.events.Written.get_logs(from_block=0)
    assert [event["args"]["text"] for event in events] == ["hello"]
    with pytest.raises(ContractLogicError, match="execution reverted: because"):
        await deployed.functions.failWithReason("because").call()


async def test_blocks_transactions_and_fees_pass_its_validation(chain: ServedChain, web3: AsyncWeb3):
    fields = {"to": BOB.address, "value": 1, "gas": 21_000, "nonce": 0, "chainId": CHAIN_ID}
    price = await web3.eth.gas_price
    signed = ALICE.sign_transaction({**fields, "gasPrice": price})
    transaction_hash = await web3.eth.send_raw_transaction(signed.raw_transaction)
    chain.seal()
    block = await web3.eth.get_block("latest", full_transactions=True)
    assert block["transactions"][1]["hash"] == transaction_hash
    assert block["transactions"][0]["type"] == 0x7E
    assert (await web3.eth.get_transaction(transaction_hash))["value"] == 1
    assert (await web3.eth.get_transaction_receipt(transaction_hash))["status"] == 1
    assert len(await web3.eth.get_block_receipts("latest")) == 2
    assert (await web3.eth.fee_history(1, "latest", [50]))["oldestBlock"] == 1
    assert (await web3.eth.get_block("pending"))["number"] == 2
    with pytest.raises(TransactionNotFound):
        await web3.eth.get_transaction("0x" + "99" * 32)


async def test_new_heads_arrive_over_its_web_socket(chain: ServedChain, url: str):
    async with AsyncWeb3(WebSocketProvider(url.replace("http", "ws"))) as web3:
        await web3.eth.subscribe("newHeads")
        sealed = chain.seal()
        async for event in web3.socket.process_subscriptions():
            assert bytes(event["result"]["hash"]) == sealed.hash
            break
