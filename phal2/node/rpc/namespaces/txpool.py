"""The namespace txpool: what waits to be included."""

from typing import Any

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import quantity
from phal2.node.rpc.parameter_types import Address
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import POOL_CONTENT, POOL_CONTENT_OF_ACCOUNT, POOL_INSPECTION, POOL_STATUS


class PoolMethods:
    """The pool refuses gaps in nonces, so that nothing is ever queued behind a missing transaction."""

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
        return {"pending": quantity(len(self._chain.pending_transactions())), "queued": "0x0"}

    def content(self) -> dict[str, Any]:
        """Return the transactions by sender and nonce."""
        pending: dict[str, dict[str, Any]] = {}
        for recovered in self._chain.pending_transactions():
            by_nonce = pending.setdefault(to_checksum_address(recovered.sender), {})
            by_nonce[_nonce(recovered)] = format_transaction(recovered, None)
        return {"pending": pending, "queued": {}}

    def content_from(self, address: Address) -> dict[str, Any]:
        """Return the transactions of one sender by nonce."""
        pending = {
            _nonce(recovered): format_transaction(recovered, None)
            for recovered in self._chain.pending_transactions()
            if recovered.sender == address
        }
        return {"pending": pending, "queued": {}}

    def inspect(self) -> dict[str, Any]:
        """Return the transactions by sender and nonce, a line of text each."""
        pending: dict[str, dict[str, str]] = {}
        for recovered in self._chain.pending_transactions():
            by_nonce = pending.setdefault(to_checksum_address(recovered.sender), {})
            by_nonce[_nonce(recovered)] = _summary(recovered)
        return {"pending": pending, "queued": {}}


def _nonce(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    return "0" if isinstance(transaction, DepositTransaction) else str(transaction.nonce)


def _summary(recovered: RecoveredTransaction) -> str:
    transaction = recovered.transaction
    recipient = "contract creation" if transaction.to is None else to_checksum_address(transaction.to)
    price = transaction.max_fee_per_gas
    return f"{recipient}: {transaction.value} wei + {transaction.gas_limit} gas × {price} wei"
