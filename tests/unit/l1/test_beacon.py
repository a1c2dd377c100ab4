"""The beacon client against endpoints of every kind: honest, old, new, lying, slow, and none at all."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio
from aiohttp import web
from fabricated_l1 import CHAIN_ID, fabricate_block, signed

from phal2.node.l1.beacon import BeaconClient
from phal2.node.l1.errors import AnswerTooLong, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.blobs import encode_blob
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import BlobTransaction

pytestmark = pytest.mark.asyncio(loop_scope="module")

GENESIS_TIME = 1_606_824_023
TIME = GENESIS_TIME + 12 * 7_422_094
SLOT = 7_422_094
"""Of the real sidecars among the vectors."""

Answer = Callable[[web.BaseRequest], web.Response]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kzg() -> AsyncIterator[KzgWorker]:
    worker = KzgWorker()
    yield worker
    await worker.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecars(kzg: KzgWorker) -> tuple[BlobSidecar, ...]:
    return await kzg.commit([encode_blob(data) for data in (b"one", b"two", b"three")])


class Endpoint:
    """Serves the documents of `answers` by path; everything else is not found."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.serve("/eth/v1/beacon/genesis", {"data": {"genesis_time": str(GENESIS_TIME)}})
        self.serve("/eth/v1/config/spec", {"data": {"SECONDS_PER_SLOT": "12"}})

    def serve(self, path: str, document: object, status: int = 200) -> None:
        self.answers[path] = lambda _: web.json_response(document, status=status)

    def serve_sidecars(self, *sidecars: BlobSidecar) -> None:
        self.serve(
            f"/eth/v1/beacon/blob_sidecars/{SLOT}",
            {
                "data": [
                    {
                        "index": str(index),
                        "blob": "0x" + sidecar.blob.hex(),
                        "kzg_commitment": "0x" + sidecar.commitment.hex(),
                        "kzg_proof": "0x" + sidecar.proof.hex(),
                    }
                    for index, sidecar in enumerate(sidecars)
                ]
            },
        )

    def serve_blobs(self, *blobs: bytes, block_id: str = str(SLOT)) -> None:
        self.serve(f"/eth/v1/beacon/blobs/{block_id}", {"data": ["0x" + blob.hex() for blob in blobs]})

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.requests.append(request.path_qs)
        found = self.answers.get(request.path)
        return web.json_response({"code": 404, "message": "no"}, status=404) if found is None else found(request)


@asynccontextmanager
async def beacon_of(endpoint: Endpoint, kzg: KzgWorker, timeout_seconds: float = 60.0) -> AsyncIterator[BeaconClient]:
    runner = web.ServerRunner(web.Server(endpoint.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = BeaconClient(f"http://127.0.0.1:{runner.addresses[0][1]}", kzg, timeout_seconds)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def block_with(sidecars: tuple[BlobSidecar, ...], timestamp: int = TIME + 3) -> L1Block:
    """Return a block with a blob transaction."""
    names = tuple(sidecar.versioned_hash for sidecar in sidecars)
    transaction = signed(BlobTransaction(CHAIN_ID, 0, 1, 1, 21_000, bytes(20), 0, b"", (), 1, names, 0, 1, 1))
    block = fabricate_block(1, bytes(32), (transaction,), ())
    header = replace(block.header, timestamp=timestamp)
    return L1Block(header, header_hash(header), (encode_transaction(transaction),), ())


def hashes(*sidecars: BlobSidecar) -> tuple[bytes, ...]:
    return tuple(sidecar.versioned_hash for sidecar in sidecars)


async def test_sidecars_are_asked_for_by_slot_and_index(kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]) -> None:
    endpoint = Endpoint()
    endpoint.serve_sidecars(sidecars[1], sidecars[2])
    async with beacon_of(endpoint, kzg) as client:
        found = await client.blobs(block_with(sidecars), hashes(sidecars[2], sidecars[1]))
        assert found == {sidecar.versioned_hash: sidecar.blob for sidecar in sidecars[1:]}
        assert endpoint.requests[-1] == f"/eth/v1/beacon/blob_sidecars/{SLOT}?indices=1&indices=2"
        await client.blobs(block_with(sidecars), hashes(sidecars[1]))
        assert endpoint.requests.count("/eth/v1/beacon/genesis") == 1


@pytest.mark.parametrize("status", [400, 404, 410, 500])
async def test_blobs_are_asked_for_where_sidecars_are_no_longer_served(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...], status: int
) -> None:
    endpoint = Endpoint()
    endpoint.serve(f"/eth/v1/beacon/blob_sidecars/{SLOT}", {"code": status, "message": "gone"}, status)
    endpoint.serve_blobs(sidecars[0].blob)
    async with beacon_of(endpoint, kzg) as client:
        for _ in range(2):
            assert await client.blobs(block_with(sidecars), hashes(sidecars[0])) == {
                sidecars[0].versioned_hash: sidecars[0].blob
            }
    # What worked is tried first from then on.
    assert sum("blob_sidecars" in request for request in endpoint.requests) == 1


async def test_a_development_chain_without_slots_is_asked_by_its_blocks_hash(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> None:
    endpoint = Endpoint()
    endpoint.serve("/eth/v1/config/spec", {"code": 500, "message": "Internal server error"}, 500)
    block = block_with(sidecars)
    endpoint.serve_blobs(*(sidecar.blob for sidecar in sidecars), block_id="0x" + block.hash.hex())
    async with beacon_of(endpoint, kzg) as client:
        assert await client.blobs(block, hashes(*sidecars)) == {
            sidecar.versioned_hash: sidecar.blob for sidecar in sidecars
        }


async def test_other_blobs_than_those_asked_for_are_never_believed(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> None:
    wanted, other, _ = sidecars
    for lie in (
        other,
        replace(other, commitment=wanted.commitment),
        replace(wanted, proof=other.proof),
        replace(wanted, blob=other.blob),
    ):
        endpoint = Endpoint()
        endpoint.serve_sidecars(lie)
        endpoint.serve_blobs(other.blob)
        async with beacon_of(endpoint, kzg) as client:
            with pytest.raises((InvalidAnswer, EndpointUnavailable)):
                await client.blobs(block_with(sidecars), hashes(wanted))
            endpoint.serve_blobs(other.blob, wanted.blob)
            assert await client.blobs(block_with(sidecars), hashes(wanted)) == {wanted.versioned_hash: wanted.blob}


async def test_blobs_that_are_gone_are_said_to_be_missing_and_can_be_asked_for_again(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> None:
    endpoint = Endpoint()
    endpoint.serve_sidecars(sidecars[0])
    async with beacon_of(endpoint, kzg) as client:
        with pytest.raises(EndpointUnavailable, match=r"1 are missing.*--l1-beacon"):
            await client.blobs(block_with(sidecars), hashes(*sidecars[:2]))
        endpoint.serve_sidecars(*sidecars[:2])
        assert len(await client.blobs(block_with(sidecars), hashes(*sidecars[:2]))) == 2


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"data": "0x"},
        {"data": ["0x"]},
        {"data": [{"blob": "0x00"}]},
        {"data": [{"blob": "0x" + "zz" * 131_072, "kzg_commitment": "0x", "kzg_proof": "0x"}]},
        {"data": [{"blob": "0x" + "0 " * 131_072, "kzg_commitment": "0x", "kzg_proof": "0x"}]},
        {"data": [{}] * 129},
    ],
    ids=["list", "string", "short", "incomplete", "no-hex", "spaces", "many"],
)
async def test_malformed_answers_are_refused(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...], document: object
) -> None:
    endpoint = Endpoint()
    endpoint.serve(f"/eth/v1/beacon/blob_sidecars/{SLOT}", document)
    async with beacon_of(endpoint, kzg) as client:
        with pytest.raises(InvalidAnswer):
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))


@pytest.mark.parametrize("seconds", ["0", "-1", "1.5", 12, None, "9" * 21, "18446744073709551616"])
async def test_a_senseless_specification_is_refused(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...], seconds: object
) -> None:
    endpoint = Endpoint()
    endpoint.serve("/eth/v1/config/spec", {"data": {"SECONDS_PER_SLOT": seconds}})
    async with beacon_of(endpoint, kzg) as client:
        with pytest.raises(InvalidAnswer):
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))


async def test_a_slow_limiting_or_endless_endpoint_is_survived(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint()
    path = f"/eth/v1/beacon/blob_sidecars/{SLOT}"
    endpoint.answers[path] = lambda _: web.Response(status=429, headers={"Retry-After": "7"})
    async with beacon_of(endpoint, kzg) as client:
        with pytest.raises(EndpointUnavailable) as caught:
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))
        assert caught.value.retry_after_seconds == 7
        monkeypatch.setattr(client._http, "_maximum_response_bytes", 1000)
        endpoint.serve_sidecars(sidecars[0])
        with pytest.raises(AnswerTooLong):
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))

    blocked = asyncio.Event()

    class Slow(Endpoint):
        async def answer(self, _: web.BaseRequest) -> web.Response:
            await blocked.wait()
            return web.Response()

    async with beacon_of(Slow(), kzg, timeout_seconds=0.05) as client:
        with pytest.raises(EndpointUnavailable, match="no answer within"):
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))
        blocked.set()


async def test_an_endpoint_that_is_down_is_unavailable(kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        down = BeaconClient(f"http://127.0.0.1:{silent.getsockname()[1]}", kzg)
        with pytest.raises(EndpointUnavailable, match="the connection failed"):
            await down.blobs(block_with(sidecars), hashes(sidecars[0]))
        await down.close()


async def test_a_path_and_a_key_in_the_url_are_kept_but_not_shown(
    kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> None:
    endpoint = Endpoint()
    async with beacon_of(endpoint, kzg) as plain:
        client = BeaconClient(f"{plain.url}/v2/secret/?key=hidden", kzg)
        with pytest.raises(EndpointUnavailable) as caught:
            await client.blobs(block_with(sidecars), hashes(sidecars[0]))
        await client.close()
    assert endpoint.requests[0] == "/v2/secret/eth/v1/beacon/genesis?key=hidden"
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)
