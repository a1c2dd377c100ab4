"""debug_executionWitness: what it gives is enough, and nothing less is, to execute a block without a state."""

from typing import Any

import pytest
from served_chain import BOB, Served, notebook_call

from phal2.node.protocol.headers import decode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.state.rules import L2Rules
from phal2.node.state.stateless import MissingPreimage, execute_statelessly, verified_witness


def preimages(witness: dict[str, Any]) -> dict[bytes, bytes]:
    items = [bytes.fromhex(item[2:]) for kind in ("state", "codes", "headers") for item in witness[kind]]
    return {keccak256(item): item for item in items}


def execute(served: Served, block_hash: bytes, known: dict[bytes, bytes], parent_header: str) -> bytes:
    """Execute a block from preimages and its parent's header alone; return its hash."""
    rules, block = served.chain.rules, served.chain.store.block(block_hash)
    assert isinstance(rules, L2Rules)
    assert block is not None
    header = block.header
    attributes = PayloadAttributes(
        timestamp=header.timestamp,
        prev_randao=header.prev_randao,
        fee_recipient=header.coinbase,
        parent_beacon_block_root=header.parent_beacon_block_root or b"",
        transactions=block.transactions,
        no_tx_pool=True,
        gas_limit=header.gas_limit,
        eip1559_denominator=250,
        eip1559_elasticity=6,
    )
    parent = decode_header(bytes.fromhex(parent_header[2:]))
    return execute_statelessly(rules, parent, attributes, verified_witness(known)).block.hash


async def test_a_block_can_be_executed_from_its_witness(l2: Served):
    notebook = await l2.deploy_notebook()
    for text in ("first", "second"):
        await l2.send(to=notebook, data=notebook_call("write", text))
        await l2.send(to=BOB.address, value=1, gas=21_000)
        block = l2.chain.seal()
    witness = await l2.call("debug_executionWitness", "latest")
    assert header_hash(decode_header(bytes.fromhex(witness["headers"][-1][2:]))) == block.header.parent_hash
    assert execute(l2, block.hash, preimages(witness), witness["headers"][-1]) == block.hash
    assert "0x" + notebook.hex() in witness["keys"]
    assert f"0x{0:064x}" in witness["keys"]


async def test_nothing_in_a_witness_is_superfluous(l2: Served):
    notebook = await l2.deploy_notebook()
    await l2.send(to=notebook, data=notebook_call("write", "text"))
    block = l2.chain.seal()
    witness = await l2.call("debug_executionWitness", "latest")
    known = preimages(witness)
    for item in [*witness["state"], *witness["codes"]]:
        without = {key: value for key, value in known.items() if key != keccak256(bytes.fromhex(item[2:]))}
        with pytest.raises(MissingPreimage):
            execute(l2, block.hash, without, witness["headers"][-1])


async def test_headers_reach_back_to_the_oldest_block_that_is_asked_for(l2: Served):
    init_code = f"6a{'60044303405f5500'.ljust(22, '0')}5f52600b6015f3"
    transaction_hash = await l2.send(data=bytes.fromhex(init_code), gas=200_000)
    l2.chain.seal()
    receipt = await l2.call("eth_getTransactionReceipt", transaction_hash)
    for _ in range(5):
        l2.chain.seal()
    await l2.send(to=bytes.fromhex(receipt["contractAddress"][2:]), gas=100_000)
    block = l2.chain.seal()
    witness = await l2.call("debug_executionWitness", hex(block.header.number))
    numbers = [decode_header(bytes.fromhex(header[2:])).number for header in witness["headers"]]
    assert numbers == list(range(block.header.number - 4, block.header.number))
    assert execute(l2, block.hash, preimages(witness), witness["headers"][-1]) == block.hash


async def test_blocks_without_a_witness_say_why(l2: Served):
    assert await l2.fails("debug_executionWitness", "0x0") == (-32000, "genesis is not traceable")
    assert await l2.fails("debug_executionWitness", "0x9") == (-32000, "block #9 not found")
