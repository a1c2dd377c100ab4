"""The namespace ots, API level 8: finding transactions by address, by sender and nonce, and the creators of contracts.

There is no index by address: a search goes through the blocks, and executes those again in which contracts may have
called contracts. It stops at a limit of blocks and of time, with what it has found by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.headers import Block, Header
from phal2.node.protocol.intrinsic_gas import TRANSACTION_GAS
from phal2.node.protocol.predeploys import L1_ATTRIBUTES_DEPOSITOR
from phal2.node.rpc.block_replay import stored_replay
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError, invalid_params
from phal2.node.rpc.explorer_schemas import CREATOR, TRANSACTION_PAGE
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.log_search import LIMIT_EXCEEDED
from phal2.node.rpc.parameter_types import Address, Count
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import HASH, optional
from phal2.node.rpc.traced_frames import block_frames
from phal2.node.rpc.workers import Workers
from phal2.node.state.world_state import WorldState
from phal2.node.storage.recent_cache import RecentCache

REQUEST_SECONDS: Final = 20.0
MAXIMUM_BLOCKS: Final = 10_000
"""How many blocks one search goes through at most."""

MAXIMUM_PAGE: Final = 500
_CACHED_ADDRESSES: Final = 500_000


@dataclass(frozen=True, slots=True)
class FoundTransactions:
    """Places of transactions, the newest first, and whether the search reached its chain's end."""

    places: list[tuple[Header, bytes, int]]
    is_complete: bool


class OtterscanSearchMethods:
    """Searches; the addresses of a block that was searched once are kept for the next search."""

    def __init__(
        self, chain: ChainService, views: BlockViews, workers: Workers, maximum_blocks: int = MAXIMUM_BLOCKS
    ) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers
        self._maximum_blocks = maximum_blocks
        self._addresses: RecentCache[bytes, tuple[frozenset[bytes], ...]] = RecentCache(_CACHED_ADDRESSES)

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("ots_searchTransactionsBefore", self.search_before, result=TRANSACTION_PAGE)
        registry.add("ots_searchTransactionsAfter", self.search_after, result=TRANSACTION_PAGE)
        registry.add("ots_getTransactionBySenderAndNonce", self.transaction_by_sender_and_nonce, result=optional(HASH))
        registry.add("ots_getContractCreator", self.contract_creator, result=optional(CREATOR))

    async def search_before(self, address: Address, block: Count, page_size: Count) -> dict[str, Any]:
        """Return a page of transactions that concern an address, from below a block (0: from the newest) downwards."""
        head = self._chain.head_id().number
        first = head if block == 0 else min(block - 1, head)
        found = await self._search(address, range(first, -1, -1), page_size)
        return self._show(found, is_first=block == 0 or block > head, is_last=found.is_complete)

    async def search_after(self, address: Address, block: Count, page_size: Count) -> dict[str, Any]:
        """Return a page of transactions that concern an address, from above a block (0: from genesis) upwards."""
        head = self._chain.head_id().number
        found = await self._search(address, range(0 if block == 0 else block + 1, head + 1), page_size)
        found.places.reverse()
        return self._show(found, is_first=found.is_complete, is_last=block == 0)

    async def transaction_by_sender_and_nonce(self, sender: Address, nonce: Count) -> str | None:
        """Return the hash of the transaction that an account sent with a nonce, null where there is none."""
        head = self._chain.head_id().number
        return await run_bounded(self._workers, REQUEST_SECONDS, self._by_nonce, head, sender, nonce)

    async def contract_creator(self, address: Address) -> dict[str, Any] | None:
        """Return {hash, creator} of the transaction that created a contract.

        Null where no transaction did, as with accounts and what the genesis has.
        """
        head = self._chain.head_id().number
        return await run_bounded(self._workers, REQUEST_SECONDS, self._creator, head, address)

    async def _search(self, address: bytes, numbers: range, page_size: int) -> FoundTransactions:
        if not 0 < page_size <= MAXIMUM_PAGE:
            raise invalid_params(f"page size {page_size} is not allowed, from 1 to {MAXIMUM_PAGE} are")
        return await run_bounded(self._workers, REQUEST_SECONDS, self._scan, address, numbers, page_size)

    def _scan(self, deadline: Deadline, address: bytes, numbers: range, page_size: int) -> FoundTransactions:
        """Collect transactions block by block until the page is full, in the order of the blocks."""
        store = self._chain.store
        places: list[tuple[Header, bytes, int]] = []
        ascending = numbers.step > 0
        for scanned, number in enumerate(numbers):
            if len(places) >= page_size:
                return FoundTransactions(places, is_complete=False)
            if scanned >= self._maximum_blocks:
                return self._partial(places, number)
            block = store.block_by_number(number)
            if block is None:
                continue
            indexes = [index for index, touched in enumerate(self._touched(block, deadline)) if address in touched]
            places += [(block.header, block.hash, index) for index in (indexes if ascending else reversed(indexes))]
        return FoundTransactions(places, is_complete=True)

    def _partial(self, places: list[tuple[Header, bytes, int]], number: int) -> FoundTransactions:
        if not places:
            message = (
                f"no transaction found in {self._maximum_blocks} blocks, up to block {number}; search on from there"
            )
            raise RpcError(LIMIT_EXCEEDED, message)
        return FoundTransactions(places, is_complete=False)

    def _touched(self, block: Block, deadline: Deadline) -> tuple[frozenset[bytes], ...]:
        """Return the addresses that each transaction of a block concerns."""
        cached = self._addresses.get(block.hash)
        if cached is not None:
            return cached
        touched = self._outer_addresses(block)
        if self._needs_execution(block):
            chain = self._chain
            replay = stored_replay(chain.store, chain.rules, chain.verdicts, block.hash)
            inner = [
                frozenset(address for frame in top.walk() for address in (frame.start.sender, frame.start.to))
                for top in block_frames(replay, deadline)
            ]
            touched = tuple(outer | within for outer, within in zip(touched, inner, strict=True))
        else:
            deadline.check()
        self._addresses.put(block.hash, touched, 1 + sum(map(len, touched)))
        return touched

    def _outer_addresses(self, block: Block) -> tuple[frozenset[bytes], ...]:
        return tuple(
            frozenset(address for address in (found.sender, found.transaction.to) if address is not None)
            for found in self._views.recovered(block)
        )

    def _needs_execution(self, block: Block) -> bool:
        """Tell whether any transaction did more than a transfer, the block's L1 attributes left aside."""
        receipts = self._chain.store.receipts(block.hash) or ()
        before = 0
        for found, receipt in zip(self._views.recovered(block), receipts, strict=True):
            gas_used, before = receipt.cumulative_gas_used - before, receipt.cumulative_gas_used
            is_system = isinstance(found.transaction, DepositTransaction) and found.sender == L1_ATTRIBUTES_DEPOSITOR
            if gas_used != TRANSACTION_GAS and not is_system:
                return True
        return False

    def _show(self, found: FoundTransactions, *, is_first: bool, is_last: bool) -> dict[str, Any]:
        transactions, receipts = [], []
        for header, block_hash, index in found.places:
            transactions.append(self._views.transaction(block_hash, index))
            receipt = orjson.loads(orjson.dumps(self._views.receipt(block_hash, index)))
            receipts.append({**(receipt or {}), "timestamp": header.timestamp})
        return {"txs": transactions, "receipts": receipts, "firstPage": is_first, "lastPage": is_last}

    def _by_nonce(self, deadline: Deadline, head: int, sender: bytes, nonce: int) -> str | None:
        number = self._first_block(deadline, head, lambda state: state.nonce(sender) > nonce)
        block = None if not number else self._chain.store.block_by_number(number)
        if block is None:
            return None
        receipts = self._chain.store.receipts(block.hash) or ()
        for found, receipt in zip(self._views.recovered(block), receipts, strict=True):
            own = (
                receipt.deposit_nonce if isinstance(found.transaction, DepositTransaction) else found.transaction.nonce
            )
            if found.sender == sender and own == nonce:
                return data(found.hash)
        return None

    def _creator(self, deadline: Deadline, head: int, address: bytes) -> dict[str, Any] | None:
        number = self._first_block(deadline, head, lambda state: bool(state.code(address)))
        block_hash = None if not number else self._chain.store.block_hash(number)
        if block_hash is None:
            return None
        chain = self._chain
        replay = stored_replay(chain.store, chain.rules, chain.verdicts, block_hash)
        for found, top in zip(replay.transactions, block_frames(replay, deadline), strict=True):
            for frame in top.walk():
                if frame.is_creation and frame.start.to == address and frame.error is None:
                    return {"hash": data(found.hash), "creator": data(frame.start.sender)}
        return None

    def _first_block(self, deadline: Deadline, head: int, holds: Callable[[WorldState], bool]) -> int | None:
        """Return the first block after which something holds that then goes on to hold; None where it never does."""
        low, high = self._chain.store.oldest_state(), head
        if not holds(self._state(head)):
            return None
        if low and holds(self._state(low)):
            raise RpcError(SERVER_ERROR, f"this is from before block {low}, the oldest whose state is kept here")
        while low < high:
            deadline.check()
            middle = (low + high) // 2
            if holds(self._state(middle)):
                high = middle
            else:
                low = middle + 1
        return low

    def _state(self, number: int) -> WorldState:
        header = self._chain.store.header_by_number(number)
        if header is None:
            raise RpcError(SERVER_ERROR, f"block #{number} not found")
        return WorldState(self._chain.store, header.state_root)
