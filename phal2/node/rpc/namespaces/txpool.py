"""The namespace txpool: what waits to be included."""

from collections.abc import Callable
from typing import Any

import orjson

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import BLOB
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import quantity
from phal2.node.rpc.parameter_types import Address
from phal2.node.rpc.pool_parts import pool_parts
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import POOL_CONTENT, POOL_CONTENT_OF_ACCOUNT, POOL_INSPECTION, POOL_STATUS
from phal2.node.rpc.workers import Workers


class PoolMethods:
    """What waits: pending are transactions that could be in the next block, queued those behind a missing nonce.

    As in geth, blob transactions are counted but not shown. A large pool takes seconds to show, on a worker thread.
    """

    def __init__(self, chain: ChainService, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("txpool_status", self.status, result=POOL_STATUS)
        registry.add("txpool_content", self.content, result=POOL_CONTENT)
        registry.add("txpool_contentFrom", self.content_from, result=POOL_CONTENT_OF_ACCOUNT)
        registry.add("txpool_inspect", self.inspect, result=POOL_INSPECTION)

    def status(self) -> dict[str, str]:
        """Return how many transactions are pending and queued."""
        pending, queued = pool_parts(self._chain)
        return {"pending": quantity(len(pending)), "queued": quantity(len(queued))}

    async def content(self) -> orjson.Fragment:
        """Return the transactions by sender and nonce."""
        return await self._workers.run(_by_sender, pool_parts(self._chain), _transaction_object)

    async def content_from(self, address: Address) -> orjson.Fragment:
        """Return the transactions of one sender by nonce."""
        pending, queued = pool_parts(self._chain)
        parts = tuple([found for found in part if found.sender == address] for part in (pending, queued))
        return await self._workers.run(_of_one_sender, parts)

    async def inspect(self) -> orjson.Fragment:
        """Return the transactions by sender and nonce, a line of text each."""
        return await self._workers.run(_by_sender, pool_parts(self._chain), _summary)


_Parts = tuple[list[RecoveredTransaction], ...]
"""The pending transactions, and the queued ones."""


def _by_sender(parts: _Parts, show: Callable[[RecoveredTransaction], Any]) -> orjson.Fragment:
    shown: list[dict[str, dict[str, Any]]] = []
    for part in parts:
        by_sender: dict[bytes, dict[str, Any]] = {}
        for recovered in part:
            if recovered.transaction.transaction_type != BLOB:
                by_sender.setdefault(recovered.sender, {})[_nonce(recovered)] = show(recovered)
        shown.append({to_checksum_address(sender): by_nonce for sender, by_nonce in by_sender.items()})
    return _serialised(*shown)


def _of_one_sender(parts: _Parts) -> orjson.Fragment:
    return _serialised(
        *(
            {
                _nonce(recovered): _transaction_object(recovered)
                for recovered in part
                if recovered.transaction.transaction_type != BLOB
            }
            for part in parts
        )
    )


def _serialised(pending: dict[str, Any], queued: dict[str, Any]) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps({"pending": pending, "queued": queued}))


def _transaction_object(recovered: RecoveredTransaction) -> dict[str, Any]:
    return format_transaction(recovered, None)


def _nonce(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    return "0" if isinstance(transaction, DepositTransaction) else str(transaction.nonce)


def _summary(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    recipient = "contract creation" if transaction.to is None else to_checksum_address(transaction.to)
    price = transaction.max_fee_per_gas
    return f"{recipient}: {transaction.value} wei + {transaction.gas_limit} gas × {price} wei"
