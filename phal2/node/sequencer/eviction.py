"""Which transactions a full pool gives up for others.

Those behind a nonce gap go first, as no block can hold them yet and to wait costs their senders nothing; then those
with the lowest fee caps, for one that offers more (as geth's pool does it).
"""

import heapq
from collections import OrderedDict
from typing import Final

_DEAD_ENTRIES: Final = 1_000


class EvictionOrder:
    """The order in which the transactions of a pool would go, by their hashes."""

    def __init__(self) -> None:
        # Ordered, as a plain dict's first entry is far to find once many before it are gone.
        self._behind_gap: OrderedDict[bytes, None] = OrderedDict()
        self._arrivals: dict[bytes, int] = {}
        # What has left the pool stays here until it comes up, or until such entries are the most.
        self._by_fee_cap: list[tuple[int, int, bytes]] = []
        # Sorted in when somebody asks, as most pools are never full.
        self._unsorted: list[tuple[int, int, bytes]] = []

    def add(self, transaction_hash: bytes, fee_cap: int, arrival: int, *, is_behind_gap: bool) -> None:
        """Note a transaction; `fee_cap` is in wei per gas, `arrival` counts up."""
        self._arrivals[transaction_hash] = arrival
        if is_behind_gap:
            self._behind_gap[transaction_hash] = None
        # Of equal caps the newest goes first.
        self._unsorted.append((fee_cap, -arrival, transaction_hash))
        if len(self._by_fee_cap) + len(self._unsorted) > 2 * len(self._arrivals) + _DEAD_ENTRIES:
            self._by_fee_cap = [entry for entry in self._by_fee_cap + self._unsorted if self._is_there(entry)]
            self._unsorted = []
            heapq.heapify(self._by_fee_cap)

    def remove(self, transaction_hash: bytes) -> None:
        """Forget a transaction that has left the pool."""
        del self._arrivals[transaction_hash]
        self._behind_gap.pop(transaction_hash, None)

    def is_behind_gap(self, transaction_hash: bytes) -> bool:
        """Tell whether an earlier nonce of its sender's is missing."""
        return transaction_hash in self._behind_gap

    def gap_closed(self, transaction_hash: bytes) -> None:
        """Note that no earlier nonce is missing any more."""
        self._behind_gap.pop(transaction_hash, None)

    def gap_opened(self, transaction_hash: bytes) -> None:
        """Note that an earlier nonce is missing from now on."""
        self._behind_gap[transaction_hash] = None

    def longest_behind_gap(self) -> bytes | None:
        """Return the one that has been behind a gap for longest, None where there is none."""
        return next(iter(self._behind_gap), None)

    def cheapest(self) -> tuple[int, bytes] | None:
        """Return the lowest fee cap and the newest transaction that has it, None where there is none."""
        for entry in self._unsorted:
            heapq.heappush(self._by_fee_cap, entry)
        self._unsorted.clear()
        while self._by_fee_cap and not self._is_there(self._by_fee_cap[0]):
            heapq.heappop(self._by_fee_cap)
        if not self._by_fee_cap:
            return None
        fee_cap, _, transaction_hash = self._by_fee_cap[0]
        return fee_cap, transaction_hash

    def _is_there(self, entry: tuple[int, int, bytes]) -> bool:
        return self._arrivals.get(entry[2]) == -entry[1]
