"""Exporting the state of a block from a running Substrate node, over its JSON-RPC.

The node is not trusted: the header must hash to the block, and the caller holds the export against its state root.
"""

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import aiohttp

from phal2.bridge.migration.bounded_json import parse_json
from phal2.bridge.migration.errors import NodeError
from phal2.bridge.migration.export import LONGEST_KEY, StateExport, collect_export
from phal2.bridge.migration.scale import encode_compact

LARGEST_ANSWER: Final = 1 << 26
MOST_ENTRIES: Final = 10_000_000
LARGEST_STATE: Final = 1 << 30
"""In hex digits of keys and values: about what the largest export holds that is read from a file."""

_KEYS_PER_PAGE: Final = 1_000
_VALUES_PER_QUERY: Final = 500
_TIMEOUT_SECONDS: Final = 120
_CHUNK_LENGTH: Final = 1 << 16
_HASH_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class NodeExport:
    """The whole state of a block, and what its header says of it."""

    block_hash: bytes
    block_number: int
    state_root: bytes
    export: StateExport


async def export_from_node(
    url: str, block_hash: bytes | None = None, report: Callable[[int], None] | None = None
) -> NodeExport:
    """Read the whole state of a block (default: the last finalized one) from the node at an HTTP `url`.

    `report` is called with the number of entries read so far. Raises NodeError where the node cannot be reached,
    answers with an error or not as expected, and InvalidExport where what it gives is no state.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_SECONDS, sock_read=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        node = _Node(session, url)
        if block_hash is None:
            block_hash = _decode_hash(await node.call("chain_getFinalizedHead", []), "chain_getFinalizedHead")
        number, state_root = check_header(await node.call("chain_getHeader", [_hex(block_hash)]), block_hash)
        pairs: list[tuple[Any, Any]] = []
        start, size = "0x", 0
        while keys := await _next_keys(node, start, block_hash):
            for first in range(0, len(keys), _VALUES_PER_QUERY):
                found = await _query_values(node, keys[first : first + _VALUES_PER_QUERY], block_hash)
                pairs += found
                size += sum(len(key) + len(value) for key, value in found)
                if size > LARGEST_STATE:
                    raise NodeError(
                        f"{url}: the state has more than {LARGEST_STATE} hex digits, the most that are read"
                    )
            start = keys[-1]
            if report is not None:
                report(len(pairs))
            if len(pairs) > MOST_ENTRIES:
                raise NodeError(f"{url}: the state has more than {MOST_ENTRIES} entries, the most that are read")
        return NodeExport(block_hash, number, state_root, collect_export(pairs))


class _Node:
    """JSON-RPC calls to one node."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, parameters: Sequence[Any]) -> Any:
        """Return the result of a call. Raises NodeError."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            async with self._session.post(self._url, json=request) as response:
                body = bytearray()
                async for chunk in response.content.iter_chunked(_CHUNK_LENGTH):
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise NodeError(f"{self._url}: the answer to {method} is larger than {LARGEST_ANSWER} bytes")
            answer = parse_json(body.decode("utf-8"))
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            raise NodeError(
                f"{self._url}: {method} failed ({reason}); expected the HTTP URL of a Substrate node"
            ) from None
        if not isinstance(answer, dict) or "result" not in answer:
            refusal = answer.get("error") if isinstance(answer, dict) else answer
            raise NodeError(f"{self._url}: {method} was refused: {str(refusal)[:200]}")
        return answer["result"]


async def _next_keys(node: _Node, start: str, block_hash: bytes) -> list[str]:
    method = "state_getKeysPaged"
    keys = await node.call(method, ["0x", _KEYS_PER_PAGE, None if start == "0x" else start, _hex(block_hash)])
    if not isinstance(keys, list) or len(keys) > _KEYS_PER_PAGE or not all(isinstance(key, str) for key in keys):
        raise NodeError(f"{method} did not give a list of at most {_KEYS_PER_PAGE} keys")
    # Keys that do not ascend would be read for ever.
    previous = start
    for key in keys:
        if not previous < key or len(key) > 2 + 2 * LONGEST_KEY:
            raise NodeError(
                f"{method} gave the key {key[:100]} after {previous[:100]}; expected keys in ascending order"
            )
        previous = key
    return keys


async def _query_values(node: _Node, keys: list[str], block_hash: bytes) -> list[tuple[Any, Any]]:
    method = "state_queryStorageAt"
    answer = await node.call(method, [keys, _hex(block_hash)])
    try:
        ((_, changes),) = [(entry["block"], entry["changes"]) for entry in answer]
        values = dict(changes)
    except (TypeError, KeyError, ValueError):
        raise NodeError(f"{method} did not give one set of [key, value] pairs") from None
    missing = [key for key in keys if not isinstance(values.get(key), str)]
    if missing or len(values) != len(keys):
        raise NodeError(
            f"{method} gave {len(values)} of {len(keys)} values; missing: {', '.join(missing[:1]) or 'none'}"
        )
    return [(key, values[key]) for key in keys]


def check_header(header: Any, block_hash: bytes) -> tuple[int, bytes]:
    """Return the number and state root of a header given as JSON, which must hash to `block_hash`.

    Its SCALE encoding is the parent's hash, the compact number, state root, extrinsics root and list of digest items.
    """
    if header is None:
        raise NodeError(f"the node does not have block {_hex(block_hash)}; give the hash of a block that it keeps")
    try:
        number = int(header["number"], 16)
        roots = [binascii.unhexlify(header[name][2:]) for name in ("parentHash", "stateRoot", "extrinsicsRoot")]
        logs = [binascii.unhexlify(log[2:]) for log in header["digest"]["logs"]]
        parent_hash, state_root, extrinsics_root = roots
        encoded = b"".join(
            (parent_hash, encode_compact(number), state_root, extrinsics_root, encode_compact(len(logs)), *logs)
        )
    except (TypeError, KeyError, ValueError):
        raise NodeError("chain_getHeader did not give a Substrate header") from None
    # With fields of other lengths the same bytes could be read as another state root.
    if any(len(root) != _HASH_LENGTH for root in roots):
        raise NodeError(f"chain_getHeader did not give a Substrate header, whose hashes have {_HASH_LENGTH} bytes")
    found = blake2b(encoded, digest_size=_HASH_LENGTH).digest()
    if found != block_hash:
        raise NodeError(f"the header has the hash {_hex(found)}, but {_hex(block_hash)} was asked for")
    return number, state_root


def _decode_hash(text: Any, method: str) -> bytes:
    try:
        data = binascii.unhexlify(text[2:])
    except (TypeError, ValueError):
        data = b""
    if len(data) != _HASH_LENGTH:
        raise NodeError(f"{method} did not give a block hash of {_HASH_LENGTH} bytes")
    return data


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
