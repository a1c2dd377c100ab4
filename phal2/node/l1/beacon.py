"""The checked beacon client: the blobs of L1 blocks, each held against its versioned hash (ethereum/beacon-APIs).

An endpoint can withhold blobs; it cannot alter them. Three ways are tried: `blob_sidecars`, whose proofs are cheap to
verify; `blobs`, whose blobs need a commitment of one's own, which takes a seventh of a second each; and `blobs` by the
execution block's hash, which development chains know that have no slots. What worked last is tried first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from phal2.node.l1.errors import EndpointError, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.http_json import HttpJsonClient, NotServed
from phal2.node.l1.json_fields import MalformedField, as_list, as_object
from phal2.node.l1.kzg import KzgWorker
from phal2.node.l1.kzg_errors import InvalidBlob, InvalidKzgProof, KzgUnavailable
from phal2.node.protocol.blob_sidecars import (
    BYTES_PER_BLOB,
    BYTES_PER_COMMITMENT,
    BYTES_PER_PROOF,
    BlobSidecar,
)
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.transaction_codec import decode_transaction
from phal2.node.protocol.transactions import BLOB, BlobTransaction

MOST_BLOBS: Final = 128
"""Blobs of one answer. Ethereum's forks allow a block 21 so far."""

Item = TypeVar("Item")

_ANSWER_BYTES: Final = MOST_BLOBS * (2 * BYTES_PER_BLOB + 8192)
_TIMEOUT_SECONDS: Final = 30.0
_LARGEST_NUMBER: Final = 2**64 - 1

_Blobs: TypeAlias = dict[bytes, bytes]
_Way: TypeAlias = Callable[[L1Block, Sequence[bytes]], Awaitable[_Blobs]]


class BeaconClient:
    """One beacon endpoint. Use it on one event loop, and `close` it.

    The KZG worker is shared with whoever gave it, and closed by them.
    """

    def __init__(self, url: str, kzg: KzgWorker, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._http = HttpJsonClient(url, timeout_seconds, _ANSWER_BYTES)
        self._kzg = kzg
        self._slots: tuple[int, int] | None = None
        self._ways: list[_Way] = [self._from_sidecars, self._from_blobs, self._from_blobs_by_hash]

    @property
    def url(self) -> str:
        """The endpoint, without what may be secret."""
        return self._http.url

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def blobs(self, block: L1Block, versioned_hashes: Sequence[bytes]) -> _Blobs:
        """Return the blobs of these versioned hashes, which transactions of the block name, by their hashes.

        Raises `EndpointUnavailable` where not all are there, or no answer is; `InvalidAnswer` where what came is
        malformed or are other blobs, and nothing else came.
        """
        wanted = tuple(dict.fromkeys(versioned_hashes))
        found: _Blobs = {}
        failures: list[EndpointError] = []
        for way in tuple(self._ways):
            try:
                found |= await way(block, wanted)
            except EndpointError as error:
                failures.append(error)
            if all(versioned_hash in found for versioned_hash in wanted):
                self._ways.remove(way)
                self._ways.insert(0, way)
                return {versioned_hash: found[versioned_hash] for versioned_hash in wanted}
        # They may have come from an endpoint that had them wrong.
        self._slots = None
        raise self._not_found(block, len(wanted) - sum(name in found for name in wanted), failures)

    def _not_found(self, block: L1Block, missing: int, failures: Sequence[EndpointError]) -> EndpointError:
        for kind in (InvalidAnswer, EndpointUnavailable):
            for failure in failures:
                if isinstance(failure, kind):
                    return failure
        said = f" ({failures[0]})" if failures else ""
        return EndpointUnavailable(
            self.url,
            f"has not all blobs of L1 block {block.header.number}: {missing} are missing{said}. It may not have them "
            "yet, no longer keep them, or be no beacon node; --l1-beacon names another endpoint",
        )

    async def _from_sidecars(self, block: L1Block, wanted: Sequence[bytes]) -> _Blobs:
        slot = await self._slot(block.header.timestamp)
        indices = [("indices", str(index)) for index in _indices(block, wanted)]
        path = f"/eth/v1/beacon/blob_sidecars/{slot}"
        answer = await self._http.get(path, indices)
        sidecars = await asyncio.to_thread(self._read, path, answer, _sidecar)
        asked_for = [sidecar for sidecar in sidecars if sidecar.versioned_hash in wanted]
        if not asked_for:
            return {}
        try:
            await self._kzg.verify(asked_for)
        except InvalidKzgProof as error:
            raise InvalidAnswer(self.url, f"{path}: {error}") from error
        except KzgUnavailable as error:
            raise EndpointUnavailable(self.url, f"{path}: {error}") from error
        return {sidecar.versioned_hash: sidecar.blob for sidecar in asked_for}

    async def _from_blobs(self, block: L1Block, wanted: Sequence[bytes]) -> _Blobs:
        slot = await self._slot(block.header.timestamp)
        hashes = [("versioned_hashes", "0x" + versioned_hash.hex()) for versioned_hash in wanted]
        return await self._bare_blobs(f"/eth/v1/beacon/blobs/{slot}", hashes, wanted)

    async def _from_blobs_by_hash(self, block: L1Block, wanted: Sequence[bytes]) -> _Blobs:
        return await self._bare_blobs(f"/eth/v1/beacon/blobs/0x{block.hash.hex()}", (), wanted)

    async def _bare_blobs(self, path: str, query: Sequence[tuple[str, str]], wanted: Sequence[bytes]) -> _Blobs:
        answer = await self._http.get(path, query)
        blobs = await asyncio.to_thread(self._read, path, answer, lambda item: _bytes(item, "blob", BYTES_PER_BLOB))
        if not blobs:
            return {}
        try:
            hashes = await self._kzg.versioned_hashes(blobs)
        except InvalidBlob as error:
            raise InvalidAnswer(self.url, f"{path}: {error}") from error
        except KzgUnavailable as error:
            raise EndpointUnavailable(self.url, f"{path}: {error}") from error
        found = dict(zip(hashes, blobs, strict=True))
        return {versioned_hash: found[versioned_hash] for versioned_hash in wanted if versioned_hash in found}

    async def _slot(self, timestamp: int) -> int:
        if self._slots is None:
            genesis = await self._document("/eth/v1/beacon/genesis")
            specification = await self._document("/eth/v1/config/spec")
            genesis_time = self._number(genesis, "genesis_time")
            seconds = self._number(specification, "SECONDS_PER_SLOT")
            if seconds == 0:
                raise InvalidAnswer(self.url, "SECONDS_PER_SLOT is 0")
            self._slots = genesis_time, seconds
        genesis_time, seconds = self._slots
        if timestamp < genesis_time:
            raise NotServed(self.url, "slots", 404, f"L1 time {timestamp} is before the beacon chain's {genesis_time}")
        return (timestamp - genesis_time) // seconds

    async def _document(self, path: str) -> dict[str, object]:
        answer = await self._http.get(path)
        try:
            return as_object(as_object(answer, "answer").get("data"), "data")
        except MalformedField as error:
            raise InvalidAnswer(self.url, f"{path}: {error}") from error

    def _number(self, document: dict[str, object], field: str) -> int:
        """Read a number, which the beacon API writes as a decimal string."""
        text = document.get(field)
        if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 20:
            raise InvalidAnswer(self.url, f"{field} is {str(text)[:80]!r}, expected a decimal number as a string")
        if (number := int(text)) > _LARGEST_NUMBER:
            raise InvalidAnswer(self.url, f"{field} is {number}, beyond 64 bits")
        return number

    def _read(self, path: str, answer: object, read: Callable[[object], Item]) -> list[Item]:
        try:
            items = as_list(as_object(answer, "answer").get("data"), "data")
            if len(items) > MOST_BLOBS:
                raise MalformedField("data", f"at most {MOST_BLOBS} blobs", len(items))
            return [read(item) for item in items]
        except InvalidEncoding as error:
            raise InvalidAnswer(self.url, f"{path}: {error}") from error


def _indices(block: L1Block, wanted: Sequence[bytes]) -> list[int]:
    """Return the places of blobs among all of the block."""
    names: list[bytes] = []
    for raw in block.transactions:
        if raw[0] == BLOB and isinstance(transaction := decode_transaction(raw), BlobTransaction):
            names += transaction.blob_versioned_hashes
    return sorted({names.index(versioned_hash) for versioned_hash in wanted if versioned_hash in names})


def _sidecar(item: object) -> BlobSidecar:
    sidecar = as_object(item, "sidecar")
    return BlobSidecar(
        _bytes(sidecar.get("blob"), "blob", BYTES_PER_BLOB),
        _bytes(sidecar.get("kzg_commitment"), "kzg_commitment", BYTES_PER_COMMITMENT),
        _bytes(sidecar.get("kzg_proof"), "kzg_proof", BYTES_PER_PROOF),
    )


def _bytes(value: object, field: str, length: int) -> bytes:
    if isinstance(value, str) and len(value) == 2 + 2 * length and value.startswith("0x"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = b""
        # White space between the digits would make it shorter.
        if len(data) == length:
            return data
    raise MalformedField(field, f"0x and {2 * length} hex digits", str(value)[:80])
