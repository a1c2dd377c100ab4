"""eth_getLogs, and the subscriptions newHeads and logs."""

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from phal2.node.rpc.block_views import BlockViews, FilterKey
from phal2.node.rpc.chain_changes import ChainChanges
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.head_feed import HeadFeed
from phal2.node.rpc.limits import SearchLimits
from phal2.node.rpc.log_filter import ALL_LOGS, Filter, LogFilter
from phal2.node.rpc.log_search import LogSearch
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import LOG, list_of
from phal2.node.rpc.workers import Workers


class LogMethods:
    """Log searches run on worker threads; subscriptions follow the head on the event loop, in turns with all else."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers, limits: SearchLimits) -> None:
        self._chain = chain
        self._views = views
        self._search = LogSearch(chain, views, workers, limits)
        self._feed = HeadFeed(chain)
        # What was told last, as many subscriptions may be for the same; logs as long as there are some to be told.
        self._told_head: bytes | None = None
        self._head: orjson.Fragment | None = None
        self._told_logs: WeakKeyDictionary[ChainChanges, dict[FilterKey, list[Any]]] = WeakKeyDictionary()

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method and the subscriptions."""
        registry.add("eth_getLogs", self.logs, result=list_of(LOG), concurrent=True)
        registry.add_subscription("newHeads", self.subscribe_new_heads)
        registry.add_subscription("logs", self.subscribe_logs)
        registry.add_subscription("syncing", self.subscribe_syncing)

    def logs(self, log_filter: Filter) -> Any:
        """Return the logs that a filter means, in the order of the chain."""
        return self._search.search(log_filter)

    def subscribe_new_heads(self, push: Callable[[Any], None]) -> Callable[[], None]:
        """Push the header of every block that becomes canonical."""

        def tell(changes: ChainChanges) -> Iterator[None]:
            for block in changes.entered:
                event = self._head_event(block.hash)
                if event is not None:
                    push(event)
                yield

        return self._feed.follow(tell)

    def subscribe_logs(self, push: Callable[[Any], None], log_filter: Filter = ALL_LOGS) -> Callable[[], None]:
        """Push every matching log of a block that becomes canonical, and with `removed` of one that no longer is."""

        def tell(changes: ChainChanges) -> Iterator[None]:
            for event in self._log_events(changes, log_filter):
                if event is not None:
                    push(event)
                yield

        return self._feed.follow(tell)

    def subscribe_syncing(self, push: Callable[[Any], None]) -> Callable[[], None]:  # noqa: ARG002 - see below
        """Push nothing: a node serves the chain that it has, so that a synchronisation neither begins nor ends."""
        return lambda: None

    def _head_event(self, block_hash: bytes) -> orjson.Fragment | None:
        if self._told_head != block_hash:
            header = self._chain.store.header(block_hash)
            event = None if header is None else orjson.Fragment(orjson.dumps(format_header(header, block_hash)))
            self._told_head, self._head = block_hash, event
        return self._head

    def _log_events(self, changes: ChainChanges, log_filter: LogFilter) -> Iterator[Any]:
        """Yield the logs of a change that a filter means, and None after each block.

        They are found once for all subscriptions that mean the same and saw the same.
        """
        told_logs = self._told_logs.setdefault(changes, {})
        known = told_logs.get(log_filter.key)
        if known is not None:
            yield from known
            return
        events: list[Any] = []
        for blocks, removed in ((changes.left, True), (changes.entered, False)):
            for block in blocks:
                header = self._chain.store.header(block.hash)
                if header is not None:
                    for view in log_filter.logs_of(self._views, header, block.hash, removed):
                        events.append(view.show())
                        yield events[-1]
                yield None
        told_logs[log_filter.key] = events
