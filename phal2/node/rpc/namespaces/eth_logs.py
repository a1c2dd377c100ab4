"""eth_getLogs, and the subscriptions newHeads and logs."""

from collections.abc import Callable
from typing import Any

import orjson

from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.chain_changes import ChainChanges, chain_changes
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.log_filter import ALL_LOGS, Filter
from phal2.node.rpc.log_search import SearchLimits, block_range, search_block, search_range
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.workers import Workers


class LogMethods:
    """Log searches run on worker threads; subscriptions follow the head on the event loop."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers, limits: SearchLimits) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers
        self._limits = limits

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method and the subscriptions."""
        registry.add("eth_getLogs", self.logs)
        registry.add_subscription("newHeads", self.subscribe_new_heads)
        registry.add_subscription("logs", self.subscribe_logs)

    async def logs(self, log_filter: Filter) -> list[dict[str, Any]]:
        """Return the logs that a filter means, in the order of the chain."""
        store, views, limits = self._chain.store, self._views, self._limits
        if log_filter.block_hash is not None:
            return await self._workers.run(search_block, store, views, log_filter, log_filter.block_hash, limits)
        first, last = block_range(self._chain, log_filter)
        return await self._workers.run(search_range, store, views, log_filter, first, last, limits)

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

    def _follow(self, tell: Callable[[ChainChanges], None]) -> Callable[[], None]:
        seen = self._chain.head_id()

        def on_new_head(_: bytes) -> None:
            nonlocal seen
            head = self._chain.head_id()
            changes = chain_changes(self._chain.store, seen, head)
            seen = head
            tell(changes)

        return self._chain.on_new_head(on_new_head)
