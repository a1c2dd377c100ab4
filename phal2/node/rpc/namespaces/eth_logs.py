"""eth_getLogs, and the subscriptions newHeads and logs."""

from collections.abc import Callable
from typing import Any

import orjson

from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_changes import ChainChanges, chain_changes
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.limits import SearchLimits
from phal2.node.rpc.log_filter import ALL_LOGS, Filter
from phal2.node.rpc.log_search import LogSearch
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import LOG, list_of
from phal2.node.rpc.workers import Workers


class LogMethods:
    """Log searches run on worker threads; subscriptions follow the head on the event loop."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers, limits: SearchLimits) -> None:
        self._chain = chain
        self._views = views
        self._search = LogSearch(chain, views, workers, limits)

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

        def tell(changes: ChainChanges) -> None:
            for block in changes.entered:
                header = self._chain.store.header(block.hash)
                if header is not None:
                    push(orjson.Fragment(orjson.dumps(format_header(header, block.hash))))

        return self._follow(tell)

    def subscribe_logs(self, push: Callable[[Any], None], log_filter: Filter = ALL_LOGS) -> Callable[[], None]:
        """Push every matching log of a block that becomes canonical, and with `removed` of one that no longer is."""

        def tell(changes: ChainChanges) -> None:
            for blocks, removed in ((changes.left, True), (changes.entered, False)):
                for block in blocks:
                    header = self._chain.store.header(block.hash)
                    if header is not None:
                        for view in log_filter.logs_of(self._views, header, block.hash, removed):
                            push(view.show())

        return self._follow(tell)

    def subscribe_syncing(self, push: Callable[[Any], None]) -> Callable[[], None]:  # noqa: ARG002 - see below
        """Push nothing: a node serves the chain that it has, so that a synchronisation neither begins nor ends."""
        return lambda: None

    def _follow(self, tell: Callable[[ChainChanges], None]) -> Callable[[], None]:
        seen = self._chain.head_id()

        def on_new_head(_: bytes) -> None:
            nonlocal seen
            head = self._chain.head_id()
            changes = chain_changes(self._chain.store, seen, head)
            seen = head
            tell(changes)

        return self._chain.on_new_head(on_new_head)
