from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest
from aiohttp import web
from substrate_node import BLOCK_NUMBER, SubstrateNode

from phal2.bridge.migration import node_export
from phal2.bridge.migration.errors import InvalidExport, NodeError
from phal2.bridge.migration.node_export import export_from_node
from phal2.bridge.migration.scale import encode_compact

STORAGE = {f"0x{number:04x}": f"0x{number:08x}" for number in range(2_300)}


async def test_the_whole_state_is_read_page_by_page() -> None:
    node = SubstrateNode(STORAGE)
    progress: list[int] = []

    async with node.serve() as url:
        found = await export_from_node(url, report=progress.append)

    assert found.export.state_root() == node.state_root == found.state_root
    assert found.block_number == BLOCK_NUMBER
    assert f"0x{found.block_hash.hex()}" == node.block_hash
    assert len(found.export.entries) == 2_300
    assert progress == [1_000, 2_000, 2_300]


async def test_a_chosen_block_is_read_without_asking_for_the_finalized_one() -> None:
    node = SubstrateNode(STORAGE)

    async with node.serve() as url:
        found = await export_from_node(url, bytes.fromhex(node.block_hash[2:]))

    assert found.state_root == node.state_root
    assert "chain_getFinalizedHead" not in node.requests


async def test_a_block_that_the_node_does_not_have_is_named() -> None:
    async with SubstrateNode(STORAGE).serve() as url:
        with pytest.raises(NodeError, match="does not have block 0x7777"):
            await export_from_node(url, b"\x77" * 32)


# The genesis block of Polkadot.
def test_the_hash_of_a_known_header_is_recomputed() -> None:
    header = {
        "parentHash": "0x" + "00" * 32,
        "number": "0x0",
        "stateRoot": "0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17",
        "extrinsicsRoot": "0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314",
        "digest": {"logs": []},
    }
    block_hash = bytes.fromhex("91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3")

    number, state_root = node_export.check_header(header, block_hash)

    assert (number, f"0x{state_root.hex()}") == (0, header["stateRoot"])


def test_the_bytes_of_a_header_are_read_in_one_way_only() -> None:
    parent, state_root, extrinsics_root = b"\x11" * 32, b"\x33" * 32, b"\x04" + b"\x22" * 31
    header = {
        "parentHash": f"0x{parent.hex()}",
        "number": "0x7",
        "stateRoot": f"0x{state_root.hex()}",
        "extrinsicsRoot": f"0x{extrinsics_root.hex()}",
        "digest": {"logs": ["0x00"]},
    }
    encoded = parent + encode_compact(7) + state_root + extrinsics_root + encode_compact(1) + b"\x00"
    shifted = {
        "parentHash": f"0x{encoded[:65].hex()}",
        "number": "0x1",
        "stateRoot": f"0x{encoded[66:98].hex()}",
        "extrinsicsRoot": "0x",
        "digest": {"logs": []},
    }
    block_hash = blake2b(encoded, digest_size=32).digest()

    assert node_export.check_header(header, block_hash) == (7, state_root)
    with pytest.raises(NodeError, match="whose hashes have 32 bytes"):
        node_export.check_header(shifted, block_hash)


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        ("chain_getFinalizedHead", lambda _: "0x12", "did not give a block hash"),
        ("chain_getFinalizedHead", lambda _: 5, "did not give a block hash"),
        ("chain_getHeader", lambda _: {"number": "0x1"}, "did not give a Substrate header"),
        ("chain_getHeader", lambda _: [1], "did not give a Substrate header"),
        ("chain_getHeader", lambda _: {**SubstrateNode({"0x01": "0x"}).header}, "the header has the hash"),
        ("state_getKeysPaged", lambda _: "0x", "did not give a list"),
        ("state_getKeysPaged", lambda _: [1], "did not give a list"),
        ("state_getKeysPaged", lambda _: ["0x01"] * 1_001, "at most 1000 keys"),
        ("state_getKeysPaged", lambda _: ["0x02", "0x01"], "expected keys in ascending order"),
        ("state_getKeysPaged", lambda _: ["0x0001"], "expected keys in ascending order"),
        ("state_getKeysPaged", lambda _: ["0x" + "01" * 4_097], "expected keys in ascending order"),
        ("state_queryStorageAt", lambda _: [], "did not give one set"),
        ("state_queryStorageAt", lambda _: [{"changes": 5}], "did not give one set"),
        ("state_queryStorageAt", lambda _: [{"block": "0x", "changes": []}], "gave 0 of 500 values"),
        ("state_queryStorageAt", lambda p: [{"block": "0x", "changes": [[k, None] for k in p[0]]}], "missing: 0x0000"),
        ("state_getKeysPaged", lambda _: web.json_response({"error": {"code": -32601}}), "was refused: .*-32601"),
        ("state_getKeysPaged", lambda _: web.Response(text="<html>"), "failed"),
        ("state_getKeysPaged", lambda _: web.Response(text="[" * 100_000), "failed"),
        ("state_getKeysPaged", lambda _: web.Response(text="7"), "was refused: 7"),
    ],
)
async def test_answers_that_are_not_understood_are_refused(
    method: str, answer: Callable[[list[Any]], Any], reason: str
) -> None:
    node = SubstrateNode(STORAGE, override={method: answer})

    async with node.serve() as url:
        with pytest.raises(NodeError, match=reason):
            await export_from_node(url)


async def test_a_value_that_is_no_hex_is_refused_with_its_key() -> None:
    def spoil(parameters: list[Any]) -> Any:
        return [{"block": "0x", "changes": [[key, "0xzz"] for key in parameters[0]]}]

    async with SubstrateNode(STORAGE, override={"state_queryStorageAt": spoil}).serve() as url:
        with pytest.raises(InvalidExport, match="the value of storage key '0x0000' is not hex"):
            await export_from_node(url)


async def test_an_answer_beyond_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_export, "LARGEST_ANSWER", 10_000)

    async with SubstrateNode(STORAGE).serve() as url:
        with pytest.raises(NodeError, match="state_getKeysPaged is larger than 10000 bytes"):
            await export_from_node(url)


async def test_a_state_beyond_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_export, "MOST_ENTRIES", 1_500)

    async with SubstrateNode(STORAGE).serve() as url:
        with pytest.raises(NodeError, match="more than 1500 entries"):
            await export_from_node(url)


async def test_values_beyond_the_limit_are_not_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_export, "LARGEST_STATE", 10_000)

    async with SubstrateNode(STORAGE).serve() as url:
        with pytest.raises(NodeError, match="more than 10000 hex digits"):
            await export_from_node(url)


async def test_a_node_that_is_not_there_is_one_clear_error(free_url: str) -> None:
    with pytest.raises(NodeError, match="expected the HTTP URL of a Substrate node"):
        await export_from_node(free_url)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/"])
async def test_what_is_no_url_is_one_clear_error(url: str) -> None:
    with pytest.raises(NodeError, match="expected the HTTP URL of a Substrate node"):
        await export_from_node(url)
