"""The namespace txpool: what waits to be included."""

from collections.abc import Callable
from typing import Any

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


class PoolMethods:
    """What waits: pending are transactions that could be in the next block, queued those behind a missing nonce.

    As in geth, blob transactions are counted but not shown.
    """

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain

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

    def content(self) -> dict[str, Any]:
        """Return the transactions by sender and nonce."""
        return self._by_sender(lambda recovered: format_transaction(recovered, None))

    def content_from(self, address: Address) -> dict[str, Any]:
        """Return the transactions of one sender by nonce."""
        pending, queued = (
            {
                _nonce(recovered): format_transaction(recovered, None)
                for recovered in part
                if recovered.sender == address and recovered.transaction.transaction_type != BLOB
            }
            for part in pool_parts(self._chain)
        )
        return {"pending": pending, "queued": queued}

    def inspect(self) -> dict[str, Any]:
        """Return the transactions by sender and nonce, a line of text each."""
        return self._by_sender(_summary)

    def _by_sender(self, show: Callable[[RecoveredTransaction], Any]) -> dict[str, Any]:
        shown: list[dict[str, dict[str, Any]]] = []
        for part in pool_parts(self._chain):
            by_sender: dict[str, dict[str, Any]] = {}
            for recovered in part:
                if recovered.transaction.transaction_type != BLOB:
                    by_sender.setdefault(to_checksum_address(recovered.sender), {})[_nonce(recovered)] = show(recovered)
            shown.append(by_sender)
        return {"pending": shown[0], "queued": shown[1]}


def _nonce(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    return "0" if isinstance(transaction, DepositTransaction) else str(transaction.nonce)


def _summary(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    recipient = "contract creation" if transaction.to is None else to_checksum_address(transaction.to)
    price = transaction.max_fee_per_gas
    return f"{recipient}: {transaction.value} wei + {transaction.gas_limit} gas × {price} wei"
