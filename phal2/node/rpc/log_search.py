"""The search for logs in a range of blocks, with limits on blocks, results and time.

What a filter means in a sealed block never changes, so each block is searched and its logs are serialised once.
"""

from collections.abc import Awaitable
from typing import Final

import orjson

from phal2.node.rpc.block_reference import LATEST, BlockReference, find_block_hash
from phal2.node.rpc.block_views import BlockViews, MatchingLogs
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError, invalid_params
from phal2.node.rpc.limits import SearchLimits
from phal2.node.rpc.log_filter import LogFilter
from phal2.node.rpc.workers import Workers
from phal2.node.storage import ChainStore

LIMIT_EXCEEDED: Final = -32005

_BLOCKS_AT_ONCE: Final = 16
"""Ranges up to this length are answered without a thread where all their blocks have been searched before."""

_LOGS_BETWEEN_CHECKS: Final = 500
_NOTHING: Final = MatchingLogs(0, b"")


class LogSearch:
    """Searches one chain for logs."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers, limits: SearchLimits) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers
        self._limits = limits

    def search(self, log_filter: LogFilter) -> orjson.Fragment | Awaitable[orjson.Fragment]:
        """Return the array of the logs that a filter means, in the order of the chain.

        It comes at once where it is known, else from a worker thread. Raises `RpcError` beyond a limit, and for a block
        or a range that is not there.
        """
        store = self._chain.store
        if log_filter.block_hash is not None:
            if not store.has_block(log_filter.block_hash):
                raise RpcError(SERVER_ERROR, "unknown block")
            return self._search([log_filter.block_hash], log_filter)
        first, last = block_range(self._chain, log_filter)
        if last - first >= self._limits.blocks:
            message = (
                f"block range of {last - first + 1} blocks, at most {self._limits.blocks} are allowed; "
                "ask for less at once"
            )
            raise RpcError(LIMIT_EXCEEDED, message)
        return self._search(range(first, last + 1), log_filter)

    def _search(
        self, blocks: range | list[bytes], log_filter: LogFilter
    ) -> orjson.Fragment | Awaitable[orjson.Fragment]:
        store, views = self._chain.store, self._views
        if len(blocks) <= _BLOCKS_AT_ONCE:
            known = [_known_matches(store, views, log_filter, _hash_of(store, block)) for block in blocks]
            if None not in known:
                return self._joined([matches for matches in known if matches is not None])
        return run_bounded(self._workers, self._limits.seconds, self._search_all, blocks, log_filter)

    def _search_all(self, deadline: Deadline, blocks: range | list[bytes], log_filter: LogFilter) -> orjson.Fragment:
        store, views = self._chain.store, self._views
        found, count, size = [], 0, 0
        for block in blocks:
            deadline.check()
            block_hash = _hash_of(store, block)
            matches = _known_matches(store, views, log_filter, block_hash)
            if matches is None and block_hash is not None:
                matches = _search_block(store, views, log_filter, block_hash, deadline)
            if matches is not None and matches.count:
                found.append(matches)
                count += matches.count
                size += len(matches.objects)
                self._require_few(count, size)
        return self._joined(found)

    def _joined(self, found: list[MatchingLogs]) -> orjson.Fragment:
        self._require_few(sum(matches.count for matches in found), sum(len(matches.objects) for matches in found))
        return orjson.Fragment(b"[" + b",".join([matches.objects for matches in found if matches.count]) + b"]")

    def _require_few(self, count: int, size: int) -> None:
        if count > self._limits.logs:
            message = f"query returned more than {self._limits.logs} results; ask for fewer blocks at once"
            raise RpcError(LIMIT_EXCEEDED, message)
        if size > self._limits.size:
            message = f"query returned more than {self._limits.size} bytes; ask for fewer blocks at once"
            raise RpcError(LIMIT_EXCEEDED, message)


def block_range(chain: ChainService, log_filter: LogFilter) -> tuple[int, int]:
    """Return the first and last number that a filter means; an open end is the newest block. Raises `RpcError`."""
    head = chain.head_id().number
    first = _number(chain, log_filter.from_block or LATEST)
    last = _number(chain, log_filter.to_block or LATEST)
    if first > last:
        raise invalid_params("invalid block range params")
    if last > head:
        raise invalid_params("block range extends beyond current head block")
    return first, last


def _hash_of(store: ChainStore, block: int | bytes) -> bytes | None:
    return block if isinstance(block, bytes) else store.block_hash(block)


def _known_matches(
    store: ChainStore, views: BlockViews, log_filter: LogFilter, block_hash: bytes | None
) -> MatchingLogs | None:
    """Return what a filter means in a block where that is known; None where the block must be searched."""
    if block_hash is None:
        return _NOTHING
    known = views.cached_matches(block_hash, log_filter.key)
    if known is not None:
        return known
    header = store.header(block_hash)
    return _NOTHING if header is None or not log_filter.may_be_in(header) else None


def _search_block(
    store: ChainStore, views: BlockViews, log_filter: LogFilter, block_hash: bytes, deadline: Deadline
) -> MatchingLogs:
    header = store.header(block_hash)
    if header is None:
        return _NOTHING
    shown = []
    for position, view in enumerate(log_filter.logs_of(views, header, block_hash), 1):
        if position % _LOGS_BETWEEN_CHECKS == 0:
            deadline.check()
        shown.append(view.show())
    return views.keep_matches(block_hash, log_filter.key, shown)


def _number(chain: ChainService, reference: BlockReference) -> int:
    if reference.number is not None:
        return reference.number
    block_hash = find_block_hash(chain, reference)
    header = None if block_hash is None else chain.store.header(block_hash)
    return 0 if header is None else header.number
