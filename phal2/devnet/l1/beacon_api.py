"""The part of the beacon API that rollup nodes read, on the embedded L1's own port.

Genesis, specification, headers, and blobs with their KZG commitments and proofs (ethereum/beacon-APIs). Numbers are
decimal strings, errors are {code, message}.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from phal2 import __version__
from phal2.devnet.l1.beacon_blocks import SECONDS_PER_SLOT, BeaconBlock, BeaconBlocks
from phal2.devnet.l1.beacon_body import commitments_in_body
from phal2.devnet.l1.embedded_l1 import EmbeddedL1
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.whole_numbers import parse_whole_number
from phal2.node.rpc.access import AccessRules
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.workers import Workers
from phal2.node.state.blobs import CANCUN_BLOBS, PRAGUE_BLOBS

BEACON_PATHS: Final = "/eth/"

_SLOTS_PER_EPOCH: Final = 32
_FAR_FUTURE_EPOCH: Final = str(2**64 - 1)
_SIGNATURE: Final = "0xc0" + 95 * "00"
"""The point at infinity: nobody signs."""
_ZERO_ROOT: Final = "0x" + 32 * "00"
_LARGEST_NUMBER: Final = 2**64 - 1
_MOST_QUERY_VALUES: Final = 64
_ROOT: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


class BeaconError(Exception):
    """What a request is answered with instead of data: an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BeaconApi:
    """Answers the requests below `BEACON_PATHS`. Blobs are read and written out on the server's worker threads."""

    def __init__(self, l1: EmbeddedL1, workers: Workers, access: AccessRules | None = None) -> None:
        self._l1 = l1
        self._blocks = BeaconBlocks(l1)
        self._workers = workers
        self._access = access or AccessRules()
        self._routes: tuple[tuple[re.Pattern[str], Callable[..., Any]], ...] = (
            (re.compile(r"/eth/v1/node/version"), self._version),
            (re.compile(r"/eth/v1/node/health"), self._health),
            (re.compile(r"/eth/v1/node/syncing"), self._syncing),
            (re.compile(r"/eth/v1/config/spec"), self._specification),
            (re.compile(r"/eth/v1/beacon/genesis"), self._genesis),
            (re.compile(r"/eth/v1/beacon/headers/([^/]+)"), self._header),
            (re.compile(r"/eth/v1/beacon/blocks/([^/]+)/root"), self._root),
            (re.compile(r"/eth/v1/beacon/blob_sidecars/([^/]+)"), self._blob_sidecars),
            (re.compile(r"/eth/v1/beacon/blobs/([^/]+)"), self._blobs),
        )

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request."""
        cors_headers = self._access.cors_headers(request.headers.get("Origin"))
        try:
            body = await self._workers.run(self._respond, request)
            status = 200
        except BeaconError as error:
            status, body = error.status, _error(error.status, str(error))
        except RpcError as error:
            status, body = 503, _error(503, str(error))
        return web.Response(status=status, body=body, content_type="application/json", headers=cors_headers)

    def _respond(self, request: web.BaseRequest) -> bytes:
        if request.method not in ("GET", "HEAD"):
            raise BeaconError(405, f"method {request.method} is not allowed: use GET")
        for pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is not None:
                accepted = request.headers.get("Accept", "*/*")
                if not any(kind in accepted for kind in ("application/json", "application/*", "*/*")):
                    raise BeaconError(406, f"only application/json is served, not {accepted[:80]}")
                return orjson.dumps(handler(request, *match.groups()))
        raise BeaconError(
            404, "not found: the embedded L1 serves the genesis, specification, headers and blobs of the beacon API"
        )

    def _version(self, _: web.BaseRequest) -> Any:
        return {"data": {"version": f"phal2/v{__version__} (embedded L1)"}}

    def _health(self, _: web.BaseRequest) -> Any:
        return {}

    def _syncing(self, _: web.BaseRequest) -> Any:
        head = self._find("head")
        return {
            "data": {
                "head_slot": str(head.slot),
                "sync_distance": "0",
                "is_syncing": False,
                "is_optimistic": False,
                "el_offline": False,
            }
        }

    def _genesis(self, _: web.BaseRequest) -> Any:
        return {
            "data": {
                "genesis_time": str(self._blocks.genesis_time),
                "genesis_validators_root": _ZERO_ROOT,
                "genesis_fork_version": "0x00000000",
            }
        }

    def _specification(self, _: web.BaseRequest) -> Any:
        retention = self._l1.store.blob_retention
        epochs = _FAR_FUTURE_EPOCH if retention is None else str(retention * SECONDS_PER_SLOT // _SLOTS_PER_EPOCH)
        past = ("ALTAIR", "BELLATRIX", "CAPELLA", "DENEB", "ELECTRA")
        versions = {f"{fork}_FORK_VERSION": f"0x0{number}000000" for number, fork in enumerate(past, 1)}
        return {
            "data": {
                "CONFIG_NAME": "phal2-embedded-l1",
                "PRESET_BASE": "mainnet",
                "SECONDS_PER_SLOT": str(SECONDS_PER_SLOT),
                "SLOTS_PER_EPOCH": str(_SLOTS_PER_EPOCH),
                "MIN_GENESIS_TIME": str(self._blocks.genesis_time),
                "GENESIS_DELAY": "0",
                "GENESIS_FORK_VERSION": "0x00000000",
                **versions,
                **{f"{fork}_FORK_EPOCH": "0" for fork in past},
                "FULU_FORK_EPOCH": _FAR_FUTURE_EPOCH,
                "FIELD_ELEMENTS_PER_BLOB": "4096",
                "MAX_BLOB_COMMITMENTS_PER_BLOCK": "4096",
                "MAX_BLOBS_PER_BLOCK": str(CANCUN_BLOBS.maximum),
                "MAX_BLOBS_PER_BLOCK_ELECTRA": str(PRAGUE_BLOBS.maximum),
                "MIN_EPOCHS_FOR_BLOB_SIDECARS_REQUESTS": epochs,
                "DEPOSIT_CHAIN_ID": str(self._l1.chain_id),
                "DEPOSIT_NETWORK_ID": str(self._l1.chain_id),
            }
        }

    def _header(self, _: web.BaseRequest, block_id: str) -> Any:
        block = self._find(block_id)
        sidecars = self._blocks.sidecars(block) or []
        data = {
            "root": _hex(block.root),
            "canonical": self._blocks.is_canonical(block),
            "header": _signed_header(block, commitments_in_body([sidecar.commitment for sidecar in sidecars]).root),
        }
        return self._with_finality(block, data)

    def _root(self, _: web.BaseRequest, block_id: str) -> Any:
        block = self._find(block_id)
        return self._with_finality(block, {"root": _hex(block.root)})

    def _blob_sidecars(self, request: web.BaseRequest, block_id: str) -> Any:
        block = self._find(block_id)
        wanted = [_number(text, PRAGUE_BLOBS.maximum - 1, "blob index") for text in _values(request, "indices")]
        sidecars = self._kept_sidecars(block)
        body = commitments_in_body([sidecar.commitment for sidecar in sidecars])
        header = _signed_header(block, body.root)
        data = [
            {
                "index": str(index),
                "blob": _hex(sidecar.blob),
                "kzg_commitment": _hex(sidecar.commitment),
                "kzg_proof": _hex(sidecar.proof),
                "signed_block_header": header,
                "kzg_commitment_inclusion_proof": [_hex(node) for node in body.proofs[index]],
            }
            for index, sidecar in enumerate(sidecars)
            if not wanted or index in wanted
        ]
        return {"version": "electra"} | self._with_finality(block, data)

    def _blobs(self, request: web.BaseRequest, block_id: str) -> Any:
        block = self._find(block_id)
        wanted = [_root(text, "versioned hash") for text in _values(request, "versioned_hashes")]
        sidecars = self._kept_sidecars(block)
        data = [_hex(sidecar.blob) for sidecar in sidecars if not wanted or sidecar.versioned_hash in wanted]
        return self._with_finality(block, data)

    def _find(self, block_id: str) -> BeaconBlock:
        if _NUMBER.fullmatch(block_id):
            found = self._blocks.by_slot(_number(block_id, _LARGEST_NUMBER, "slot"))
        elif block_id.startswith("0x"):
            found = self._blocks.by_root(_root(block_id, "block root"))
        elif block_id in ("head", "genesis", "finalized", "justified"):
            found = self._blocks.by_tag(block_id)
        else:
            raise BeaconError(
                400,
                f"invalid block id {block_id[:80]!r}: expected head, genesis, finalized, justified, a slot or a root",
            )
        if found is None:
            raise BeaconError(404, f"block {block_id} not found: no such root, or the slot is empty")
        return found

    def _kept_sidecars(self, block: BeaconBlock) -> Sequence[BlobSidecar]:
        sidecars = self._blocks.sidecars(block)
        if sidecars is None:
            raise BeaconError(
                404,
                f"the blobs of the block at slot {block.slot} are no longer kept: this L1 keeps those of the last "
                f"{self._l1.store.blob_retention} blocks",
            )
        return sidecars

    def _with_finality(self, block: BeaconBlock, data: Any) -> dict[str, Any]:
        return {"execution_optimistic": False, "finalized": self._blocks.is_finalized(block), "data": data}


def _signed_header(block: BeaconBlock, body_root: bytes) -> dict[str, Any]:
    message = {
        "slot": str(block.slot),
        "proposer_index": "0",
        "parent_root": _hex(block.header.parent_hash),
        "state_root": _hex(block.header.state_root),
        "body_root": _hex(body_root),
    }
    return {"message": message, "signature": _SIGNATURE}


def _values(request: web.BaseRequest, name: str) -> list[str]:
    """Return the values of a query parameter, which may be repeated or hold several with commas between them."""
    values = [value for text in request.query.getall(name, []) for value in text.split(",") if value]
    if len(values) > _MOST_QUERY_VALUES:
        raise BeaconError(400, f"{len(values)} values of {name}, at most {_MOST_QUERY_VALUES} allowed")
    return values


def _number(text: str, largest: int, what: str) -> int:
    number = parse_whole_number(text, 0, largest)
    if number is None:
        raise BeaconError(400, f"invalid {what} {text[:80]!r}: expected a number from 0 to {largest}")
    return number


def _root(text: str, what: str) -> bytes:
    if not _ROOT.fullmatch(text):
        raise BeaconError(400, f"invalid {what} {text[:80]!r}: expected 0x and 64 hex digits")
    return bytes.fromhex(text[2:])


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _error(status: int, message: str) -> bytes:
    return orjson.dumps({"code": status, "message": message})
