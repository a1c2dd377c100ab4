"""The checked L1 client against an endpoint that tells the truth, and against one that lies."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from fabricated_l1 import (
    CHAIN_ID,
    TOPIC,
    UNWATCHED,
    WATCHED,
    FabricatedBlock,
    FabricatedL1,
    block_json,
    fabricate_block,
    receipts_json,
    transactions_of_all_types,
)

from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable, InvalidAnswer, UnsupportedL1Transaction
from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar, encode_network_form
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.transaction_codec import encode_transaction

GENESIS = fabricate_block(0)
FULL_BLOCK = fabricate_block(1, GENESIS.hash, transactions_of_all_types(), [UNWATCHED, WATCHED, WATCHED])
QUIET_BLOCK = fabricate_block(2, FULL_BLOCK.hash, transactions_of_all_types()[:2], [UNWATCHED])
UNUSED_BLOCK_FIELDS = {"size", "uncles", "withdrawals"}
UNUSED_RECEIPT_FIELDS = {"transactionHash", "blockHash", "blockNumber", "contractAddress", "gasUsed", "logIndex"}


@pytest.fixture
async def endpoint() -> AsyncIterator[FabricatedL1]:
    async with FabricatedL1([GENESIS, FULL_BLOCK, QUIET_BLOCK]) as endpoint:
        yield endpoint


@pytest.fixture
async def client(endpoint: FabricatedL1) -> AsyncIterator[L1Client]:
    client = L1Client(endpoint.url)
    yield client
    await client.close()


def envelopes(block: FabricatedBlock) -> tuple[bytes, ...]:
    return tuple(encode_transaction(transaction) for transaction in block.transactions)


async def test_a_block_with_all_transaction_types_is_returned_as_it_is(client: L1Client) -> None:
    block = await client.block(1, [WATCHED])

    assert block is not None
    assert block.header == FULL_BLOCK.header
    assert block.hash == FULL_BLOCK.hash
    assert block.transactions == envelopes(FULL_BLOCK)
    assert block.receipts == FULL_BLOCK.receipts


async def test_a_block_is_found_by_hash(client: L1Client) -> None:
    block = await client.block(FULL_BLOCK.hash, [])

    assert block is not None
    assert block.ref.number == 1


async def test_receipts_are_not_asked_for_where_the_bloom_excludes_the_watched_addresses(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    block = await client.block(2, [WATCHED])

    assert block is not None
    assert block.receipts == ()
    assert "eth_getBlockReceipts" not in endpoint.calls


async def test_receipts_are_not_there_where_the_bloom_excludes_the_watched_topics(client: L1Client) -> None:
    without, with_topic = await client.block(1, [WATCHED], [bytes(32)]), await client.block(1, [WATCHED], [TOPIC])

    assert without is not None
    assert with_topic is not None
    assert without.receipts == ()
    assert with_topic.receipts == FULL_BLOCK.receipts


async def test_receipts_are_read_one_by_one_where_the_endpoint_lacks_block_receipts(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    endpoint.has_block_receipts = False

    first, second = await client.block(1, [WATCHED]), await client.block(1, [WATCHED])

    assert first is not None
    assert first == second
    assert first.receipts == FULL_BLOCK.receipts
    assert endpoint.calls.count("eth_getBlockReceipts") == 1


async def test_references_are_found_by_tag_and_number(client: L1Client) -> None:
    head, finalized = await client.block_ref("latest"), await client.block_ref("finalized")

    assert head is not None
    assert finalized is not None
    assert (head.number, head.hash, head.parent_hash) == (2, QUIET_BLOCK.hash, FULL_BLOCK.hash)
    assert finalized.hash == GENESIS.hash
    assert await client.block_ref(1) is not None


async def test_what_the_endpoint_does_not_have_is_none(client: L1Client) -> None:
    assert await client.block_ref(3) is None
    assert await client.block(bytes(32), []) is None
    assert await client.transaction_receipt(bytes(32)) is None


async def test_fees_chain_id_and_code_are_read(client: L1Client) -> None:
    fees = await client.gas_fees()

    assert fees.base_fee_per_gas == 1_000_000_000
    assert fees.max_priority_fee_per_gas == 1_000_000_000
    assert await client.chain_id() == CHAIN_ID
    assert await client.get_code(WATCHED) == b"\x60\x01"


async def test_a_mined_transaction_is_found_by_its_hash(client: L1Client) -> None:
    mined = await client.transaction_receipt(keccak256(envelopes(FULL_BLOCK)[1]))

    assert mined is not None
    assert mined.block_hash == FULL_BLOCK.hash
    assert not mined.succeeded


# Lies.


async def test_a_receipt_of_another_transaction_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    first, second = (keccak256(envelope) for envelope in envelopes(FULL_BLOCK)[:2])
    endpoint.tamper = lambda _, result: result | {"transactionHash": f"0x{first.hex()}"}

    with pytest.raises(InvalidAnswer, match="the receipt is of another transaction"):
        await client.transaction_receipt(second)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every text in a JSON value."""
    if isinstance(value, dict):
        for key, element in value.items():
            yield from leaves(element, (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from leaves(element, (*path, index))
    elif isinstance(value, str):
        yield path


def changed(text: str) -> str:
    """Return another text of the same form."""
    if text == "0x":
        return "0x00"
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def changing(method: str, path: tuple[Any, ...]) -> Callable[[str, Any], Any]:
    def tamper(answered: str, result: Any) -> Any:
        if answered == method:
            target = result
            for step in path[:-1]:
                target = target[step]
            target[path[-1]] = changed(target[path[-1]])
        return result

    return tamper


BLOCK_PATHS = [path for path in leaves(block_json(FULL_BLOCK, True)) if path[0] not in UNUSED_BLOCK_FIELDS]
RECEIPT_PATHS = [path for path in leaves(receipts_json(FULL_BLOCK)) if path[-1] not in UNUSED_RECEIPT_FIELDS]


async def test_every_changed_field_of_a_block_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    for path in BLOCK_PATHS:
        endpoint.tamper = changing("eth_getBlockByNumber", path)
        with pytest.raises(InvalidAnswer):
            pytest.fail(f"{path}: {await client.block(1, [])}")


async def test_every_changed_field_of_a_receipt_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    for path in RECEIPT_PATHS:
        endpoint.tamper = changing("eth_getBlockReceipts", path)
        with pytest.raises(InvalidAnswer):
            pytest.fail(f"{path}: {await client.block(1, [WATCHED])}")


async def test_every_changed_field_of_a_header_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    for path in BLOCK_PATHS:
        if len(path) == 1:
            endpoint.tamper = changing("eth_getBlockByNumber", path)
            with pytest.raises(InvalidAnswer):
                pytest.fail(f"{path}: {await client.block_ref(1)}")


@pytest.mark.parametrize("field", sorted(block_json(FULL_BLOCK, True).keys() - UNUSED_BLOCK_FIELDS))
@pytest.mark.parametrize("value", [None, 1, [], {}, "0x", "0xzz", "0x01", "1"])
async def test_a_block_with_a_field_of_another_kind_is_refused(
    client: L1Client, endpoint: FabricatedL1, field: str, value: Any
) -> None:
    endpoint.tamper = lambda _, result: {**result, field: value}
    with pytest.raises(InvalidAnswer):
        pytest.fail(f"{await client.block(1, [])}")


async def test_a_block_without_one_of_its_transactions_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    endpoint.tamper = lambda _, result: result and {**result, "transactions": result["transactions"][1:]}
    with pytest.raises(InvalidAnswer, match="transactions root"):
        await client.block(1, [])


async def test_a_receipt_left_out_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    endpoint.tamper = lambda method, result: result[:-1] if method == "eth_getBlockReceipts" else result
    with pytest.raises(InvalidAnswer, match="receipts root"):
        await client.block(1, [WATCHED])


async def test_another_block_than_asked_for_is_refused(client: L1Client, endpoint: FabricatedL1) -> None:
    endpoint.tamper = lambda *_: block_json(QUIET_BLOCK, True)
    with pytest.raises(InvalidAnswer, match="asked for block 1, got block 2"):
        await client.block(1, [])
    with pytest.raises(InvalidAnswer, match="asked for block"):
        await client.block(FULL_BLOCK.hash, [])


async def test_a_transaction_of_a_type_that_cannot_be_checked_is_named(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    def tamper(_: str, result: Any) -> Any:
        result["transactions"][2]["type"] = "0x7e"
        return result

    endpoint.tamper = tamper
    with pytest.raises(UnsupportedL1Transaction, match="0x7e") as raised:
        await client.block(1, [])
    assert raised.value.transaction_type == 0x7E


async def test_another_hash_than_that_of_the_sent_transaction_is_refused(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    endpoint._result = lambda *_: "0x" + bytes(32).hex()
    with pytest.raises(InvalidAnswer, match="was told"):
        await client.send_raw_transaction(b"\x02\xc0")


# Trouble.


async def test_receipts_that_are_not_there_yet_are_asked_for_again_later(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    endpoint.tamper = lambda method, result: None if method == "eth_getBlockReceipts" else result
    with pytest.raises(EndpointUnavailable, match="no receipts"):
        await client.block(1, [WATCHED])


async def test_an_unknown_finalized_block_told_as_an_error_is_none(client: L1Client, endpoint: FabricatedL1) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-39001,"message":"Unknown block"}}'
    endpoint.raw_response = web.Response(body=body)
    assert await client.block_ref("finalized") is None


BLOB = transactions_of_all_types()[4]
BLOB_ENVELOPE = encode_transaction(BLOB)
NETWORK_FORM = encode_network_form(BLOB_ENVELOPE, [BlobSidecar(bytes(BYTES_PER_BLOB), bytes(48), bytes(48))])


def block_with_a_root_over_network_forms(raw: bytes) -> FabricatedBlock:
    """As anvil makes blocks with blob transactions."""
    ordinary = fabricate_block(3, QUIET_BLOCK.hash, [*transactions_of_all_types()[:2], BLOB])
    others = [encode_transaction(transaction) for transaction in ordinary.transactions[:2]]
    return replace(ordinary, header=replace(ordinary.header, transactions_root=ordered_trie_root([*others, raw])))


async def test_a_root_over_the_network_form_of_blob_transactions_is_held_against_that_form(
    client: L1Client, endpoint: FabricatedL1
) -> None:
    block = block_with_a_root_over_network_forms(NETWORK_FORM)
    endpoint.blocks.append(block)
    endpoint.raw_transactions["0x" + keccak256(BLOB_ENVELOPE).hex()] = "0x" + NETWORK_FORM.hex()

    found = await client.block(3, [WATCHED])

    assert found is not None
    assert (found.hash, found.transactions) == (block.hash, envelopes(block))


OTHER_FORM = encode_network_form(
    BLOB_ENVELOPE, [BlobSidecar(b"\x01" + bytes(BYTES_PER_BLOB - 1), bytes(48), bytes(48))]
)
OTHER_TRANSACTION = encode_network_form(
    encode_transaction(replace(BLOB, value=8)), [BlobSidecar(bytes(BYTES_PER_BLOB), bytes(48), bytes(48))]
)


@pytest.mark.parametrize("raw", [OTHER_FORM, OTHER_TRANSACTION, BLOB_ENVELOPE, b"", None])
async def test_another_network_form_than_the_roots_is_refused(
    client: L1Client, endpoint: FabricatedL1, raw: bytes | None
) -> None:
    endpoint.blocks.append(block_with_a_root_over_network_forms(NETWORK_FORM))
    if raw is not None:
        endpoint.raw_transactions["0x" + keccak256(BLOB_ENVELOPE).hex()] = "0x" + raw.hex()

    with pytest.raises(InvalidAnswer):
        await client.block(3, [WATCHED])
