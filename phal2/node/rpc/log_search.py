"""The search for logs in a range of blocks, with limits on blocks and results."""

from dataclasses import dataclass
from typing import Any, Final

from phal2.node.rpc.block_reference import LATEST, BlockReference, find_block_hash
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError, invalid_params
from phal2.node.rpc.log_filter import LogFilter
from phal2.node.storage import ChainStore

LIMIT_EXCEEDED: Final = -32005


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How many blocks one search may span and how many logs it may give."""

    blocks: int = 50_000
    logs: int = 20_000


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


def search_range(
    store: ChainStore, views: BlockViews, log_filter: LogFilter, first: int, last: int, limits: SearchLimits
) -> list[dict[str, Any]]:
    """Return the objects of the matching logs of the canonical blocks `first` to `last`.

    Raise `RpcError` beyond a limit.
    """
    if last - first >= limits.blocks:
        message = f"block range of {last - first + 1} blocks, at most {limits.blocks} are allowed; ask for less at once"
        raise RpcError(LIMIT_EXCEEDED, message)
    found: list[dict[str, Any]] = []
    for number in range(first, last + 1):
        block_hash = store.block_hash(number)
        if block_hash is not None:
            _search_block(store, views, log_filter, block_hash, found, limits)
    return found


def search_block(
    store: ChainStore, views: BlockViews, log_filter: LogFilter, block_hash: bytes, limits: SearchLimits
) -> list[dict[str, Any]]:
    """Return the objects of the matching logs of one block; raise `RpcError` where it is unknown."""
    if not store.has_block(block_hash):
        raise RpcError(SERVER_ERROR, "unknown block")
    found: list[dict[str, Any]] = []
    _search_block(store, views, log_filter, block_hash, found, limits)
    return found


def _search_block(
    store: ChainStore,
    views: BlockViews,
    log_filter: LogFilter,
    block_hash: bytes,
    found: list[dict[str, Any]],
    limits: SearchLimits,
) -> None:
    header = store.header(block_hash)
    if header is None:
        return
    for view in log_filter.logs_of(views, header, block_hash):
        if len(found) >= limits.logs:
            raise RpcError(
                LIMIT_EXCEEDED, f"query returned more than {limits.logs} results; ask for fewer blocks at once"
            )
        found.append(view.show())


def _number(chain: ChainService, reference: BlockReference) -> int:
    if reference.number is not None:
        return reference.number
    block_hash = find_block_hash(chain, reference)
    header = None if block_hash is None else chain.store.header(block_hash)
    return 0 if header is None else header.number
