"""A small Substrate node for the tests: answers the state calls of JSON-RPC from one block's storage."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from aiohttp import web
from served import served

from phal2.bridge.migration.export import parse_export
from phal2.bridge.migration.scale import encode_compact

PARENT_HASH = b"\x11" * 32
EXTRINSICS_ROOT = b"\x22" * 32
DIGEST_ITEM = bytes.fromhex("0642414245b501")
BLOCK_NUMBER = 9_064_613


def block_of(state_root: bytes) -> tuple[str, dict[str, Any]]:
    """The hash and the JSON header of a block with this state root."""
    header = {
        "parentHash": f"0x{PARENT_HASH.hex()}",
        "number": hex(BLOCK_NUMBER),
        "stateRoot": f"0x{state_root.hex()}",
        "extrinsicsRoot": f"0x{EXTRINSICS_ROOT.hex()}",
        "digest": {"logs": [f"0x{DIGEST_ITEM.hex()}"]},
    }
    encoded = (
        PARENT_HASH + encode_compact(BLOCK_NUMBER) + state_root + EXTRINSICS_ROOT + encode_compact(1) + DIGEST_ITEM
    )
    return f"0x{blake2b(encoded, digest_size=32).hexdigest()}", header


@dataclass
class SubstrateNode:
    """Storage as hex; `override` answers methods in its own way, and `requests` counts what was asked."""

    storage: dict[str, str]
    override: dict[str, Callable[[list[Any]], Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        entries = "{" + ",".join(f'"{key}":"{value}"' for key, value in self.storage.items()) + "}"
        self.state_root = parse_export(entries.encode()).state_root()
        self.block_hash, self.header = block_of(self.state_root)

    def answer(self, method: str, parameters: list[Any]) -> Any:
        if method in self.override:
            return self.override[method](parameters)
        if method == "chain_getFinalizedHead":
            return self.block_hash
        if method == "chain_getHeader":
            return self.header if parameters == [self.block_hash] else None
        assert parameters[-1] == self.block_hash
        if method == "state_getKeysPaged":
            prefix, count, start, _ = parameters
            keys = [key for key in sorted(self.storage) if key.startswith(prefix) and (start is None or key > start)]
            return keys[:count]
        assert method == "state_queryStorageAt"
        return [{"block": self.block_hash, "changes": [[key, self.storage.get(key)] for key in parameters[0]]}]

    async def handle(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.requests.append(call["method"])
        result = self.answer(call["method"], call["params"])
        if isinstance(result, web.Response):
            return result
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": result})

    def serve(self) -> AbstractAsyncContextManager[str]:
        """Serve on a free port of 127.0.0.1, and give the URL."""
        return served(self.handle)
