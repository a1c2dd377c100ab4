"""The order in which pooled transactions enter a block (docs/attested-transactions.md).

By effective tip per gas, within a sender by nonce, at equal tips by arrival. Attested transactions come first, up to
a share of the block's gas.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import ATTESTED
from phal2.node.sequencer.mempool import PooledTransaction
from phal2.node.state.transaction_errors import NonceTooLow


@dataclass(frozen=True, slots=True)
class StaleTransaction:
    """A pooled transaction whose nonce its sender has used, by other means than its inclusion."""

    hash: bytes
    reason: NonceTooLow


class TransactionOrder:
    """Gives one transaction after the other; the caller says of each whether it was included.

    A sender whose transaction was not included gives no more in this block, as the following ones would have a nonce
    gap. A sender's account is looked at only when its turn comes, so a block costs what it takes from the pool, however
    many senders wait.
    """

    def __init__(
        self,
        queues: Mapping[bytes, Sequence[PooledTransaction]],
        next_nonce: Callable[[bytes], int],
        base_fee_per_gas: int,
        attested_gas: int,
    ) -> None:
        """`queues` are the senders' transactions in any order; `next_nonce` reads the state of the block so far."""
        self._next_nonce = next_nonce
        self._base_fee_per_gas = base_fee_per_gas
        self._attested_gas_left = attested_gas
        self._queues = {sender: sorted(queue, key=_nonce) for sender, queue in queues.items()}
        self._positions = dict.fromkeys(self._queues, 0)
        self._attested: list[tuple[int, int, bytes]] = []
        self._ordinary: list[tuple[int, int, bytes]] = []
        self.stale: list[StaleTransaction] = []
        """The transactions come upon so far that can be in no block any more."""
        for sender in self._queues:
            self._offer(sender)

    def next(self) -> RecoveredTransaction | None:
        """Return the next transaction, None at the end. Call `included` or `passed_over` before the next call."""
        while self._attested or self._ordinary:
            from_attested = bool(self._attested) and (self._attested_gas_left > 0 or not self._ordinary)
            if not from_attested and self._attested and self._ordinary and self._attested[0] < self._ordinary[0]:
                from_attested = True
            heap = self._attested if from_attested else self._ordinary
            sender = heapq.heappop(heap)[2]
            pooled = self._queues[sender][self._positions[sender]]
            next_nonce = self._next_nonce(sender)
            if pooled.nonce == next_nonce:
                self._current = sender
                return pooled.recovered
            if pooled.nonce < next_nonce:
                self.stale.append(StaleTransaction(pooled.recovered.hash, NonceTooLow(next_nonce, pooled.nonce)))
                self._positions[sender] += 1
                self._offer(sender)
        return None

    def included(self, gas_used: int) -> None:
        """The last transaction given is in the block and used `gas_used`."""
        pooled = self._queues[self._current][self._positions[self._current]]
        if pooled.recovered.transaction.transaction_type == ATTESTED:
            self._attested_gas_left -= gas_used
        self._positions[self._current] += 1
        self._offer(self._current)

    def passed_over(self) -> None:
        """The last transaction given is not in the block: its sender has no more turns."""

    def _offer(self, sender: bytes) -> None:
        queue, position = self._queues[sender], self._positions[sender]
        if position == len(queue):
            return
        pooled = queue[position]
        transaction = pooled.recovered.transaction
        tip = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - self._base_fee_per_gas)
        if tip < 0:
            return
        heap = self._attested if transaction.transaction_type == ATTESTED else self._ordinary
        heapq.heappush(heap, (-tip, pooled.arrival, sender))


def _nonce(pooled: PooledTransaction) -> int:
    return pooled.nonce
