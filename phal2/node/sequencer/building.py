"""Block building: forced transactions first, then the pool's in their order, until the gas or the time is used up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phal2.node.protocol.errors import InvalidBlock, InvalidTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.block_execution import BlockExecution, ExecutedBlock

LEAST_TRANSACTION_GAS = 21_000
"""With less gas left in a block no transaction fits."""


@dataclass(frozen=True, slots=True)
class RefusedTransaction:
    """A pooled transaction that can be in no block on the state it met, and why. It should leave the pool."""

    hash: bytes
    reason: InvalidTransaction


@dataclass(frozen=True, slots=True)
class BuiltBlock:
    """A sealed block and the pooled transactions found invalid on the way."""

    executed: ExecutedBlock
    refused: tuple[RefusedTransaction, ...]


class InvalidForcedTransaction(InvalidBlock):
    """A transaction that the block must contain is invalid, so the whole payload is."""

    def __init__(self, index: int, reason: Exception) -> None:
        super().__init__(f"transaction {index} of the payload is invalid: {reason}")
        self.index = index


def build_block(
    execution: BlockExecution,
    forced: Sequence[RecoveredTransaction],
    order: TransactionOrder | None,
    should_stop: Callable[[], bool],
) -> BuiltBlock:
    """Apply `forced` and then what `order` gives, and seal.

    `should_stop` is asked before each pooled transaction but the first: the sequencer ends a block that takes too long,
    and yet no machine is so slow that its pool never gets smaller. Raises `InvalidForcedTransaction`.
    """
    for index, transaction in enumerate(forced):
        try:
            execution.apply(transaction)
        except InvalidTransaction as error:
            raise InvalidForcedTransaction(index, error) from error
    refused: list[RefusedTransaction] = []
    if order is not None:
        _apply_pooled(execution, order, should_stop, refused)
    return BuiltBlock(execution.seal(), tuple(refused))


def _apply_pooled(
    execution: BlockExecution,
    order: TransactionOrder,
    should_stop: Callable[[], bool],
    refused: list[RefusedTransaction],
) -> None:
    is_under_way = False
    while execution.remaining_gas >= LEAST_TRANSACTION_GAS and not (is_under_way and should_stop()):
        is_under_way = True
        transaction = order.next()
        if transaction is None:
            break
        if transaction.transaction.gas_limit > execution.remaining_gas:
            order.passed_over()
            continue
        if transaction.transaction.blob_versioned_hashes and not execution.has_room_for_blobs(transaction.transaction):
            order.passed_over()
            continue
        try:
            outcome = execution.apply(transaction)
        except InvalidTransaction as error:
            refused.append(RefusedTransaction(transaction.hash, error))
            order.passed_over()
        else:
            order.included(outcome.gas_used)
    refused += (RefusedTransaction(stale.hash, stale.reason) for stale in order.stale)
