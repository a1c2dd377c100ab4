"""The filters that a client makes and polls."""

import secrets
import time
from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transactions import DEPOSIT
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_changes import chain_changes
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import data, type_name
from phal2.node.rpc.limits import SearchLimits
from phal2.node.rpc.log_filter import Filter, LogFilter
from phal2.node.rpc.log_search import LIMIT_EXCEEDED, LogSearch
from phal2.node.rpc.parameter_types import ParameterType
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, FILTER_CHANGES, FILTER_ID, LOG, list_of
from phal2.node.rpc.workers import Workers

MAXIMUM_FILTERS: Final = 1_000
IDLE_SECONDS: Final = 300.0
"""A filter that is not polled for so long is forgotten, as in geth."""


def parse_filter_id(value: Any) -> str:
    """Read the id of a filter; any string may turn out to be unknown."""
    if not isinstance(value, str):
        raise InvalidArgument(f"expected a filter id, got {type_name(value)}")
    return value


FilterId = Annotated[str, ParameterType(parse_filter_id, {"title": "filter id", "type": "string"})]


@dataclass(slots=True)
class _Watch:
    """What a client polls.

    Logs where `log_filter` is set, transactions where `pending` is (the pool's), else blocks.
    """

    seen: BlockId
    polled_at: float
    log_filter: LogFilter | None = None
    pending: frozenset[bytes] | None = None


class FilterMethods:
    """Filters live in memory and end when they are not polled."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers, limits: SearchLimits) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers
        self._limits = limits
        self._search = LogSearch(chain, views, workers, limits)
        self._watches: dict[str, _Watch] = {}

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_newFilter", self.new_filter, result=FILTER_ID)
        registry.add("eth_newBlockFilter", self.new_block_filter, result=FILTER_ID)
        registry.add("eth_newPendingTransactionFilter", self.new_pending_transaction_filter, result=FILTER_ID)
        registry.add("eth_getFilterChanges", self.filter_changes, result=FILTER_CHANGES)
        registry.add("eth_getFilterLogs", self.filter_logs, result=list_of(LOG))
        registry.add("eth_uninstallFilter", self.uninstall_filter, result=BOOLEAN)

    def new_filter(self, log_filter: Filter) -> str:
        """Begin to watch for logs; return the filter's id."""
        return self._add(_Watch(self._chain.head_id(), time.monotonic(), log_filter=log_filter))

    def new_block_filter(self) -> str:
        """Begin to watch for blocks; return the filter's id."""
        return self._add(_Watch(self._chain.head_id(), time.monotonic()))

    def new_pending_transaction_filter(self) -> str:
        """Begin to watch for transactions that enter the pool; return the filter's id."""
        return self._add(_Watch(self._chain.head_id(), time.monotonic(), pending=self._pending_hashes()))

    async def filter_changes(self, filter_id: FilterId) -> list[Any]:
        """Return what came since the filter was last polled: logs, block hashes or transaction hashes."""
        watch = self._find(filter_id)
        head = self._chain.head_id()
        seen, watch.seen = watch.seen, head
        if watch.log_filter is not None:
            changes = run_bounded(self._workers, self._limits.seconds, self._changed_logs, seen, head, watch.log_filter)
            try:
                return await changes
            except Phal2Error:
                # What could not be told is told by the next poll.
                watch.seen = seen
                raise
        if watch.pending is None:
            return await self._workers.run(self._new_blocks, seen, head)
        known, watch.pending = watch.pending, self._pending_hashes()
        return await self._workers.run(self._new_transactions, seen, head, known, watch.pending)

    def filter_logs(self, filter_id: FilterId) -> Any:
        """Return all logs that a log filter means, whether told before or not."""
        log_filter = self._find(filter_id).log_filter
        if log_filter is None:
            raise RpcError(SERVER_ERROR, "filter not found")
        return self._search.search(log_filter)

    def uninstall_filter(self, filter_id: FilterId) -> bool:
        """Forget a filter; tell whether there was one."""
        return self._watches.pop(filter_id, None) is not None

    def _add(self, watch: _Watch) -> str:
        now = time.monotonic()
        for filter_id in [name for name, other in self._watches.items() if now - other.polled_at > IDLE_SECONDS]:
            del self._watches[filter_id]
        if len(self._watches) >= MAXIMUM_FILTERS:
            raise RpcError(SERVER_ERROR, f"too many filters: at most {MAXIMUM_FILTERS}; uninstall some")
        filter_id = "0x" + secrets.token_hex(16)
        self._watches[filter_id] = watch
        return filter_id

    def _find(self, filter_id: str) -> _Watch:
        watch = self._watches.get(filter_id)
        if watch is None:
            raise RpcError(SERVER_ERROR, "filter not found")
        watch.polled_at = time.monotonic()
        return watch

    def _pending_hashes(self) -> frozenset[bytes]:
        return frozenset(transaction.hash for transaction in self._chain.pending_transactions())

    def _new_blocks(self, seen: BlockId, head: BlockId) -> list[str]:
        return [data(block.hash) for block in chain_changes(self._chain.store, seen, head).entered]

    def _changed_logs(self, deadline: Deadline, seen: BlockId, head: BlockId, log_filter: LogFilter) -> list[Any]:
        changes = chain_changes(self._chain.store, seen, head)
        found: list[Any] = []
        for blocks, removed in ((changes.left, True), (changes.entered, False)):
            for block in blocks:
                deadline.check()
                header = self._chain.store.header(block.hash)
                if header is not None and _is_in_range(log_filter, block.number):
                    found += [view.show() for view in log_filter.logs_of(self._views, header, block.hash, removed)]
                if len(found) > self._limits.logs:
                    message = f"more than {self._limits.logs} logs came since the last poll; ask eth_getLogs for them"
                    raise RpcError(LIMIT_EXCEEDED, message)
        return found

    def _new_transactions(
        self, seen: BlockId, head: BlockId, known: frozenset[bytes], present: frozenset[bytes]
    ) -> list[str]:
        """Return what is in the pool and was not, and what went through it into a block in the meantime."""
        hashes = list(present - known)
        for entered in chain_changes(self._chain.store, seen, head).entered:
            block = self._chain.store.block(entered.hash)
            for envelope in block.transactions if block is not None else ():
                transaction_hash = keccak256(envelope)
                if envelope[0] != DEPOSIT and transaction_hash not in known:
                    hashes.append(transaction_hash)
        return [data(transaction_hash) for transaction_hash in dict.fromkeys(hashes)]


def _is_in_range(log_filter: LogFilter, number: int) -> bool:
    first, last = log_filter.from_block, log_filter.to_block
    if first is not None and first.number is not None and number < first.number:
        return False
    return last is None or last.number is None or number <= last.number
