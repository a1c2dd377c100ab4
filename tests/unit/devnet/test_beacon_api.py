"""The beacon API on the embedded L1's own port, as rollup nodes read it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import ckzg
import pytest
import pytest_asyncio
from embedded_l1_rig import GENESIS_TIME, blob_envelope, blob_transaction, dynamic_fee, open_l1, some_sidecars

from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.servers import serve_l1
from phal2.node.l1.client import L1Client
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.blob_sidecars import BlobSidecar, versioned_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.precompiles.point_evaluation import trusted_setup

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kzg() -> AsyncIterator[KzgWorker]:
    worker = KzgWorker()
    yield worker
    await worker.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecars(kzg: KzgWorker) -> tuple[BlobSidecar, ...]:
    return await some_sidecars(kzg, 3)


class Beacon:
    """The chain: block 1 holds a transaction with 2 blobs, one with none, one with 1; block 2 comes 10 s later."""

    def __init__(self, l1: EmbeddedL1, session: aiohttp.ClientSession, url: str) -> None:
        self.l1 = l1
        self.session = session
        self.url = url

    async def get(self, path: str, status: int = 200, **options: Any) -> Any:
        async with self.session.get(self.url + path, **options) as response:
            body = await response.json()
            assert response.status == status, body
            if status != 200:
                assert body["code"] == status
                assert list(body) == ["code", "message"]
            return body


@asynccontextmanager
async def served(path: Path, kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]) -> AsyncIterator[Beacon]:
    l1 = open_l1(path, kzg=kzg, blob_retention=6)
    server = await serve_l1(l1, "127.0.0.1", 0)
    client = L1Client(server.url)
    await client.rpc.call("eth_sendRawTransaction", "0x" + blob_transaction(0, sidecars[:2]).hex())
    await client.rpc.call("eth_sendRawTransaction", "0x" + blob_transaction(1, sidecars[2:]).hex())
    await l1.mine()
    await client.send_raw_transaction(dynamic_fee(2))
    await l1.mine(GENESIS_TIME + 110)
    await client.close()
    async with aiohttp.ClientSession() as session:
        yield Beacon(l1, session, server.url)
    await server.stop()
    await l1.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beacon(
    tmp_path_factory: pytest.TempPathFactory, kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> AsyncIterator[Beacon]:
    async with served(tmp_path_factory.mktemp("beacon") / "l1", kzg, sidecars) as beacon:
        yield beacon


def hexadecimal(data: bytes) -> str:
    return "0x" + data.hex()


async def test_slots_follow_from_genesis_and_specification(beacon: Beacon, sidecars: tuple[BlobSidecar, ...]) -> None:
    genesis = (await beacon.get("/eth/v1/beacon/genesis"))["data"]
    specification = (await beacon.get("/eth/v1/config/spec"))["data"]
    assert genesis["genesis_time"] == str(GENESIS_TIME)
    block = beacon.l1.store.header_by_number(1)
    assert block is not None

    slot = (block.timestamp - int(genesis["genesis_time"])) // int(specification["SECONDS_PER_SLOT"])

    found = await beacon.get(f"/eth/v1/beacon/blob_sidecars/{slot}")
    assert [sidecar["blob"] for sidecar in found["data"]] == [hexadecimal(sidecar.blob) for sidecar in sidecars]
    assert all(isinstance(value, str) for value in specification.values())


async def test_sidecars_carry_what_proves_them(beacon: Beacon) -> None:
    header = beacon.l1.store.header_by_number(1)
    root = beacon.l1.store.block_hash(1)
    assert header is not None
    assert root is not None
    answer = await beacon.get(f"/eth/v1/beacon/blob_sidecars/{hexadecimal(root)}")

    assert answer["version"] == "electra"
    assert answer["execution_optimistic"] is False
    for index, sidecar in enumerate(answer["data"]):
        blob, commitment, proof = (bytes.fromhex(sidecar[key][2:]) for key in ("blob", "kzg_commitment", "kzg_proof"))
        assert sidecar["index"] == str(index)
        assert ckzg.verify_blob_kzg_proof(blob, commitment, proof, trusted_setup())
        message = sidecar["signed_block_header"]["message"]
        assert message["slot"] == str(header.timestamp - GENESIS_TIME)
        assert message["parent_root"] == hexadecimal(header.parent_hash)
        assert is_in_body(sidecar, commitment)


def is_in_body(sidecar: dict[str, Any], commitment: bytes) -> bool:
    """consensus-specs, Deneb: verify_blob_sidecar_inclusion_proof."""
    # The generalised index of element i: blob_kzg_commitments is field 11 of 16, its elements hang below the left
    # child, which has the length for a sibling.
    index = ((11 << 1) << 12) + int(sidecar["index"])
    node = hashlib.sha256(commitment + bytes(16)).digest()
    branch = [bytes.fromhex(item[2:]) for item in sidecar["kzg_commitment_inclusion_proof"]]
    assert len(branch) == 17
    for depth, sibling in enumerate(branch):
        pair = sibling + node if index >> depth & 1 else node + sibling
        node = hashlib.sha256(pair).digest()
    return hexadecimal(node) == sidecar["signed_block_header"]["message"]["body_root"]


@pytest.mark.parametrize("query", ["indices=0,2", "indices=0&indices=2", "indices=2&indices=0"])
async def test_sidecars_can_be_asked_for_by_index(beacon: Beacon, query: str) -> None:
    answer = await beacon.get(f"/eth/v1/beacon/blob_sidecars/100?{query}")
    assert [sidecar["index"] for sidecar in answer["data"]] == ["0", "2"]


async def test_blobs_can_be_asked_for_by_versioned_hash(beacon: Beacon, sidecars: tuple[BlobSidecar, ...]) -> None:
    whole = await beacon.get("/eth/v1/beacon/blobs/100")
    assert whole["data"] == [hexadecimal(sidecar.blob) for sidecar in sidecars]
    unknown = hexadecimal(versioned_hash(b"unknown"))
    query = f"versioned_hashes={hexadecimal(sidecars[1].versioned_hash)},{unknown}"
    some = await beacon.get(f"/eth/v1/beacon/blobs/100?{query}")
    assert some["data"] == [hexadecimal(sidecars[1].blob)]


async def test_a_block_without_blobs_has_none(beacon: Beacon) -> None:
    for block_id in ("110", "head", "genesis", "finalized"):
        assert (await beacon.get(f"/eth/v1/beacon/blob_sidecars/{block_id}"))["data"] == []
        assert (await beacon.get(f"/eth/v1/beacon/blobs/{block_id}"))["data"] == []


async def test_headers_lead_from_child_to_parent(beacon: Beacon) -> None:
    head = (await beacon.get("/eth/v1/beacon/headers/head"))["data"]
    header = beacon.l1.store.header_by_number(2)
    assert header is not None
    assert header.parent_beacon_block_root is not None
    assert head["canonical"] is True
    assert head["header"]["message"]["parent_root"] == hexadecimal(header.parent_beacon_block_root)
    parent = (await beacon.get(f"/eth/v1/beacon/headers/{hexadecimal(header.parent_beacon_block_root)}"))["data"]
    assert parent["header"]["message"]["slot"] == "100"
    sidecar = (await beacon.get("/eth/v1/beacon/blob_sidecars/100?indices=1"))["data"][0]
    assert sidecar["signed_block_header"] == parent["header"]


async def test_the_node_says_what_it_is(beacon: Beacon) -> None:
    assert (await beacon.get("/eth/v1/node/version"))["data"]["version"].startswith("phal2/v")
    assert (await beacon.get("/eth/v1/node/syncing"))["data"]["head_slot"] == "110"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/eth/v1/beacon/blob_sidecars/101", 404, "block 101 not found"),
        ("/eth/v1/beacon/blob_sidecars/18446744073709551615", 404, "not found"),
        ("/eth/v1/beacon/blobs/0x" + "ab" * 32, 404, "not found"),
        ("/eth/v1/beacon/blobs/99999999999999999999", 400, "invalid slot"),
        ("/eth/v1/beacon/blobs/0x12", 400, "invalid block root '0x12': expected 0x and 64 hex digits"),
        ("/eth/v1/beacon/blobs/latest", 400, "invalid block id 'latest'"),
        ("/eth/v1/beacon/blobs/-1", 400, "invalid block id"),
        ("/eth/v1/beacon/blob_sidecars/100?indices=9", 400, "invalid blob index '9': expected a number from 0 to 8"),
        ("/eth/v1/beacon/blob_sidecars/100?indices=one", 400, "invalid blob index"),
        ("/eth/v1/beacon/blob_sidecars/100?indices=" + "1," * 65, 400, "at most 64"),
        ("/eth/v1/beacon/blobs/100?versioned_hashes=0x01", 400, "invalid versioned hash"),
        ("/eth/v2/beacon/blocks/head", 404, "not found: the embedded L1 serves"),
    ],
)
async def test_what_cannot_be_answered_has_code_and_message(
    beacon: Beacon, path: str, status: int, message: str
) -> None:
    assert message in (await beacon.get(path, status))["message"]


async def test_only_json_is_served(beacon: Beacon) -> None:
    headers = {"Accept": "application/octet-stream"}
    assert "only application/json" in (await beacon.get("/eth/v1/beacon/blobs/100", 406, headers=headers))["message"]


async def test_json_rpc_shows_blob_transactions(beacon: Beacon, sidecars: tuple[BlobSidecar, ...]) -> None:
    client = L1Client(beacon.url)
    envelope = blob_envelope(0, sidecars[:2])
    name = hexadecimal(keccak256(envelope))
    transaction = await client.rpc.call("eth_getTransactionByHash", name)
    receipt = await client.rpc.call("eth_getTransactionReceipt", name)
    raw = await client.rpc.call("eth_getRawTransactionByHash", name)
    price = await client.rpc.call("eth_blobBaseFee")
    await client.close()

    assert isinstance(transaction, dict)
    assert isinstance(receipt, dict)
    assert transaction["type"] == "0x3"
    assert transaction["maxFeePerBlobGas"] == hex(10**9)
    assert transaction["blobVersionedHashes"] == [hexadecimal(sidecar.versioned_hash) for sidecar in sidecars[:2]]
    assert (receipt["blobGasUsed"], receipt["blobGasPrice"], receipt["status"]) == (hex(2 * GAS_PER_BLOB), "0x1", "0x1")
    assert raw == hexadecimal(envelope)
    assert price == "0x1"


async def test_old_blobs_are_no_longer_kept(tmp_path: Path, kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]) -> None:
    async with served(tmp_path / "l1", kzg, sidecars) as beacon:
        for _ in range(5):
            await beacon.l1.mine()
        answer = await beacon.get("/eth/v1/beacon/blob_sidecars/100", 404)
        expected = "the blobs of the block at slot 100 are no longer kept: this L1 keeps those"
        assert answer["message"].startswith(expected)
        assert (await beacon.get("/eth/v1/beacon/headers/100"))["finalized"] is True
