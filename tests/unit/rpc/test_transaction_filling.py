"""eth_fillTransaction: what the sender need not ask for before signing."""

from typing import Any

import pytest
from served_chain import ALICE, BOB, CHAIN_ID, TIP, Served

from phal2.node.protocol.keccak import keccak256

BLOB_HASH = "0x01" + "00" * 31
SIGNATURE = {"v": "0x0", "r": "0x0", "s": "0x0"}


def asked(**fields: Any) -> dict[str, Any]:
    return {"from": ALICE.address, "to": BOB.address, "value": "0x5", **fields}


async def filled(served: Served, **fields: Any) -> dict[str, Any]:
    transaction: dict[str, Any] = (await served.call("eth_fillTransaction", asked(**fields)))["tx"]
    return transaction


AUTHORIZATION = {
    "chainId": "0x4f7e",
    "address": "0x" + "11" * 20,
    "nonce": "0x0",
    "yParity": "0x0",
    "r": "0x1",
    "s": "0x1",
}


async def test_nonce_fees_gas_and_chain_are_filled_in(l2: Served):
    await l2.send()
    base_fee = l2.chain.pending_environment().base_fee_per_gas

    transaction = await filled(l2)

    expected = {
        "type": "0x2",
        "chainId": hex(CHAIN_ID),
        "nonce": "0x1",
        "gas": hex(21_000),
        "maxPriorityFeePerGas": hex(TIP),
        "maxFeePerGas": hex(2 * base_fee + TIP),
        "from": ALICE.address.lower(),
        "to": BOB.address.lower(),
        "value": "0x5",
        "input": "0x",
        "yParity": "0x0",
        **SIGNATURE,
    }
    assert transaction | expected == transaction


async def test_the_envelope_is_that_of_the_object(l2: Served):
    answer = await l2.call("eth_fillTransaction", asked())

    envelope = bytes.fromhex(answer["raw"][2:])
    assert envelope[0] == 2
    assert answer["tx"]["hash"] == "0x" + keccak256(envelope).hex()


async def test_what_is_filled_in_can_be_signed_and_is_mined(l2: Served):
    transaction = await filled(l2)
    fields = ("nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value")

    transaction_hash = await l2.send(to=BOB.address, **{name: int(transaction[name], 16) for name in fields})
    l2.chain.seal()

    assert (await l2.call("eth_getTransactionReceipt", transaction_hash))["status"] == "0x1"


async def test_what_is_given_stays(l2: Served):
    given = {"nonce": "0x9", "gas": "0x12345", "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x7"}

    transaction = await filled(l2, **given)

    assert transaction | given == transaction


async def test_a_gas_price_makes_it_legacy_and_bound_to_no_chain_before_it_is_signed(l2: Served):
    transaction = await filled(l2, gasPrice="0x77359400")

    assert (transaction["type"], transaction["gasPrice"]) == ("0x0", "0x77359400")
    assert "chainId" not in transaction
    assert transaction | SIGNATURE == transaction


async def test_without_a_sender_it_is_the_zero_address_as_in_geth(l2: Served):
    answer = await l2.call("eth_fillTransaction", {"to": BOB.address})

    assert answer["tx"]["from"] == "0x" + "00" * 20


async def test_on_l1_the_fee_for_blobs_is_twice_the_present_one(l1: Served):
    price = int(await l1.call("eth_blobBaseFee"), 16)

    transaction = await filled(l1, blobVersionedHashes=[BLOB_HASH])

    assert (transaction["type"], transaction["blobVersionedHashes"]) == ("0x3", [BLOB_HASH])
    assert transaction["maxFeePerBlobGas"] == hex(2 * price)


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"blobVersionedHashes": [BLOB_HASH]}, -32000, "transaction type not supported: 0x03; L2 has no blobs"),
        ({"blobs": ["0x00"]}, -32602, "field blobs: the node takes no blobs here; give blobVersionedHashes"),
        ({"to": None}, -32000, "contract creation without any data provided"),
        ({"chainId": "0x1"}, -32000, "chainId does not match node's (have=1, want=20350)"),
        ({"type": "0x0", "maxFeePerGas": "0x1"}, -32602, "fields are those of type 0x2, but its type is 0x0"),
        ({"gasPrice": "0x1", "authorizationList": [AUTHORIZATION]}, -32602, "gasPrice is no field of type 0x4"),
        ({"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, -32000, "maxFeePerGas (1) < maxPriorityFeePerGas (2)"),
        ({"from": "0x" + "57" * 20}, -32000, "insufficient funds for gas * price + value"),
    ],
)
async def test_what_is_no_transaction_is_refused(l2: Served, fields: dict[str, Any], code: int, reason: str):
    refused = await l2.fails("eth_fillTransaction", asked(**fields))

    assert refused[0] == code
    assert reason in refused[1]
